/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What arch/x86/vtx/mmu_format.c takes from the kernel's header, by the SDM: "Format of
 * EPTP", the formats of EPT entries, "VPID and EPT Capabilities".
 */
#ifndef SHIM_ASM_VMX_H
#define SHIM_ASM_VMX_H

#define VMX_EPT_READABLE_MASK		0x1ULL
#define VMX_EPT_WRITABLE_MASK		0x2ULL
#define VMX_EPT_EXECUTABLE_MASK		0x4ULL
#define VMX_EPT_RWX_MASK		0x7ULL
#define VMX_EPT_MT_EPTE_SHIFT		3
#define VMX_EPT_MT_MASK			0x38ULL
#define VMX_EPT_IPAT_BIT		0x40ULL
#define VMX_EPT_ACCESS_BIT		0x100ULL
#define VMX_EPT_DIRTY_BIT		0x200ULL

#define VMX_EPTP_PWL_4			0x18ULL
#define VMX_EPTP_PWL_5			0x20ULL
#define VMX_EPTP_AD_ENABLE_BIT		0x40ULL

#define VMX_EPT_PAGE_WALK_4_BIT		0x40ULL
#define VMX_EPT_PAGE_WALK_5_BIT		0x80ULL
#define VMX_EPTP_WB_BIT			0x4000ULL
#define VMX_EPT_2MB_PAGE_BIT		0x10000ULL
#define VMX_EPT_1GB_PAGE_BIT		0x20000ULL
#define VMX_EPT_INVEPT_BIT		0x100000ULL
#define VMX_EPT_AD_BIT			0x200000ULL
#define VMX_EPT_EXTENT_CONTEXT_BIT	0x2000000ULL
#define VMX_EPT_EXTENT_GLOBAL_BIT	0x4000000ULL

#endif /* SHIM_ASM_VMX_H */
