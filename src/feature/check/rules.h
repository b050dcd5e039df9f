/* SPDX-License-Identifier: GPL-2.0-only */
/* The usable ranges of groups, and the verdict on each domain. */
#ifndef RESV_FEATURE_CHECK_RULES_H
#define RESV_FEATURE_CHECK_RULES_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/types.h>
#include "source/facts.h"
#include "model/region.h"

struct iommu_domain;
struct iommu_group;
struct resv_attach_client;
struct resv_attach_group;

/* Longest device name in a refusal, with its final NUL. */
#define RESV_REFUSED_DEVICE_LEN	64

/**
 * struct resv_rules - ranges in which groups may be mapped
 * @node: in the table of all rules
 * @users: number of groups that have these rules
 * @rcu: for freeing
 * @nr: number of ranges
 * @usable: ascending, with at least one address between two of them
 *
 * Only @node and @users ever change.
 */
struct resv_rules {
	struct list_head node;
	unsigned int users;
	struct rcu_head rcu;
	unsigned int nr;
	struct resv_range usable[];
};

/**
 * struct resv_reasons - regions of a group that make a map fail
 * @nr: number of regions
 * @names: device names, behind the regions
 * @region: the regions
 */
struct resv_reasons {
	unsigned int nr;
	const char *names;
	struct resv_region region[];
};

/* Why a map or an attach was refused, as in the file "refused". */
enum resv_why {
	RESV_WHY_REGION,	/* a region, or the end of the domain's addresses */
	RESV_WHY_FLAGS,
	RESV_WHY_SIZE,
	RESV_WHY_ALIGNMENT,
	RESV_WHY_WRAPS,
	RESV_WHY_OVERLAP,
	RESV_WHY_ENTRIES,
	RESV_WHY_MEMLOCK,
	RESV_WHY_MEMORY,
	RESV_WHY_DRIVER,
	RESV_WHY_INTERRUPTS,
	RESV_WHY_CONTAINER,
	RESV_WHY_BUSY,
	RESV_WHY_ROOM,
	RESV_WHY_INTERRUPTS_IOMMUFD,
	RESV_WHY_SPACE,
	RESV_WHY_GROUP_FILE,
	RESV_WHY_DEVICE,
	RESV_WHY_UNSET,
	RESV_WHY_OPEN,
	RESV_WHY_UNKNOWN,
	RESV_WHY_OTHER,
	RESV_NR_WHYS
};

/**
 * struct resv_refused - a map that was refused, or would be with checks=enforce; or an
 *	attach or an opening of a device that was refused
 * @start: first address of the map
 * @end: last address, inclusive
 * @vaddr: address of the memory in the process, where VFIO refused the map
 * @err: negative errno of VFIO, else 0
 * @why: enum resv_why
 * @attach: not a map, so @start, @end and @vaddr are not set
 * @region: RESV_WHY_REGION: the region that the map hits, or that forbids the attach
 * @device: the device that causes the region
 * @pid: process that wanted the map
 * @comm: its name, in printable characters
 * @serial: number of refusals that were noted before this one, for all groups
 */
struct resv_refused {
	u64 start;
	u64 end;
	u64 vaddr;
	int err;
	u8 why;
	bool attach;
	struct resv_region region;
	char device[RESV_REFUSED_DEVICE_LEN];
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u64 serial;
};

/**
 * struct resv_check_group - what this feature knows of one group
 * @node: in the list of all groups
 * @rules: ranges in which the group may be mapped
 * @reasons: regions that forbid the other addresses
 * @reach: addresses that the group's domain has; known when VFIO's attach is over
 * @second_page: the second page of VFIO's first map may come next (is_fgsp_probe())
 * @warn_only: the group was attached while maps were not refused, so maps over its
 *	regions may exist: do not refuse such maps before the next attach
 * @unchecked: the group has a user whose maps are not checked, and its files say so
 * @unchecked_logged: the log says so as well
 * @refused_logged: since the last attach the log has a map that a region forbids
 * @other_logged: since the last attach the log has a map that was refused for another
 *	reason, as maps of BARs are
 * @attach_logged: since the last successful attach the log has a refused one
 * @count: number of refused maps and attaches
 * @last: the last refusal
 * @group: the group; only compared
 * @space: address space of iommufd that devices of the group are attached to, or NULL;
 *	only compared
 * @nr_attached: number of devices that are attached to @space
 * @by_space: on the list of all groups with @space set (spaces.c)
 *
 * The tracker's lock protects everything but @node.
 */
struct resv_check_group {
	struct list_head node;
	struct resv_rules *rules;
	struct resv_reasons *reasons;
	struct resv_range reach;
	bool second_page;
	bool warn_only;
	bool unchecked;
	bool unchecked_logged;
	bool refused_logged;
	bool other_logged;
	bool attach_logged;
	u64 count;
	struct resv_refused last;
	const struct iommu_group *group;
	const void *space;
	unsigned int nr_attached;
	struct list_head by_space;
};

/**
 * struct resv_rules_scan - a walk over the ranges of a container
 * @container: VFIO's container
 * @from: the next range begins at or after this address
 * @version: version of the rules and attachments when the walk began
 * @begun: @version is set
 * @end: the walk is complete
 */
struct resv_rules_scan {
	const void *container;
	u64 from;
	unsigned int version;
	bool begun;
	bool end;
};

extern const struct resv_attach_client resv_rules_client;

/* In the taps */
bool resv_rules_map_allowed(const struct iommu_domain *domain, u64 start,
			    u64 end);
int resv_rules_scan(struct resv_rules_scan *scan, struct resv_range *range);

/* Under the tracker's lock */
struct resv_check_group *resv_rules_group(const struct resv_attach_group *g);
bool resv_rules_allow(const struct resv_rules *rules, u64 start, u64 end);
struct resv_range resv_rules_reach(const struct iommu_domain *domain);

/* For the feature, under the lock of the group's entry */
int resv_rules_update(const struct resv_facts *c, bool ready);
int resv_rules_add(const struct iommu_group *group);
bool resv_rules_enforced(const struct iommu_group *group, bool in_use, bool ready);
void resv_rules_pause(void);
void resv_rules_remove(const struct iommu_group *group);
void resv_rules_exit(void);

#endif /* RESV_FEATURE_CHECK_RULES_H */
