// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the fake architecture.  Its world switch is a loop over the
 * program a test gave the vCPU; its memory accesses go through the page tables
 * that core made, and end in the test's own memory.
 */
#include <core/device.h>
#include <core/host.h>
#include <core/ioctl.h>
#include <core/iobus.h>
#include <core/irq.h>
#include <core/stats.h>

#include "../formats.h"
#include "fake.h"

const struct pgtable_format *fake_format;
int fake_cpus_enabled, fake_flushes, fake_syncs;
int fake_enable_error, fake_vm_create_error, fake_vcpu_create_error, fake_deliver_error;
void (*fake_flush_hook)(struct vm *vm, struct gfn_range range);
void (*fake_vm_create_hook)(void), (*fake_vcpu_create_hook)(void);

static int take_error(int *error)
{
	int taken = *error;

	*error = 0;

	return taken;
}

static void take_hook(void (**hook)(void))
{
	void (*taken)(void) = *hook;

	*hook = NULL;
	if (taken)
		taken();
}

/* --- life ----------------------------------------------------------------------- */

int fake_vcpu_cpu_enable(void)
{
	int err = take_error(&fake_enable_error);

	if (!err)
		fake_cpus_enabled++;

	return err;
}

void fake_vcpu_cpu_disable(void)
{
	fake_cpus_enabled--;
}

int fake_vcpu_vm_create(struct vm *vm, unsigned long type)
{
	take_hook(&fake_vm_create_hook);

	return type ? -EINVAL : take_error(&fake_vm_create_error);
}

int fake_vcpu_create(struct vcpu *vcpu)
{
	take_hook(&fake_vcpu_create_hook);

	return take_error(&fake_vcpu_create_error);
}

void fake_vcpu_reset(struct vcpu *vcpu)
{
	vcpu->arch.pc = 0;
}

void fake_vcpu_vm_destroy(struct vm *vm) { }
void fake_vcpu_destroy(struct vcpu *vcpu) { }
void fake_vcpu_run_begin(struct vcpu *vcpu) { }
void fake_vcpu_run_end(struct vcpu *vcpu, int ret) { }
void fake_vcpu_load(struct vcpu *vcpu, int cpu) { }
void fake_vcpu_put(struct vcpu *vcpu) { }
void fake_vcpu_arm(struct vcpu *vcpu) { }
void fake_vcpu_disarm(struct vcpu *vcpu) { }

void fake_vcpu_after_enter(struct vcpu *vcpu)
{
	struct memslot *slot;
	int srcu;

	if (!READ_ONCE(vcpu->vm->has_log) || !vcpu->arch.logged)
		return;
	srcu = srcu_read_lock(&vcpu->vm->srcu);
	while (vcpu->arch.logged) {
		slot = vcpu_memslot(vcpu, vcpu->arch.log[--vcpu->arch.logged]);
		if (slot)
			memslot_mark_dirty(slot, vcpu->arch.log[vcpu->arch.logged]);
	}
	srcu_read_unlock(&vcpu->vm->srcu, srcu);
}

void fake_vcpu_block(struct vcpu *vcpu) { }
void fake_vcpu_unblock(struct vcpu *vcpu) { }

/* --- the guest --------------------------------------------------------------------- */

int fake_vcpu_prepare(struct vcpu *vcpu)
{
	if (vcpu_take_request(vcpu, REQ_FLUSH_ALL))
		memset(vcpu->arch.tlb, 0, sizeof(vcpu->arch.tlb));

	return RESUME_GUEST;
}

int fake_vcpu_commit(struct vcpu *vcpu) { return 0; }

/* A write makes the entry dirty, and is noted if it was not.  False: look again. */
static bool walk_write(struct vcpu *vcpu, const struct pgtable_format *format, u64 *ptep,
		       u64 *pte, gpa_t gpa)
{
	u64 dirty = *pte | ~format->make_clean(~0ULL);

	if (format->is_dirty(*pte))
		return true;
	if (cmpxchg(ptep, *pte, dirty) != *pte)
		return false;
	*pte = dirty;
	vcpu->arch.log[vcpu->arch.logged++] = gpa_to_gfn(gpa);

	return true;
}

/* As hardware does it: no lock, and what it sees may be gone a moment later. */
static bool walk(struct vcpu *vcpu, gpa_t gpa, u8 access, struct fake_tlb_entry *entry)
{
	struct pgtable *pt = &vcpu->vm->as[vcpu->as_id].pgtable;
	const struct pgtable_format *format = pt->format;
	u64 pte, *ptep;
	int level;

	do {
		ptep = format_walk_entry(pt, gpa, &pte, &level);
		if (!ptep || (access & ~format->prot(pte)))
			return false;
	} while (format->logs_writes && (access & PROT_GUEST_WRITE) &&
		 !walk_write(vcpu, format, ptep, &pte, gpa));

	entry->hpa = format_target(format, pte, level, gpa) & PAGE_MASK;
	entry->gfn = gpa_to_gfn(gpa);
	entry->prot = format->prot(pte);
	entry->dirty = !format->logs_writes || format->is_dirty(pte);
	entry->valid = true;

	return true;
}

/* The host address of a guest access, or NULL: a fault. */
static void *translate(struct vcpu *vcpu, gpa_t gpa, u8 access)
{
	struct fake_tlb_entry *entry = &vcpu->arch.tlb[gpa_to_gfn(gpa) % FAKE_TLB_SIZE];

	if (!entry->valid || entry->gfn != gpa_to_gfn(gpa) ||
	    entry->as_id != vcpu->as_id || (access & ~entry->prot) ||
	    ((access & PROT_GUEST_WRITE) && !entry->dirty)) {
		entry->valid = false;
		entry->as_id = vcpu->as_id;
		if (!walk(vcpu, gpa, access, entry))
			return NULL;
	}

	return __va(entry->hpa + offset_in_page(gpa));
}

/* What an instruction does with memory; 0: nothing. */
static u8 insn_access(const struct fake_insn *insn)
{
	switch (insn->opcode) {
	case FAKE_LOAD:
		return PROT_GUEST_READ;
	case FAKE_STORE:
		return PROT_GUEST_WRITE;
	case FAKE_FETCH:
		return PROT_GUEST_EXEC;
	default:
		return 0;
	}
}

/* One instruction; true if the guest goes on. */
static bool execute(struct vcpu *vcpu, struct fake_insn *insn)
{
	u8 access = insn_access(insn);
	void *address;

	if (insn->opcode == FAKE_SPIN) {
		while (!shim_irq_pending() && READ_ONCE(vcpu->mode) == IN_GUEST_MODE)
			sched_yield();
		vcpu->arch.pc++;
		vcpu->arch.exit.code = FAKE_EXIT_IRQ;
		return false;
	}
	if (!access) {
		vcpu->arch.exit.code = FAKE_EXIT_INSN;
		return false;
	}

	/* No room to note a write: as an interrupt, after which there is. */
	if (vcpu->arch.logged == FAKE_LOG_SIZE) {
		vcpu->arch.exit.code = FAKE_EXIT_IRQ;
		return false;
	}
	address = translate(vcpu, insn->gpa, access);
	if (!address) {
		vcpu->arch.exit.code = FAKE_EXIT_FAULT;
		vcpu->arch.exit.info1 = insn->gpa;
		vcpu->arch.exit.info2 = access;
		return false;
	}
	if (insn->opcode == FAKE_STORE)
		memcpy(address, &insn->value, insn->len ? insn->len : 8);
	else
		memcpy(&insn->value, address, insn->len ? insn->len : 8);
	vcpu->arch.pc++;

	return true;
}

void fake_vcpu_enter(struct vcpu *vcpu)
{
	bool go_on = true;

	vcpu->arch.entries++;
	smp_store_mb(vcpu->arch.in_guest, true);
	while (go_on) {
		if (shim_irq_pending()) {
			vcpu->arch.exit.code = FAKE_EXIT_IRQ;
			break;
		}
		assert(vcpu->arch.pc < vcpu->arch.length);
		go_on = execute(vcpu, &vcpu->arch.program[vcpu->arch.pc]);
	}
	smp_store_release(&vcpu->arch.in_guest, false);
}

static int out_to_user(struct vcpu *vcpu, const struct fake_insn *insn)
{
	vcpu->run->io.port = insn->gpa;
	vcpu->run->io.size = insn->len;
	vcpu->run->io.direction = KVM_EXIT_IO_OUT;

	return vcpu_exit(vcpu, KVM_EXIT_IO);
}

int fake_vcpu_fast_exit(struct vcpu *vcpu)
{
	const struct fake_insn *insn = &vcpu->arch.program[vcpu->arch.pc];

	if (vcpu->arch.exit.code != FAKE_EXIT_INSN)
		return RESUME_GUEST;
	if (insn->opcode == FAKE_NOP) {
		vcpu->arch.pc++;
		return REENTER;
	}
	if (insn->opcode == FAKE_OUT && !iobus_maybe(vcpu->vm, IOBUS_PIO, insn->gpa) &&
	    !coalesced_maybe(vcpu->vm, IOBUS_PIO, insn->gpa)) {
		vcpu->arch.pc++;
		return out_to_user(vcpu, insn);
	}

	return RESUME_GUEST;
}

static int mmio_done(struct vcpu *vcpu)
{
	struct fake_insn *insn = &vcpu->arch.program[vcpu->arch.pc++];

	if (insn->opcode == FAKE_LOAD)
		insn->value = vcpu->arch.mmio_data;

	return RESUME_GUEST;
}

static int exit_fault(struct vcpu *vcpu)
{
	struct fake_insn *insn = &vcpu->arch.program[vcpu->arch.pc];
	int ret = vcpu_fault(vcpu, vcpu->arch.exit.info1, vcpu->arch.exit.info2);

	if (ret != FAULT_NO_SLOT && ret != FAULT_READONLY)
		return ret;

	vcpu->arch.mmio_data = insn->opcode == FAKE_STORE ? insn->value : 0;
	ret = vcpu_mmio(vcpu, insn->gpa, &vcpu->arch.mmio_data, insn->len ? insn->len : 8,
			insn->opcode == FAKE_STORE, mmio_done);

	return ret == RESUME_GUEST ? mmio_done(vcpu) : ret;
}

static int exit_out(struct vcpu *vcpu)
{
	struct fake_insn *insn = &vcpu->arch.program[vcpu->arch.pc++];

	if (!iobus_write(vcpu, IOBUS_PIO, insn->gpa, insn->len, &insn->value) ||
	    coalesced_write(vcpu, IOBUS_PIO, insn->gpa, insn->len, &insn->value))
		return RESUME_GUEST;

	return out_to_user(vcpu, insn);
}

int fake_vcpu_handle_exit(struct vcpu *vcpu)
{
	vcpu->arch.handled++;
	if (vcpu->arch.exit.code == FAKE_EXIT_IRQ)
		return RESUME_GUEST;
	if (vcpu->arch.exit.code == FAKE_EXIT_FAULT)
		return exit_fault(vcpu);

	switch (vcpu->arch.program[vcpu->arch.pc].opcode) {
	case FAKE_HALT:
		vcpu->arch.pc++;
		if (!vcpu_op(runnable)(vcpu))
			vcpu_halt(vcpu);
		if (vcpu_op(runnable)(vcpu))
			__atomic_sub_fetch(&vcpu->arch.interrupts, 1, __ATOMIC_SEQ_CST);
		else
			vcpu->arch.pc--;
		return RESUME_GUEST;
	case FAKE_OUT:
		return exit_out(vcpu);
	default:
		vcpu->arch.pc++;
		return vcpu_exit(vcpu, KVM_EXIT_SHUTDOWN);
	}
}

bool fake_vcpu_runnable(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.interrupts) > 0;
}

void fake_interrupt(struct vcpu *vcpu)
{
	__atomic_add_fetch(&vcpu->arch.interrupts, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(vcpu);
}

void fake_vcpu_kick(struct vcpu *vcpu, int cpu)
{
	shim_irq_send(cpu);
}

/* --- memory --------------------------------------------------------------------------- */

int fake_mmu_create(struct vm *vm)
{
	int i, err = 0;

	for (i = 0; i < ARCH_ADDRESS_SPACES && !err; i++)
		err = pgtable_create(&vm->as[i].pgtable, vm, i, fake_format);

	return err;
}

void fake_mmu_destroy(struct vm *vm)
{
	int i;

	for (i = 0; i < ARCH_ADDRESS_SPACES; i++)
		pgtable_destroy(&vm->as[i].pgtable);
}

int fake_mmu_slot_check(struct vm *vm, const struct memslot *slot)
{
	/* A limit of its own, to see that it is asked. */
	return slot->base >= gpa_to_gfn(1ULL << 38) ? -EINVAL : 0;
}

void fake_mmu_sync_page(struct vm *vm, const struct mmu_map *map)
{
	lockdep_assert_held(&vm->mmu_lock);
	__atomic_add_fetch(&fake_syncs, 1, __ATOMIC_SEQ_CST);
}

void fake_mmu_flush(struct vm *vm, struct gfn_range range)
{
	__atomic_add_fetch(&fake_flushes, 1, __ATOMIC_SEQ_CST);
	if (fake_flush_hook)
		fake_flush_hook(vm, range);
	if (vm->vcpu_count)
		vm_request_all(vm, REQ_FLUSH_ALL, true);
}

void fake_mmu_flush_all(struct vm *vm)
{
	fake_mmu_flush(vm, (struct gfn_range) { .end = U64_MAX });
}

/* --- interrupts -------------------------------------------------------------------------- */

int fake_irqchip_create(struct vm *vm, u32 kind)
{
	if (vm_has_irqchip(vm))
		return -EEXIST;
	if (vm->vcpu_count)
		return -EINVAL;
	smp_store_release(&vm->has_irqchip, true);

	return 0;
}

void fake_irqchip_destroy(struct vm *vm) { }

int fake_irqchip_vcpu_create(struct vcpu *vcpu) { return 0; }

void fake_irqchip_vcpu_destroy(struct vcpu *vcpu) { }
void fake_irqchip_sync_to_hw(struct vcpu *vcpu) { }
void fake_irqchip_sync_from_hw(struct vcpu *vcpu) { }

int fake_irqchip_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
		       struct irq_route *out)
{
	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (entry->u.irqchip.pin >= ARRAY_SIZE(vm->arch.level))
			return -EINVAL;
		out->line.chip = entry->u.irqchip.irqchip;
		out->line.pin = entry->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		out->msi.address = entry->u.msi.address_lo;
		out->msi.data = entry->u.msi.data;
		return 0;
	default:
		return -EINVAL;
	}
}

/* A message goes to the vCPU with the number in its address; a line to the first. */
int fake_irqchip_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	int err = take_error(&fake_deliver_error);
	struct vcpu *vcpu;

	if (err)
		return err;
	if (route->type == KVM_IRQ_ROUTING_MSI) {
		vcpu = vm_vcpu(vm, route->msi.address);
		if (!vcpu || !level)
			return -1;
	} else {
		vcpu = vm_vcpu(vm, 0);
		if (xchg(&vm->arch.level[route->line.pin][source], level) == level || !level)
			return 0;
		if (!vcpu)
			return -1;
	}
	fake_interrupt(vcpu);

	return 1;
}

bool fake_irqchip_pending(struct vcpu *vcpu) { return fake_vcpu_runnable(vcpu); }

/* --- devices ------------------------------------------------------------------------------- */

int fake_devices, fake_device_error, fake_device_absent;
static u64 fake_device_value;

static int fake_device_probe(void)
{
	return fake_device_absent;
}

static int fake_device_create(struct device_guest *device)
{
	int err = take_error(&fake_device_error);

	fake_devices += !err;

	return err;
}

static void fake_device_destroy(struct device_guest *device)
{
	fake_devices--;
}

static int fake_device_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return attr->group ? -ENXIO : 0;
}

static int fake_device_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	if (attr->group)
		return -ENXIO;

	return copy_from_user(&fake_device_value, (void *)attr->addr, 8) ? -EFAULT : 0;
}

static int fake_device_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	if (attr->group)
		return -ENXIO;

	return copy_to_user((void *)attr->addr, &fake_device_value, 8) ? -EFAULT : 0;
}

/* --- tables -------------------------------------------------------------------------------- */

static int fake_probe(void) { return 0; }
static int fake_setup(void) { return 0; }

static void fake_teardown(void) { }

#define BACKEND		fake
#define BACKEND_VCPU	fake
#define BACKEND_MMU	fake
#define BACKEND_IRQCHIP	fake
#include <core/define_backend.h>

const struct backend *const arch_backends[] = { &fake_backend, NULL };
const struct ioctl_desc arch_system_ioctls[] = { { } };
const struct ioctl_desc arch_vm_ioctls[] = { { } };
const struct ioctl_desc arch_vcpu_ioctls[] = { { } };
const struct cap_desc arch_caps[] = { { .cap = CAP_END } };
const struct device_guest_type arch_devices[] = {
	{ .type = FAKE_DEVICE, .name = "fake", .probe = fake_device_probe,
	  .create = fake_device_create, .destroy = fake_device_destroy,
	  .set = fake_device_set, .get = fake_device_get, .has = fake_device_has },
	{ .type = FAKE_DEVICE_SEALED, .name = "sealed", .create = fake_device_create,
	  .destroy = fake_device_destroy },
	{ }
};
const struct stats_desc arch_vcpu_stats[] = { { } };
