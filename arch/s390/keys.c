// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage keys of guest storage.  Who gets, sets and resets them is priv_storage.c for the
 * guest and skeys.c for user space.
 *
 * The key of a frame that is mapped for stores is that of the host's frame behind it,
 * because that is the one the hardware looks at; the host itself runs with the access key 0
 * and does not mind.  What is remembered here is the key of all others: its access-control
 * bits and fetch protection as last set, and what may be said of reference and change.
 * Frames come and go without a look at their keys, so one that is not there counts as
 * referenced and changed before the first key is set, and one that is mapped again after
 * that as referenced, and as changed if it may be.
 *
 * A frame that the host shares with others (a page of zeroes, of a file, one that KSM made)
 * cannot have a key of the guest's: other guests would run into it.  What may be stored to
 * is the guest's alone, unless user space shares it on purpose.  So once keys are used,
 * s390_mmu_fault() maps nothing for fetches only that could be mapped for stores, and the
 * kernel is asked to let the process have no page of zeroes and none of KSM's.  What is
 * left, a mapping of user space's that is read-only, keeps the key 0 for the hardware: there
 * only the instructions that look at keys, and what is done here for the guest, see the
 * guest's.
 *
 * A frame that leaves the guest keeps its key: the host does not mind, and whoever of ours
 * has it next sets another.  A guest of the kernel's own KVM finds it until it uses keys.
 *
 * A frame may have been mapped for stores and be protected now, by the dirty log.  It is
 * still the guest's, but that cannot be told, so that a new key unmaps it.
 */
#include <linux/gfp.h>
#include <asm/page.h>
#include <core/pgtable.h>

#include "s390.h"

#define KEY_BITS	(S390_KEY_ACC | S390_KEY_FP | S390_KEY_REF | S390_KEY_CHG)
#define KEY_UNKNOWN	(S390_KEY_REF | S390_KEY_CHG)

/* Frames per page of the record. */
#define RECORD_SHIFT	PAGE_SHIFT
#define RECORD_FRAMES	(1UL << RECORD_SHIFT)

/* mmu_lock or slots that stay: a page of the record is freed with the VM. */
static u8 *record_find(struct vm *vm, gfn_t gfn)
{
	u8 *record = xa_load(&vm->arch.keys, gfn >> RECORD_SHIFT);

	return record ? &record[gfn & (RECORD_FRAMES - 1)] : NULL;
}

/* May sleep.  0 or -ENOMEM. */
static int record_make(struct vm *vm, gfn_t gfn)
{
	u8 *record;
	int err;

	if (record_find(vm, gfn))
		return 0;

	record = (u8 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!record)
		return -ENOMEM;
	memset(record, KEY_UNKNOWN, RECORD_FRAMES);
	err = xa_insert(&vm->arch.keys, gfn >> RECORD_SHIFT, record, GFP_KERNEL_ACCOUNT);
	if (err)
		free_page((unsigned long)record);

	/* Somebody else was faster. */
	return err == -EBUSY ? 0 : err;
}

void s390_keys_create(struct vm *vm)
{
	xa_init(&vm->arch.keys);
}

void s390_keys_destroy(struct vm *vm)
{
	unsigned long index;
	void *record;

	xa_for_each(&vm->arch.keys, index, record)
		free_page((unsigned long)record);
	xa_destroy(&vm->arch.keys);
}

/* --- mapping --------------------------------------------------------------- */

static u8 frame_key(struct vm *vm, gfn_t gfn)
{
	const u8 *key = record_find(vm, gfn);

	return key ? READ_ONCE(*key) : KEY_UNKNOWN;
}

static void frame_mapped(struct vm *vm, gfn_t gfn, u8 prot)
{
	u8 *key = record_find(vm, gfn);

	if (key)
		WRITE_ONCE(*key, READ_ONCE(*key) | S390_KEY_REF |
				 (prot & PROT_GUEST_WRITE ? S390_KEY_CHG : 0));
}

/* Whoever had the frame before may have left a key in it. */
static void frame_clear_key(hpa_t hpa)
{
	if (page_get_storage_key(hpa) & (S390_KEY_ACC | S390_KEY_FP))
		page_set_storage_key(hpa, 0, 0);
}

void s390_keys_sync(struct vm *vm, const struct mmu_map *map)
{
	unsigned long i, frames = 1UL << map->order;
	gfn_t gfn = gpa_to_gfn(map->gpa);
	hpa_t hpa = map->hpa;

	/* Other than storage has no keys. */
	if (map->memtype != MEMTYPE_NORMAL)
		return;

	for (i = 0; i < frames; i++, hpa += PAGE_SIZE) {
		if (s390_keys_used(vm) && map->prot & PROT_GUEST_WRITE)
			page_set_storage_key(hpa, frame_key(vm, gfn + i), 1);
		else
			frame_clear_key(hpa);
		if (s390_keys_used(vm))
			frame_mapped(vm, gfn + i, map->prot);
	}
}

enum frame {
	FRAME_NONE,		/* not mapped, or no storage of the host's */
	FRAME_SHARED,		/* mapped, and perhaps for others as well */
	FRAME_OWN,
};

/* The host's frame behind a guest's.  mmu_lock held. */
static enum frame frame_find(struct vm *vm, gfn_t gfn, hpa_t *hpa)
{
	u8 prot = s390_mmu_find(vm, gfn_to_gpa(gfn), hpa);

	if (!prot || !pfn_valid(PHYS_PFN(*hpa)))
		return FRAME_NONE;

	return prot & PROT_GUEST_WRITE ? FRAME_OWN : FRAME_SHARED;
}

/*
 * Is the key the hardware's?  Before the first one is set, what others reference in a
 * shared frame is as good as what the guest does.
 */
static bool frame_has_key(struct vm *vm, enum frame found)
{
	return found == FRAME_OWN || (found == FRAME_SHARED && !s390_keys_used(vm));
}

/* The hardware is to hear of it with the next fault.  mmu_lock held for writing. */
static void frame_forget(struct vm *vm, gfn_t gfn)
{
	struct gfn_range one = { .start = gfn, .end = gfn + 1 };

	pgtable_unmap(&vm->as[0].pgtable, one, false);
}

/* --- getting and setting --------------------------------------------------- */

static bool frame_exists(struct vm *vm, gfn_t gfn)
{
	return memslot_find(vm, 0, gfn);
}

/*
 * The first key: what is mapped may be shared with others.  Who faults from here on sees
 * that keys are used.
 */
static void keys_use(struct vm *vm)
{
	struct pgtable *pt = &vm->as[0].pgtable;
	struct gfn_range all = { .end = gpa_to_gfn(pgtable_span(pt->format)) };

	if (s390_keys_used(vm))
		return;

	s390_host_unshare();
	write_lock(&vm->mmu_lock);
	WRITE_ONCE(vm->arch.keys_used, true);
	pgtable_unmap(pt, all, true);
	write_unlock(&vm->mmu_lock);
}

int s390_key_get(struct vm *vm, gfn_t gfn, u8 *key)
{
	enum frame found;
	hpa_t hpa;

	if (!frame_exists(vm, gfn))
		return -EFAULT;

	read_lock(&vm->mmu_lock);
	found = frame_find(vm, gfn, &hpa);
	if (frame_has_key(vm, found))
		*key = page_get_storage_key(hpa) & KEY_BITS;
	else
		*key = frame_key(vm, gfn);
	read_unlock(&vm->mmu_lock);

	return 0;
}

int s390_key_set(struct vm *vm, gfn_t gfn, u8 key)
{
	u8 *record;
	hpa_t hpa;
	int err;

	if (!frame_exists(vm, gfn))
		return -EFAULT;
	err = record_make(vm, gfn);
	if (err)
		return err;

	keys_use(vm);
	key &= KEY_BITS;
	write_lock(&vm->mmu_lock);
	record = record_find(vm, gfn);
	switch (frame_find(vm, gfn, &hpa)) {
	case FRAME_OWN:
		page_set_storage_key(hpa, key, 1);
		key |= KEY_UNKNOWN;
		break;
	case FRAME_SHARED:
		frame_forget(vm, gfn);
		break;
	case FRAME_NONE:
		break;
	}
	WRITE_ONCE(*record, key);
	write_unlock(&vm->mmu_lock);

	return 0;
}

int s390_key_reset_ref(struct vm *vm, gfn_t gfn, u8 *key)
{
	enum frame found;
	u8 *record;
	hpa_t hpa;
	int err;

	if (!frame_exists(vm, gfn))
		return -EFAULT;
	err = record_make(vm, gfn);
	if (err)
		return err;

	write_lock(&vm->mmu_lock);
	record = record_find(vm, gfn);
	found = frame_find(vm, gfn, &hpa);
	if (frame_has_key(vm, found)) {
		*key = page_get_storage_key(hpa) & KEY_BITS;
		page_reset_referenced(hpa);
	} else {
		*key = *record;
		if (found == FRAME_SHARED)
			frame_forget(vm, gfn);
		WRITE_ONCE(*record, *record & ~S390_KEY_REF);
	}
	write_unlock(&vm->mmu_lock);

	return 0;
}
