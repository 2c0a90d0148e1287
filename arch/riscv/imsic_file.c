// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest interrupt files: the state of a guest's IMSIC in the hardware of the CPU
 * its vCPU runs on (AIA manual, "Guest interrupt files"; ISA manual, "Hypervisor
 * Guest External Interrupt Registers").  The guest then takes messages without
 * an exit, and sends them with a plain store, because its IMSIC page is mapped to
 * the page of the file.  A host without such files has only imsic.c.
 *
 * A file is tied to its CPU, and it takes that CPU to read it.  So a move goes by
 * way of the software file, in steps each of which is right by itself:
 *
 *	unmap the guest's page: stores trap into imsic_send() from then on
 *	by the old CPU, under imsic->lock: state to @soft, @place = none
 *	by the new CPU, under imsic->lock: state to the file, @place = the file
 *	map the page of the new file
 *
 * Whoever sends a message holds imsic->lock and finds it either here or there, so
 * none is lost on the way.  Moves are made by the vCPU itself in prepare, by
 * hotplug that takes the CPU away, and at the end of the VM.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/bitfield.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/irq.h>

#include "aia.h"

/* What a CPU has.  Files are numbered from 1. */
struct imsic_cpu {
	raw_spinlock_t	lock;
	bool		open;		/* lock; files may be given out */
	unsigned int	changes;	/* lock for writing; times that a file came free */
	unsigned long	free;		/* lock; BIT(file) */
	struct imsic	*owner[BITS_PER_LONG];	/* lock */
};

static DEFINE_PER_CPU(struct imsic_cpu, imsic_cpu) = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(imsic_cpu.lock),
};

static const struct imsic_global_config *host_imsic;
static unsigned int guest_external_irq;	/* Linux's number; 0: no hardware files */
static int hotplug_state;

/* --- places ---------------------------------------------------------------------- */

static unsigned long place_make(int cpu, unsigned int file)
{
	return (unsigned long)cpu * BITS_PER_LONG + file;
}

static int place_cpu(unsigned long place)
{
	return place / BITS_PER_LONG;
}

static unsigned int place_file(unsigned long place)
{
	return place % BITS_PER_LONG;
}

static bool imsic_wants_file(const struct imsic *imsic)
{
	return imsic && imsic->wants_file;
}

/*
 * A file of the CPU; 0 if all are in use, -EAGAIN if the CPU is about to go.
 * imsic->mutex held.
 */
static int file_alloc(struct imsic *imsic, int cpu)
{
	struct imsic_cpu *host = per_cpu_ptr(&imsic_cpu, cpu);
	unsigned long flags;
	int file = 0;

	raw_spin_lock_irqsave(&host->lock, flags);
	imsic->tried_at = host->changes;
	if (!host->open) {
		file = -EAGAIN;
	} else if (host->free) {
		file = __ffs(host->free);
		host->free &= ~BIT(file);
		host->owner[file] = imsic;
	}
	raw_spin_unlock_irqrestore(&host->lock, flags);

	return file;
}

static void file_free(unsigned long place)
{
	struct imsic_cpu *host = per_cpu_ptr(&imsic_cpu, place_cpu(place));
	unsigned long flags;

	raw_spin_lock_irqsave(&host->lock, flags);
	host->owner[place_file(place)] = NULL;
	host->free |= BIT(place_file(place));
	WRITE_ONCE(host->changes, host->changes + 1);
	raw_spin_unlock_irqrestore(&host->lock, flags);
}

/* Would it be the same again to ask the CPU for a file?  Any context. */
static bool file_tried(const struct imsic *imsic, int cpu)
{
	return READ_ONCE(imsic->tried_cpu) == cpu &&
	       READ_ONCE(imsic->tried_at) == READ_ONCE(per_cpu(imsic_cpu.changes, cpu));
}

/* --- access, on the CPU of the file, irqs off ------------------------------------- */

/* What a loaded vCPU has in the CSRs that select a file and a register. */
struct file_window {
	unsigned long	hstatus, select;
};

static void window_open(struct file_window *window, unsigned int file)
{
	window->select = csr_read(CSR_VSISELECT);
	window->hstatus = csr_read(CSR_HSTATUS);
	csr_write(CSR_HSTATUS, (window->hstatus & ~HSTATUS_VGEIN) |
			       FIELD_PREP(HSTATUS_VGEIN, file));
}

static void window_close(const struct file_window *window)
{
	csr_write(CSR_HSTATUS, window->hstatus);
	csr_write(CSR_VSISELECT, window->select);
}

static unsigned long window_swap(u32 select, unsigned long value)
{
	csr_write(CSR_VSISELECT, select);

	return csr_swap(CSR_VSIREG, value);
}

/* The number of a word of an array. */
static u32 array_select(u32 first, unsigned int word)
{
	return first + 2 * word;
}

/*
 * Back to software.  A file that is not in use has no state but messages that
 * came late.
 */
static void file_take(void *data)
{
	struct imsic *imsic = data;
	struct imsic_registers *soft = &imsic->soft;
	unsigned long delivery, threshold, enable;
	struct file_window window;
	unsigned int word;

	raw_spin_lock(&imsic->lock);
	csr_clear(CSR_HGEIE, BIT(place_file(imsic->held)));
	window_open(&window, place_file(imsic->held));
	delivery = window_swap(IMSIC_EIDELIVERY, 0);
	threshold = window_swap(IMSIC_EITHRESHOLD, 0);
	if (imsic->place) {
		soft->eidelivery = delivery;
		soft->eithreshold = threshold;
	}
	for (word = 0; word < imsic_words(imsic); word++) {
		soft->eip[word] |= window_swap(array_select(IMSIC_EIP0, word), 0);
		enable = window_swap(array_select(IMSIC_EIE0, word), 0);
		if (imsic->place)
			soft->eie[word] = enable;
	}
	window_close(&window);

	WRITE_ONCE(imsic->place, 0);
	WRITE_ONCE(imsic->vcpu->arch.file_changed, true);
	imsic->msi = NULL;
	imsic_update(imsic);
	raw_spin_unlock(&imsic->lock);
}

/*
 * To the hardware.  All of the file is written, also what the guest is not to
 * have: it may be somebody else's.
 */
static void file_give(void *data)
{
	struct imsic *imsic = data;
	const struct imsic_local_config *local = this_cpu_ptr(host_imsic->local);
	struct imsic_registers *soft = &imsic->soft;
	unsigned int file = place_file(imsic->held), word;
	struct file_window window;

	raw_spin_lock(&imsic->lock);
	window_open(&window, file);
	window_swap(IMSIC_EIDELIVERY, 0);
	/* @soft has no bits above what it has words for. */
	for (word = 0; word < BITS_TO_LONGS(host_imsic->nr_guest_ids + 1); word++) {
		window_swap(array_select(IMSIC_EIE0, word), soft->eie[word]);
		window_swap(array_select(IMSIC_EIP0, word), soft->eip[word]);
	}
	window_swap(IMSIC_EITHRESHOLD, soft->eithreshold);
	window_swap(IMSIC_EIDELIVERY, soft->eidelivery);
	window_close(&window);

	memset(soft, 0, sizeof(*soft));
	WRITE_ONCE(imsic->awake, false);
	imsic->msi = local->msi_va + file * IMSIC_MMIO_PAGE_SZ;
	WRITE_ONCE(imsic->place, imsic->held);
	WRITE_ONCE(imsic->vcpu->arch.file_changed, true);
	/* The line is the file's now. */
	imsic_update(imsic);
	raw_spin_unlock(&imsic->lock);
}

struct file_request {
	unsigned int	file;
	u32		select;
	unsigned long	value, mask, old;
};

static void file_access(void *data)
{
	struct file_request *request = data;
	struct file_window window;

	window_open(&window, request->file);
	csr_write(CSR_VSISELECT, request->select);
	if (request->mask) {
		/* Bits that are set in both steps are never seen clear. */
		request->old = csr_read_clear(CSR_VSIREG, request->mask & ~request->value);
		csr_set(CSR_VSIREG, request->mask & request->value);
	} else {
		request->old = csr_read(CSR_VSIREG);
	}
	window_close(&window);
}

bool imsic_file_access(struct imsic *imsic, u32 select, unsigned long value,
		       unsigned long mask, unsigned long *old)
{
	struct file_request request = {
		.file = place_file(imsic->place),
		.select = select,
		.value = value,
		.mask = mask,
	};

	lockdep_assert_held(&imsic->mutex);

	if (!imsic->place ||
	    smp_call_function_single(place_cpu(imsic->place), file_access, &request, true))
		return false;
	*old = request.old;

	return true;
}

/* --- moves: imsic->mutex held --------------------------------------------------------- */

/* The file in software is the one in use; the one in hardware is given back. */
static void imsic_leave(struct imsic *imsic)
{
	lockdep_assert_held(&imsic->mutex);

	if (!imsic->held)
		return;

	mmu_unmap_device(imsic->vcpu->vm, imsic->gpa);
	/* The CPU is there: imsic_cpu_offline() waits for the mutex. */
	smp_call_function_single(place_cpu(imsic->held), file_take, imsic, true);
	file_free(imsic->held);
	imsic->held = 0;
}

static void imsic_enter(struct imsic *imsic, int cpu, unsigned int file)
{
	phys_addr_t page = per_cpu_ptr(host_imsic->local, cpu)->msi_pa +
			   file * IMSIC_MMIO_PAGE_SZ;

	lockdep_assert_held(&imsic->mutex);

	imsic->held = place_make(cpu, file);
	imsic->tried_cpu = -1;
	smp_call_function_single(cpu, file_give, imsic, true);
	/* Without it messages of the guest's harts take the way through imsic_send(). */
	mmu_map_device(imsic->vcpu->vm, imsic->gpa, page, MEMTYPE_DEVICE);
}

/* Be on @cpu, if it has a file.  0, or -EBUSY: none is free, but must be. */
static int imsic_follow(struct imsic *imsic, int cpu)
{
	int file;

	lockdep_assert_held(&imsic->mutex);

	if (imsic->place && place_cpu(imsic->place) == cpu)
		return 0;
	/* Held but not in use: see imsic_cpu_disable(). */
	if (!imsic->place)
		imsic_leave(imsic);

	file = file_alloc(imsic, cpu);
	if (!file && imsic->needs_file)
		return -EBUSY;
	imsic_leave(imsic);
	if (file > 0)
		imsic_enter(imsic, cpu, file);
	else
		imsic->tried_cpu = cpu;

	return 0;
}

/* Where the vCPU is now; it may have gone on while something was done for it. */
static void imsic_look(struct vcpu *vcpu)
{
	preempt_disable();
	imsic_load(vcpu);
	preempt_enable();
}

int imsic_prepare(struct vcpu *vcpu)
{
	struct imsic *imsic = vcpu->arch.imsic;
	int err;

	if (!vcpu_take_request(vcpu, REQ_IMSIC) || !imsic_wants_file(imsic))
		return RESUME_GUEST;

	mutex_lock(&imsic->mutex);
	err = imsic_follow(imsic, raw_smp_processor_id());
	mutex_unlock(&imsic->mutex);
	if (err) {
		vcpu_request(vcpu, REQ_IMSIC);
		pr_debug_ratelimited("CPU %d has no guest interrupt file left for a VM that wants one\n",
				     raw_smp_processor_id());
		return vcpu_exit_fail_entry(vcpu, CSR_HSTATUS);
	}
	imsic_look(vcpu);

	return RESUME_GUEST;
}

void imsic_stop(struct vcpu *vcpu)
{
	struct imsic *imsic = vcpu->arch.imsic;

	vcpu_take_request(vcpu, REQ_IMSIC);
	if (!imsic_wants_file(imsic))
		return;

	mutex_lock(&imsic->mutex);
	imsic_leave(imsic);
	imsic->tried_cpu = -1;
	mutex_unlock(&imsic->mutex);
}

void imsic_start(struct vcpu *vcpu)
{
	if (imsic_wants_file(vcpu->arch.imsic))
		imsic_look(vcpu);
}

void imsic_release(struct imsic *imsic)
{
	guard(mutex)(&imsic->mutex);

	imsic_leave(imsic);
}

/* --- the vCPU ----------------------------------------------------------------------- */

/*
 * Also in sched_in: no lock.  A vCPU that has none asks a CPU for a file once, and
 * again when one has come free there since.
 */
void imsic_load(struct vcpu *vcpu)
{
	struct imsic *imsic = vcpu->arch.imsic;
	int cpu = smp_processor_id();
	unsigned long place;

	if (!imsic_wants_file(imsic))
		return;

	place = READ_ONCE(imsic->place);
	if (place ? place_cpu(place) != cpu : !file_tried(imsic, cpu))
		vcpu_request(vcpu, REQ_IMSIC);
	/* This may be another CPU than that of the last entry. */
	if (vcpu->cpu != cpu)
		WRITE_ONCE(vcpu->arch.file_changed, true);
}

/*
 * context.hstatus says which file the guest uses.  A vCPU whose file is on another CPU
 * does not get here: REQ_IMSIC keeps it out.  Nor does its file change while irqs are
 * off on this CPU.
 */
void riscv_file_sync(struct vcpu *vcpu)
{
	struct imsic *imsic = vcpu->arch.imsic;
	unsigned long *hstatus = &vcpu->arch.context.hstatus;
	unsigned int file = 0;
	unsigned long place;

	smp_store_mb(vcpu->arch.file_changed, false);
	if (!imsic_wants_file(imsic))
		return;

	place = READ_ONCE(imsic->place);
	if (place && place_cpu(place) == smp_processor_id())
		file = place_file(place);
	*hstatus = (*hstatus & ~HSTATUS_VGEIN) | FIELD_PREP(HSTATUS_VGEIN, file);
	/* What woke the vCPU is the guest's business from here on. */
	if (imsic->awake)
		WRITE_ONCE(imsic->awake, false);
}

/* Its file has an interrupt; riscv_file_sync() takes it back.  irqs off. */
static void imsic_wake(struct imsic *imsic)
{
	WRITE_ONCE(imsic->awake, true);
	/* Pairs with smp_store_mb() in riscv_file_sync(). */
	smp_store_release(&imsic->vcpu->arch.file_changed, true);
}

/* On the CPU of the file, irqs off: from now on its interrupt is the host's, too. */
static void file_watch(void *data)
{
	struct imsic *imsic = data;
	unsigned long place = READ_ONCE(imsic->place), file;

	/* It may have moved meanwhile; to software only, which wakes by itself. */
	if (!place || place_cpu(place) != smp_processor_id())
		return;

	/*
	 * What is pending already may or may not interrupt: an emulator was seen to
	 * miss it.  So look.
	 */
	file = BIT(place_file(place));
	csr_set(CSR_HGEIE, file);
	if (csr_read(CSR_HGEIP) & file)
		imsic_wake(imsic);
}

void imsic_block(struct vcpu *vcpu)
{
	struct imsic *imsic = vcpu->arch.imsic;
	unsigned long place;

	if (!imsic_wants_file(imsic))
		return;

	WRITE_ONCE(imsic->awake, false);
	place = READ_ONCE(imsic->place);
	if (place)
		smp_call_function_single(place_cpu(place), file_watch, imsic, true);
}

/*
 * On another CPU the watch may go on: at most it wakes the vCPU once for nothing,
 * and a move ends it.
 */
void imsic_unblock(struct vcpu *vcpu)
{
	struct imsic *imsic = vcpu->arch.imsic;
	unsigned long place;

	if (!imsic_wants_file(imsic))
		return;

	preempt_disable();
	place = READ_ONCE(imsic->place);
	if (place && place_cpu(place) == smp_processor_id())
		csr_clear(CSR_HGEIE, BIT(place_file(place)));
	preempt_enable();
}

/* Files that are watched have an interrupt: wake their vCPUs. */
static irqreturn_t imsic_interrupt(int irq, void *data)
{
	struct imsic_cpu *host = this_cpu_ptr(&imsic_cpu);
	unsigned long files = csr_read(CSR_HGEIP) & csr_read(CSR_HGEIE);
	unsigned int file;

	csr_clear(CSR_HGEIE, files);
	raw_spin_lock(&host->lock);
	for_each_set_bit(file, &files, BITS_PER_LONG) {
		struct imsic *imsic = host->owner[file];

		/* Its vCPU is there as long as the file is its. */
		if (!imsic)
			continue;
		imsic_wake(imsic);
		vcpu_kick(imsic->vcpu);
	}
	raw_spin_unlock(&host->lock);

	return IRQ_HANDLED;
}

/* --- CPUs ------------------------------------------------------------------------------ */

void imsic_cpu_enable(void)
{
	if (!guest_external_irq)
		return;

	csr_write(CSR_HGEIE, 0);
	enable_percpu_irq(guest_external_irq, IRQ_TYPE_NONE);
	/* Its enable bit is in hie and not, as those of other interrupts, in sie. */
	csr_set(CSR_HIE, BIT(IRQ_S_GEXT));
}

/*
 * The CPU sleeps, perhaps without power, with tasks frozen on it: what its files
 * hold goes to software, and the vCPUs come back for a file in prepare.  The
 * guests' pages stay mapped until then, so the files stay theirs.  Hotplug has
 * dealt with other CPUs before, see imsic_cpu_offline(), and where the host goes
 * down for good, maybe in a panic, it does not matter: wait for no lock.
 */
static void imsic_save_files(void)
{
	struct imsic_cpu *host = this_cpu_ptr(&imsic_cpu);
	unsigned int file;

	if (!raw_spin_trylock(&host->lock))
		return;

	for (file = 1; file < BITS_PER_LONG; file++) {
		struct imsic *imsic = host->owner[file];

		if (!imsic || imsic->held != place_make(smp_processor_id(), file) ||
		    raw_spin_is_locked(&imsic->lock))
			continue;
		file_take(imsic);
		vcpu_request(imsic->vcpu, REQ_IMSIC);
	}
	raw_spin_unlock(&host->lock);
}

void imsic_cpu_disable(void)
{
	if (!guest_external_irq)
		return;

	csr_write(CSR_HGEIE, 0);
	csr_clear(CSR_HIE, BIT(IRQ_S_GEXT));
	disable_percpu_irq(guest_external_irq);
	imsic_save_files();
}

/* The files of this CPU that guests can have: BIT(file). */
static unsigned long imsic_find_files(unsigned int cpu)
{
	unsigned int index_bits = min_t(u32, host_imsic->guest_index_bits, ilog2(BITS_PER_LONG));
	unsigned long flags, files;

	if (!per_cpu_ptr(host_imsic->local, cpu)->msi_va || !index_bits)
		return 0;

	local_irq_save(flags);
	csr_write(CSR_HGEIE, ~0UL);
	files = csr_read(CSR_HGEIE);
	csr_write(CSR_HGEIE, 0);
	local_irq_restore(flags);

	return files & GENMASK(BIT(index_bits) - 1, 1);
}

/* On the CPU, before any vCPU is. */
static int imsic_cpu_online(unsigned int cpu)
{
	struct imsic_cpu *host = per_cpu_ptr(&imsic_cpu, cpu);
	unsigned long flags, files = imsic_find_files(cpu);

	raw_spin_lock_irqsave(&host->lock, flags);
	host->free = files;
	host->open = true;
	WRITE_ONCE(host->changes, host->changes + 1);
	raw_spin_unlock_irqrestore(&host->lock, flags);

	return 0;
}

/* No more files are given out. */
static void imsic_close(struct imsic_cpu *host)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&host->lock, flags);
	host->open = false;
	raw_spin_unlock_irqrestore(&host->lock, flags);
}

/* Who has the file, with a reference; or NULL. */
static struct imsic *file_owner(struct imsic_cpu *host, unsigned int file)
{
	struct imsic *imsic;
	unsigned long flags;

	raw_spin_lock_irqsave(&host->lock, flags);
	imsic = host->owner[file];
	if (imsic)
		refcount_inc(&imsic->refs);
	raw_spin_unlock_irqrestore(&host->lock, flags);

	return imsic;
}

/*
 * The CPU is about to go: while it can still be asked, and with irqs on, so that
 * guests' pages can be unmapped first.  Its vCPUs get a file where they go to.
 */
static int imsic_cpu_offline(unsigned int cpu)
{
	struct imsic_cpu *host = per_cpu_ptr(&imsic_cpu, cpu);
	unsigned int file;

	imsic_close(host);
	for (file = 1; file < BITS_PER_LONG; file++) {
		struct imsic *imsic = file_owner(host, file);

		if (!imsic)
			continue;
		mutex_lock(&imsic->mutex);
		/* While it holds the file, its vCPU and VM are there. */
		if (imsic->held == place_make(cpu, file))
			imsic_leave(imsic);
		mutex_unlock(&imsic->mutex);
		imsic_put_ref(imsic);
	}

	return 0;
}

/* --- setup ----------------------------------------------------------------------------- */

u32 imsic_max_id(void)
{
	u32 max = IMSIC_MAX_ID - 1;

	if (riscv_host.guest_files)
		max = min(max, host_imsic->nr_guest_ids);

	/* A number of identities that makes whole words. */
	return round_down(max + 1, IMSIC_MIN_ID + 1) - 1;
}

/* Linux's number of the guest external interrupt, or 0. */
static unsigned int imsic_find_irq(void)
{
	struct irq_domain *domain;

	domain = irq_find_matching_fwnode(riscv_get_intc_hwnode(), DOMAIN_BUS_ANY);

	return domain ? irq_create_mapping(domain, IRQ_S_GEXT) : 0;
}

/* Files on every CPU, or none. */
static void imsic_set_guest_files(void)
{
	unsigned int files = BITS_PER_LONG;
	unsigned int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		files = min_t(unsigned int, files, hweight_long(per_cpu(imsic_cpu.free, cpu)));
	cpus_read_unlock();
	riscv_host.guest_files = files;
}

static void imsic_free_irq(void)
{
	free_percpu_irq(guest_external_irq, &imsic_cpu);
	guest_external_irq = 0;
}

int imsic_setup(void)
{
	unsigned int irq;
	int ret;

	riscv_host.guest_files = 0;
	host_imsic = imsic_get_global_config();
	if (!riscv_host.aia || !host_imsic || !host_imsic->guest_index_bits ||
	    host_imsic->nr_guest_ids < IMSIC_MIN_ID)
		return 0;

	irq = imsic_find_irq();
	if (!irq)
		return 0;
	ret = request_percpu_irq(irq, imsic_interrupt, "keel-guest-external", &imsic_cpu);
	if (ret) {
		pr_warn("guest interrupt files stay unused, their interrupt is taken: %pe\n",
			ERR_PTR(ret));
		return 0;
	}
	guest_external_irq = irq;

	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "virt/keel:imsic", imsic_cpu_online,
				imsic_cpu_offline);
	if (ret < 0) {
		imsic_free_irq();
		return ret;
	}
	hotplug_state = ret;
	imsic_set_guest_files();

	return 0;
}

void imsic_teardown(void)
{
	if (!guest_external_irq)
		return;

	cpuhp_remove_state(hotplug_state);
	imsic_free_irq();
	riscv_host.guest_files = 0;
}
