/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of uapi/abi.tbl as data, machines to try them on, and what a call
 * that fails must leave as it was.  The architectures add to it: what else their
 * VMs have, what else of them can be looked at, and calls that must fail.
 */
#ifndef COMMON_ABI_H
#define COMMON_ABI_H

#include <lib/kvm.h>

/* --- rows --------------------------------------------------------------------- */

enum abi_scope { SCOPE_SYS, SCOPE_VM, SCOPE_VCPU, SCOPE_DEVICE, SCOPE_COUNT };

enum abi_way { ABI_IN = 1, ABI_OUT = 2 };

#define ABI_ERRNOS	8

struct abi_row {
	const char	*name;
	unsigned long	 cmd;
	enum abi_scope	 scope;
	size_t		 size;		/* of the structure it takes; 0: a number, or nothing */
	int		 ways;		/* of the structure */
	int		 errnos[ABI_ERRNOS];
};

extern const struct abi_row abi_rows[];
extern const int abi_row_count;
/* The row, or NULL. */
const struct abi_row *abi_find(unsigned long cmd, enum abi_scope scope);
bool abi_lists(const struct abi_row *row, int error);
/* Its result, if good, is a new descriptor. */
bool abi_makes_fd(const struct abi_row *row);

/* --- machines -------------------------------------------------------------------- */

/* Beside the flags of vm_create(). */
enum machine_flags {
	MACHINE_DEVICES	= BIT(8),	/* with all the devices it can have; VM_IRQCHIP */
	MACHINE_NO_VCPU	= BIT(9),
	MACHINE_RAN	= BIT(10),	/* the vCPU has been in the guest */
};

/* Two slots at the addresses below, the second one with a dirty log, and a vCPU. */
#define MACHINE_SLOT		VM_SLOT_TEST
#define MACHINE_SLOT_LOG	(VM_SLOT_TEST + 1)
#define MACHINE_SLOT_PAGES	16
#define MACHINE_GPA		GPA_TEST
#define MACHINE_GPA_LOG		(2 * GPA_TEST)

/* One at a time. */
struct vm *machine_create(u32 flags);
void machine_destroy(struct vm *vm);
/* Host memory of the first slot. */
void *machine_memory(void);
/* After whatever was tried, the guest does what it is there for. */
bool machine_works(struct vm *vm);
/* The descriptor for @scope, or -1: no device, or no vCPU. */
int machine_fd(struct vm *vm, enum abi_scope scope);

/* Of the architecture, if it has any; before there are vCPUs. */
void arch_machine_devices(struct vm *vm);

/* --- state ------------------------------------------------------------------------ */

/* Something that user space can read; each file may add a table of them. */
struct state_part {
	const char	*name;
	enum abi_scope	 scope;
	unsigned long	 cmd;		/* unless there is @read */
	size_t		 size;		/* of what is read */
	const void	*ask;		/* what goes in, from the beginning */
	size_t		 ask_size;
	int		(*read)(struct vm *vm, void *data);
	/* NULL: all bytes are equal. */
	bool		(*same)(const void *before, const void *after);
	bool		 moves;		/* timers, once set up, change it by themselves */
};

#define STATE_PARTS(name)	\
	static const struct state_part name[] \
	__attribute__((section("state_parts"), used, aligned(8)))

struct state;
struct state *state_read(struct vm *vm);
/* Notes what differs.  @moving: so does what moves. */
bool state_same(const struct state *before, const struct state *after, bool moving);
void state_free(struct state *state);

/* --- calls that must fail ------------------------------------------------------------ */

/* One call, its error, and where it is wrong; each file may add a table of them. */
struct bad_case {
	unsigned long	 cmd;
	enum abi_scope	 scope;
	u32		 machine;
	int		 error;
	const char	*what;
	/* The argument is a number, or a structure that begins with @data ... */
	unsigned long	 number;
	const void	*data;
	size_t		 size;
	bool		 edge;		/* ... behind which there is no memory, ... */
	/*
	 * ... or what this ioctl says, with some bits of a field flipped.  A bit of
	 * another field, where that is right, shows if a part of it has been taken.
	 */
	unsigned long	 get;
	size_t		 offset, width;
	u64		 flip;
	size_t		 also;
	/* Whatever else it needs; the machine is its own then. */
	void		(*prepare)(struct vm *vm, void *argument);
	bool		 no_fds;	/* no descriptor can be made */
	bool		 own;		/* in-tree KVM does not look at it */
};

#define BAD_CASES(name)		\
	static const struct bad_case name[] \
	__attribute__((section("bad_cases"), used, aligned(8)))

#define BAD(scope_, cmd_, machine_, error_, what_, ...)				\
	{ .scope = SCOPE_##scope_, .cmd = (cmd_), .machine = (machine_),	\
	  .error = (error_), .what = (what_), ##__VA_ARGS__ }
#define BAD_DATA(type, ...)	\
	.data = &(const type){ __VA_ARGS__ }, .size = sizeof(type)
#define BAD_FIELD(get_, type, field, flip_, other)	\
	.get = (get_), .size = sizeof(type), .offset = offsetof(type, field),	\
	.width = sizeof(((type *)0)->field), .flip = (flip_), .also = offsetof(type, other)

/* An errno of a row that no call here can provoke, and where or why. */
struct bad_elsewhere {
	unsigned long	 cmd;
	enum abi_scope	 scope;
	int		 error;
	const char	*why;
};

#define BAD_ELSEWHERE(name)	\
	static const struct bad_elsewhere name[] \
	__attribute__((section("bad_elsewhere"), used, aligned(8)))

#endif /* COMMON_ABI_H */
