/* SPDX-License-Identifier: GPL-2.0-only */
enum { X86_TRAP_DB = 1, X86_TRAP_UD = 6, X86_TRAP_GP = 13, X86_TRAP_PF = 14 };
