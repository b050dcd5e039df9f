/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry of live IOMMU groups. */
#ifndef RESV_GROUP_H
#define RESV_GROUP_H

#include <linux/types.h>

struct kobject;
struct resv_facts;
struct resv_snapshot;

/**
 * struct resv_group_change - what is to be done to a group
 * @apply: the group was looked at: do it, or return an errno
 * @confirm: the group was looked at again: did it work?  If not, undo it and
 *	return an errno.
 * @begin: before the group is looked at; may be NULL
 * @end: after all that, however it went, if @begin was called; may be NULL
 *
 * All are called with the registry's lock held and the group's mutex not held.
 */
struct resv_group_change {
	int (*apply)(struct resv_facts *c, void *data);
	int (*confirm)(const struct resv_facts *c, void *data);
	void (*begin)(void *data);
	void (*end)(void *data);
};

int resv_groups_init(void);
void resv_groups_exit(void);
unsigned int resv_groups_count(size_t *bytes);
int resv_groups_rescan(void);
void resv_groups_rescan_soon(void);
void resv_groups_flush(void);
bool resv_groups_declared(void);
bool resv_groups_moved(void);
int resv_group_change(struct kobject *kobj,
		      const struct resv_group_change *change, void *data);
struct resv_snapshot *resv_group_snapshot(struct kobject *kobj);

#endif /* RESV_GROUP_H */
