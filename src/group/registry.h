/* SPDX-License-Identifier: GPL-2.0-only */
/* For src/group/ only: the table of groups.  registry.c has its rules. */
#ifndef RESV_GROUP_REGISTRY_H
#define RESV_GROUP_REGISTRY_H

#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include "source/facts.h"
#include "group/group.h"
#include "source/hw.h"

enum resv_group_state {
	RESV_GROUP_LIVE,	/* the group may be looked at */
	RESV_GROUP_DEPARTING,	/* a device is leaving: take no reference to the group */
	RESV_GROUP_DEAD,	/* the entry is not in the table any more */
};

/**
 * struct resv_group - the registry's entry of one group
 * @ref: one reference for the table, and one for each task that works on the entry
 * @by_kobj: in the table, by @kobj; readers use RCU
 * @by_id: in the table, by @id; readers use RCU
 * @all: on the list of entries for as long as the entry exists
 * @rcu: for freeing
 * @kobj: the group's kobject.  Do not follow this pointer without a reference of your
 *	own, except in a callback of the group's files
 * @id: number of the group
 * @state: changes under @lock and registry_lock; either is enough to read it
 * @seen: the last comparison has found the group on the kernel's list, or the entry was
 *	used since.  Under registry_lock
 * @lock: held while the group is looked at or changed, until readers have the new
 *	snapshot
 * @leaving: devices that the IOMMU core is taking out of the group
 * @empty: all devices are leaving or have left, and the features were told so
 * @known: the tracker of attachments and the features may have data about the group
 * @looked: the group was looked at, and no allocation failed
 * @stale: the group has to be looked at again soon; set in any context
 * @warned: the log already says that the group cannot be looked at
 * @folder: the sysfs folder of the group in which our folder was made, or NULL if there
 *	is none of ours; never follow this pointer.  Changes under @lock and registry_lock
 * @hw: cached measurements of the hardware of each device
 * @snapshot: the snapshot that readers get, or NULL; changes under @lock, readers use RCU
 */
struct resv_group {
	struct kref ref;
	struct hlist_node by_kobj;
	struct hlist_node by_id;
	struct list_head all;
	struct rcu_head rcu;
	const struct kobject *kobj;
	int id;
	enum resv_group_state state;
	bool seen;
	struct mutex lock;	/* see above, and registry.c for its place in the order */
	struct hlist_head leaving;
	bool empty;
	bool known;
	bool looked;
	bool stale;
	bool warned;
	const void *folder;
	struct resv_hw_list hw;
	struct resv_snapshot __rcu *snapshot;
};

/*
 * struct iommu_group is private, but its kobject is its first member in every kernel
 * from 4.4 to 7.3.  resv_registry_layout() checks this with the number of the group.
 */
static inline struct iommu_group *resv_group_of(const struct kobject *kobj)
{
	return (struct iommu_group *)kobj;
}

/* registry.c */
int resv_registry_id(const struct kobject *kobj);
bool resv_registry_layout(struct kobject *kobj);
struct resv_group *resv_registry_find(const struct kobject *kobj, int id);
struct resv_group *resv_registry_get(const struct kobject *kobj, int id,
				     gfp_t gfp);
struct resv_group *resv_registry_get_listed(const struct kobject *kobj, int id);
struct resv_group *resv_registry_next(struct resv_group *prev);
void resv_registry_put(struct resv_group *g);
void resv_registry_set_state(struct resv_group *g, enum resv_group_state state);
void resv_registry_set_folder(struct resv_group *g, const void *folder);
void resv_registry_forget(struct resv_group *g);
void resv_registry_bury(struct resv_group *g);
void resv_registry_compare_begin(void);
bool resv_registry_compare(const struct kobject *kobj, int id,
			   const void *folder);
void resv_registry_compare_end(void);
void resv_registry_mark_stale(int id);

/* walk.c */
int resv_walk_init(void);
void resv_walk_stop(void);
bool resv_walk_stopped(void);
int resv_walk_first(void);
void resv_walk_compare_soon(void);
void resv_walk_compare(void);
void resv_walk_flush(void);
int resv_walk_collect(struct resv_facts *c, struct resv_group *g);
int resv_walk_publish(struct resv_group *g, const struct resv_facts *c);
struct kobject *resv_walk_reference(const struct resv_group *g);
void resv_walk_group(struct kobject *kobj);
void resv_walk_visit(struct resv_group *g);
void resv_walk_remove_folder(struct resv_group *g);
bool resv_walk_any_dying(void);
unsigned int resv_walk_looks(void);

/* health.c */
void resv_health_init(void);
void resv_health_stop(void);

/* owner.c */
void resv_owner_init(void);

/* feature.c */
int resv_features_update(const struct resv_facts *c);
void resv_features_removed(struct iommu_group *group, int id);
void resv_features_walk_begin(void);
void resv_features_walk_end(void);
void resv_features_tell(void (*fn)(void));

#endif /* RESV_GROUP_REGISTRY_H */
