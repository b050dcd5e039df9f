/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry of live IOMMU groups: what others may ask of it. */
#ifndef RESV_GROUP_GROUP_H
#define RESV_GROUP_GROUP_H

#include <linux/types.h>
#include "source/facts.h"

struct kobject;
struct resv_snapshot;

/* Our folder in that of each group. */
#define RESV_FOLDER	"resv"

/**
 * struct resv_group_folder - who makes the files of a group
 * @add: make RESV_FOLDER, and what else there is.  Return: 0, or an errno with nothing made
 * @remove: remove it, waiting for readers that are inside
 *
 * Both are called under the lock of the group's entry, with the group's kobject, which is
 * alive; may sleep.
 */
struct resv_group_folder {
	int (*add)(struct kobject *kobj);
	void (*remove)(struct kobject *kobj);
};

/**
 * struct resv_group_change - what a write to a file of a group does
 * @begin: before the group is looked at; may be NULL
 * @apply: change it; the facts tell the state before.  Return: 0 or an errno
 * @confirm: the facts tell the state after @apply.  Return: 0, or an errno if it is not
 *	as it should be, with everything undone
 * @end: afterwards, whatever became of it; may be NULL
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
