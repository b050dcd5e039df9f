/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracepoints in /sys/kernel/tracing/events/iommu_resv/. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_resv

#if !defined(RESV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RESV_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>
#include "feature/check/listen.h"

/*
 * Enabling one of the tracepoints turns explanations on (explain.c).  Kernels before v5.4
 * have no explanations, so both functions are NULL there; before v4.10 the first one
 * would have to return void (commit 8cf868affdc4).
 */
#ifdef RESV_HAVE_VFIO_IOVA_RANGE
#define RESV_LISTEN_MAP		resv_listen_map
#define RESV_UNLISTEN_MAP	resv_unlisten_map
#define RESV_LISTEN_ATTACH	resv_listen_attach
#define RESV_UNLISTEN_ATTACH	resv_unlisten_attach
#else
#define RESV_LISTEN_MAP		NULL
#define RESV_UNLISTEN_MAP	NULL
#define RESV_LISTEN_ATTACH	NULL
#define RESV_UNLISTEN_ATTACH	NULL
#endif

/*
 * A map that hits a reserved region or leaves the aperture, or that VFIO or iommufd
 * refused for another reason.  The process that the trace line names asked for the map.
 * With checks=warn this module let the map pass.  All ends are inclusive.  The strings
 * have a fixed size because __assign_str() changed in v6.10.
 */
TRACE_EVENT_FN(map_refused,
	TP_PROTO(int group, u64 start, u64 end, u64 region_start, u64 region_end,
		 const char *type, const char *origin, const char *device),
	TP_ARGS(group, start, end, region_start, region_end, type, origin,
		device),
	TP_STRUCT__entry(
		__field(int, group)
		__field(u64, start)
		__field(u64, end)
		__field(u64, region_start)
		__field(u64, region_end)
		__array(char, type, 20)
		__array(char, origin, 12)
		__array(char, device, 32)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->start = start;
		__entry->end = end;
		__entry->region_start = region_start;
		__entry->region_end = region_end;
		strscpy(__entry->type, type, sizeof(__entry->type));
		strscpy(__entry->origin, origin, sizeof(__entry->origin));
		strscpy(__entry->device, device, sizeof(__entry->device));
	),
	TP_printk("group=%d iova=0x%llx-0x%llx region=0x%llx-0x%llx type=%s origin=%s device=%s",
		  __entry->group, __entry->start, __entry->end,
		  __entry->region_start, __entry->region_end, __entry->type,
		  __entry->origin, __entry->device),
	RESV_LISTEN_MAP, RESV_UNLISTEN_MAP
);

/*
 * An attach that VFIO or iommufd has refused.  If a region is the reason, firmware wants
 * that region mapped 1:1.  Otherwise the addresses are 0, type is the reason, and origin
 * is the errno.
 */
TRACE_EVENT_FN(attach_refused,
	TP_PROTO(int group, u64 region_start, u64 region_end, const char *type,
		 const char *origin, const char *device),
	TP_ARGS(group, region_start, region_end, type, origin, device),
	TP_STRUCT__entry(
		__field(int, group)
		__field(u64, region_start)
		__field(u64, region_end)
		__array(char, type, 20)
		__array(char, origin, 12)
		__array(char, device, 32)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->region_start = region_start;
		__entry->region_end = region_end;
		strscpy(__entry->type, type, sizeof(__entry->type));
		strscpy(__entry->origin, origin, sizeof(__entry->origin));
		strscpy(__entry->device, device, sizeof(__entry->device));
	),
	TP_printk("group=%d region=0x%llx-0x%llx type=%s origin=%s device=%s",
		  __entry->group, __entry->region_start, __entry->region_end,
		  __entry->type, __entry->origin, __entry->device),
	RESV_LISTEN_ATTACH, RESV_UNLISTEN_ATTACH
);

#endif /* RESV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH feature/check
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
