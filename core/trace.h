/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: /sys/kernel/tracing/events/keel.  One that is off costs a nop.
 *
 * The raw exit is shown as every architecture keeps it: struct vcpu_arch has a
 * member exit with at least code, info1 and info2 (whatever its hardware says
 * about the exit).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM keel

#if !defined(CORE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CORE_TRACE_H

#include <linux/tracepoint.h>
#include <core/vcpu.h>

TRACE_EVENT(keel_entry,
	TP_PROTO(const struct vcpu *vcpu),
	TP_ARGS(vcpu),

	TP_STRUCT__entry(
		__field(int, vcpu_id)
		__field(unsigned long, requests)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->requests = vcpu->requests;
	),

	TP_printk("vcpu %d requests 0x%lx", __entry->vcpu_id, __entry->requests)
);

TRACE_EVENT(keel_exit,
	TP_PROTO(const struct vcpu *vcpu),
	TP_ARGS(vcpu),

	TP_STRUCT__entry(
		__field(int, vcpu_id)
		__field(u64, code)
		__field(u64, info1)
		__field(u64, info2)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->code = vcpu->arch.exit.code;
		__entry->info1 = vcpu->arch.exit.info1;
		__entry->info2 = vcpu->arch.exit.info2;
	),

	TP_printk("vcpu %d code 0x%llx info 0x%llx 0x%llx", __entry->vcpu_id,
		  __entry->code, __entry->info1, __entry->info2)
);

TRACE_EVENT(keel_fault,
	TP_PROTO(const struct vcpu *vcpu, gpa_t gpa, u8 access, int result),
	TP_ARGS(vcpu, gpa, access, result),

	TP_STRUCT__entry(
		__field(int, vcpu_id)
		__field(u64, gpa)
		__field(u8, access)
		__field(int, result)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->gpa = gpa;
		__entry->access = access;
		__entry->result = result;
	),

	TP_printk("vcpu %d gpa 0x%llx %c%c%c result %d", __entry->vcpu_id,
		  __entry->gpa,
		  __entry->access & PROT_GUEST_READ ? 'r' : '-',
		  __entry->access & PROT_GUEST_WRITE ? 'w' : '-',
		  __entry->access & PROT_GUEST_EXEC ? 'x' : '-',
		  __entry->result)
);

TRACE_EVENT(keel_irq,
	TP_PROTO(u32 gsi, int source, int level, int result),
	TP_ARGS(gsi, source, level, result),

	TP_STRUCT__entry(
		__field(u32, gsi)
		__field(int, source)
		__field(int, level)
		__field(int, result)
	),

	TP_fast_assign(
		__entry->gsi = gsi;
		__entry->source = source;
		__entry->level = level;
		__entry->result = result;
	),

	TP_printk("gsi %u source %d level %d result %d", __entry->gsi,
		  __entry->source, __entry->level, __entry->result)
);

#endif /* CORE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
