/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry of live IOMMU groups: its interface for other folders. */
#ifndef RESV_GROUP_GROUP_H
#define RESV_GROUP_GROUP_H

#include <linux/types.h>
#include "source/facts.h"

struct kobject;
struct resv_snapshot;

/* Our folder in the sysfs folder of each group. */
#define RESV_FOLDER	"resv"

/**
 * struct resv_group_folder - callbacks that make and remove the files of a group
 * @add: make RESV_FOLDER and the other files.  Return: 0, or an errno with nothing made
 * @remove: remove them, and wait for readers that are inside
 *
 * Both are called under the lock of the group's entry, with the kobject of a live group;
 * may sleep.
 */
struct resv_group_folder {
	int (*add)(struct kobject *kobj);
	void (*remove)(struct kobject *kobj);
};

/**
 * struct resv_group_change - steps of a change by a write to a file of a group
 * @begin: called before the group is looked at for the first time; may be NULL
 * @apply: make the change; the facts show the state before it.  Return: 0 or an errno
 * @confirm: check the change; the facts show the state after it.  Return: 0, or an errno
 *	after undoing a change that did not take effect
 * @end: called last, whether the change succeeded or not; may be NULL
 *
 * All are called under the lock of the group's entry, and may sleep.
 */
struct resv_group_change {
	void (*begin)(void *data);
	int (*apply)(struct resv_facts *c, void *data);
	int (*confirm)(const struct resv_facts *c, void *data);
	void (*end)(void *data);
};

/* registry.c */
struct resv_snapshot *resv_group_snapshot(struct kobject *kobj);
unsigned int resv_groups_count(size_t *bytes);
void resv_groups_quiesce(void);

/* walk.c */
void resv_groups_set_folder(const struct resv_group_folder *f);
unsigned int resv_groups_looks(void);
int resv_groups_rescan(void);
void resv_groups_rescan_soon(void);
void resv_group_update_soon(int id);

/* change.c */
int resv_group_change(struct kobject *kobj,
		      const struct resv_group_change *change, void *data);

/* health.c */
void resv_health_check(void);

/* watch.c: finding and watching all groups */
int resv_groups_init(void);
void resv_groups_exit(void);
void resv_groups_flush(void);

#endif /* RESV_GROUP_GROUP_H */
