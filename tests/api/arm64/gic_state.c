// SPDX-License-Identifier: GPL-2.0-only
/* See gic_device.h. */
#include <arm64/gic_device.h>

#define GICv3(name)	KVM_DEV_ARM_VGIC_##name

/* Encodings of KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS: op0, op1, CRn, CRm, op2. */
#define ICC(op1, crn, crm, op2)	(3 << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

enum way { SAVE, RESTORE };

/* One register of @bytes; where this is a restore it is written. */
static void reg(struct vm *vm, enum way way, u32 group, u64 attribute, void *value, u32 bytes)
{
	u64 wide = 0;
	int result;

	memcpy(&wide, value, bytes);
	result = way == SAVE ? arm64_get_attr(vm->irqchip_fd, group, attribute, &wide) :
		 arm64_set_attr(vm->irqchip_fd, group, attribute, &wide);
	if (result)
		bail("cannot %s group %u, register 0x%llx: %s", way == SAVE ? "read" : "write", group,
		     (unsigned long long)attribute, strerror(errno));
	memcpy(value, &wide, bytes);
}

/* Registers that set and clear: what is not to be there goes first. */
static void set_and_clear(struct vm *vm, enum way way, u32 group, u64 set, u64 clear, u32 *value)
{
	u32 all = ~0u;

	if (way == RESTORE)
		reg(vm, way, group, clear, &all, 4);
	reg(vm, way, group, set, value, 4);
}

static void distributor(struct vm *vm, enum way way, struct vgic_state *state)
{
	u32 group = GICv3(GRP_DIST_REGS);
	u64 word, i;

	for (word = 1; word < VGIC_WORDS; word++) {
		reg(vm, way, group, 0x80 + word * 4, &state->dist_group[word], 4);
		set_and_clear(vm, way, group, 0x100 + word * 4, 0x180 + word * 4,
			      &state->dist_enable[word]);
		for (i = word * 8; i < word * 8 + 8; i++)
			reg(vm, way, group, 0x400 + i * 4, &state->dist_priority[i], 4);
		for (i = word * 2; i < word * 2 + 2; i++)
			reg(vm, way, group, 0xc00 + i * 4, &state->dist_config[i], 4);
		/* Two words each. */
		for (i = word * 32; i < word * 32 + 32; i++) {
			reg(vm, way, group, 0x6000 + i * 8, &state->dist_route[i], 4);
			reg(vm, way, group, 0x6004 + i * 8, (u32 *)&state->dist_route[i] + 1, 4);
		}
		/* The level, then what is latched, then what is active. */
		reg(vm, way, GICv3(GRP_LEVEL_INFO), word * 32, &state->dist_level[word], 4);
		set_and_clear(vm, way, group, 0x200 + word * 4, 0x280 + word * 4,
			      &state->dist_pending[word]);
		set_and_clear(vm, way, group, 0x300 + word * 4, 0x380 + word * 4,
			      &state->dist_active[word]);
	}
}

static void redistributor(struct vm *vm, enum way way, struct vgic_redist *state, u64 affinity)
{
	u32 group = GICv3(GRP_REDIST_REGS), i;
	u64 rd = affinity << 32, sgi = rd | GICR_SGI;

	reg(vm, way, group, rd | GICR_WAKER, &state->waker, 4);
	reg(vm, way, group, rd | GICR_PROPBASER, &state->propbaser, 4);
	reg(vm, way, group, rd | (GICR_PROPBASER + 4), (u32 *)&state->propbaser + 1, 4);
	reg(vm, way, group, rd | GICR_PENDBASER, &state->pendbaser, 4);
	reg(vm, way, group, rd | (GICR_PENDBASER + 4), (u32 *)&state->pendbaser + 1, 4);
	/* EnableLPIs, now that it is known where they are. */
	reg(vm, way, group, rd | GICR_CTLR, &state->ctlr, 4);
	reg(vm, way, group, sgi | 0x80, &state->group, 4);
	set_and_clear(vm, way, group, sgi | 0x100, sgi | 0x180, &state->enable);
	for (i = 0; i < 8; i++)
		reg(vm, way, group, sgi | (0x400 + i * 4), &state->priority[i], 4);
	reg(vm, way, group, sgi | 0xc04, &state->config[1], 4);
	reg(vm, way, GICv3(GRP_LEVEL_INFO), affinity << 32, &state->level, 4);
	set_and_clear(vm, way, group, sgi | 0x200, sgi | 0x280, &state->pending);
	set_and_clear(vm, way, group, sgi | 0x300, sgi | 0x380, &state->active);
}

static void cpu_interface(struct vm *vm, enum way way, struct vgic_redist *state, u64 affinity)
{
	const struct { u32 reg; u64 *value; } regs[] = {
		{ ICC(0, 12, 12, 5), &state->sre }, { ICC(0, 12, 12, 4), &state->ctlr_el1 },
		{ ICC(0, 4, 6, 0), &state->pmr }, { ICC(0, 12, 8, 3), &state->bpr0 },
		{ ICC(0, 12, 12, 3), &state->bpr1 }, { ICC(0, 12, 12, 6), &state->igrpen0 },
		{ ICC(0, 12, 12, 7), &state->igrpen1 }, { ICC(0, 12, 8, 4), &state->ap0r0 },
		{ ICC(0, 12, 9, 0), &state->ap1r0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		reg(vm, way, GICv3(GRP_CPU_SYSREGS), affinity << 32 | regs[i].reg, regs[i].value, 8);
}

static void transfer(struct vm *vm, enum way way, struct vgic_state *state)
{
	u64 mpidr;
	int i;

	/* In the order of QEMU: the distributor's control first, then what it controls. */
	reg(vm, way, GICv3(GRP_DIST_REGS), GICD_CTLR, &state->ctlr, 4);
	for (i = 0; i < state->count; i++) {
		mpidr = reg_get(&vm->vcpus[i], SYS_MPIDR) & 0xffffff;
		redistributor(vm, way, &state->redist[i], mpidr);
	}
	distributor(vm, way, state);
	for (i = 0; i < state->count; i++) {
		mpidr = reg_get(&vm->vcpus[i], SYS_MPIDR) & 0xffffff;
		cpu_interface(vm, way, &state->redist[i], mpidr);
	}
}

struct vgic_state *vgic_save(struct vm *vm)
{
	struct vgic_state *state = calloc(1, sizeof(*state));

	state->count = vm->vcpu_count;
	transfer(vm, SAVE, state);

	return state;
}

void vgic_restore(struct vm *vm, const struct vgic_state *state)
{
	struct vgic_state copy = *state;

	transfer(vm, RESTORE, &copy);
}

bool vgic_same(const struct vgic_state *before, const struct vgic_state *after)
{
	const u32 *from = (const u32 *)before, *to = (const u32 *)after;
	size_t i, differ = 0;

	for (i = 0; i < sizeof(*before) / 4; i++)
		if (from[i] != to[i])
			differ++, note("word %zu of the state was 0x%x and is 0x%x", i, from[i], to[i]);

	return !differ;
}

void vgic_copy_vcpu(struct vcpu *from, struct vcpu *to)
{
	struct kvm_reg_list *list = reg_list_get(from);
	struct kvm_mp_state state;
	struct kvm_vcpu_events events;
	static u8 value[4096];
	u64 i;

	for (i = 0; i < list->n; i++) {
		/* Fixed once the vCPU is finalised. */
		if (list->reg[i] == KVM_REG_ARM64_SVE_VLS)
			continue;
		if (reg_try_get(from, list->reg[i], value))
			bail("cannot get register 0x%llx: %s", (unsigned long long)list->reg[i],
			     strerror(errno));
		if (reg_try_set(to, list->reg[i], value))
			bail("cannot set register 0x%llx: %s", (unsigned long long)list->reg[i],
			     strerror(errno));
	}
	xioctl(from->fd, KVM_GET_VCPU_EVENTS, &events);
	xioctl(to->fd, KVM_SET_VCPU_EVENTS, &events);
	xioctl(from->fd, KVM_GET_MP_STATE, &state);
	xioctl(to->fd, KVM_SET_MP_STATE, &state);
	free(list);
}
