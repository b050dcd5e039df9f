/* SPDX-License-Identifier: GPL-2.0-only */
/* Regions that the admin declares: their table, and the files of this feature. */
#ifndef RESV_FEATURE_DECLARE_DECLARE_H
#define RESV_FEATURE_DECLARE_DECLARE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include "compat/iommu.h"
#include "group/feature.h"

struct iommu_group;

/*
 * A self-test adds this mark to its own list, and looks for it there: a page near the
 * last address, where no IOMMU translates.
 */
#define RESV_DECLARE_MARK	0xfffffffffff00000ULL
#define RESV_DECLARE_MARK_END	0xfffffffffff00fffULL

/* Longest device name that a declaration can have, with its zero. */
#define RESV_DECLARED_DEVICE_LEN	64

/**
 * struct resv_declared - one declared region
 * @node: in the table; read under RCU
 * @rcu: for freeing
 * @start: first address
 * @end: last address, inclusive; the length fits a size_t
 * @group: the group that the region is in force for, or NULL while @device is absent.
 *	The region has a reference on the group's kobject, and one on this module.
 *	The taps read it.
 * @met: the last group that @device was found in, or NULL while @device is absent; only
 *	compared.  @group is NULL or equals @met.
 * @devices: number of devices of @group when it was last looked at
 * @held: the taps do not add the region, because @device was there before the region,
 *	and the region was not checked yet or was refused.  The taps read it.
 * @refused: a check has refused the region, and would do so again until @device is
 *	removed
 * @logged: the log says why the region is not in force
 * @removed: a write to the file of @device's group has removed the region; valid until
 *	@device is removed
 * @device: name of the device for which the parameter declares the region, or its
 *	VENDOR:DEVICE; or "" for a region that was declared in the file of @group and
 *	applies to all its devices
 * @model: resv_hw_model() of the devices, if the parameter gives VENDOR:DEVICE, else 0
 * @of: for the entry of a single device of a model: the entry of the model, which has no
 *	group and waits for more such devices; else NULL
 * @entry: the region's entry for a list of iommufd, see iommufd.c
 * @listed: bit 0: @entry is on a list
 *
 * resv_declare_lock protects all members but @entry and @listed.  A tap that sets the bit in
 * @listed may write @entry; the bit is cleared when the list is freed.  @start, @end, @device,
 * @model and @of do not change once the entry is in the table.
 */
struct resv_declared {
	struct list_head node;
	struct rcu_head rcu;
	u64 start;
	u64 end;
	struct iommu_group *group;
	const struct iommu_group *met;
	unsigned int devices;
	bool held;
	bool refused;
	bool logged;
	bool removed;
	char device[RESV_DECLARED_DEVICE_LEN];
	u32 model;
	const struct resv_declared *of;
	struct iommu_resv_region entry;
	unsigned long listed;
};

/**
 * resv_declared_is_model() - is this the entry of a model?
 * @d: entry
 *
 * Each device of the model gets its own entry; the model's entry never has a
 * group.
 *
 * Context: any.
 * Return: true if it is
 */
static inline bool resv_declared_is_model(const struct resv_declared *d)
{
	return d->model && !d->of;
}

extern struct list_head resv_declared_list;
extern struct mutex resv_declare_lock;

/* Go through the table; resv_declare_lock is held */
#define resv_declared_for_each(d) \
	list_for_each_entry(d, &resv_declared_list, node)
#define resv_declared_for_each_safe(d, tmp) \
	list_for_each_entry_safe(d, tmp, &resv_declared_list, node)

/* table.c */
struct resv_declared *resv_declared_make(const char *device, u64 start, u64 end);
int resv_declared_clone(struct resv_declared *of, const char *device,
			const struct iommu_group *group);
void resv_declared_publish(struct resv_declared *d);
void resv_declared_withdraw(struct resv_declared *d);
void resv_declared_free(struct resv_declared *d);
int resv_declared_bind(struct resv_declared *d, struct iommu_group *group);
void resv_declared_unbind(struct resv_declared *d);
int resv_declared_stock(unsigned int more);
void resv_declared_exit(void);

/* words.c */
extern const struct resv_feature_file resv_declare_file;
int resv_declare_check(const struct resv_facts *c, const struct resv_declared *d);
void resv_declare_log_busy(int id, u64 start, u64 end);
int resv_declare_init(void);

/* taps.c */
#ifdef RESV_TEST
#define RESV_DECLARE_TAPS	4
#else
#define RESV_DECLARE_TAPS	3
#endif

extern const struct resv_tap *const resv_declare_taps[RESV_DECLARE_TAPS];
bool resv_declare_enforced_in(enum resv_hook_mode mode);
void resv_declare_rest(void);
void resv_declare_change_begin(void);
void resv_declare_change_end(void);
void resv_declare_prepare(struct resv_facts *c);
void resv_declare_walk_begin(void);
void resv_declare_taps_walked(void);
void resv_declare_status(struct resv_status *s);
void resv_declare_set_entry(struct iommu_resv_region *region, u64 start, u64 end);
bool resv_declare_is_marked(const struct list_head *head);
bool resv_declared_is_for(const struct resv_declared *d, const struct device *dev,
			  const struct resv_declared **model);

/* guard.c */
extern const struct resv_feature resv_feature_guard;
void resv_declare_guard_lost(unsigned int nr);
bool resv_declare_guard_get(struct iommu_group *group);
void resv_declare_guard_rest(void);
const char *resv_declare_guard_broken(void);
bool resv_declared_is_listed(const struct resv_declared *d, const struct list_head *head);

/* iommufd.c */
extern const struct resv_feature resv_feature_declare_iommufd;
void resv_declare_iommufd_get(struct iommu_group *group);
void resv_declare_iommufd_rest(void);
void resv_declare_iommufd_wait(struct resv_declared *d);
bool resv_declare_iommufd_serves(void);

/* facts.c */
int resv_declare_group(struct resv_facts *c);
int resv_declare_listed(struct resv_facts *c);

/* declare.c */
extern const struct resv_feature resv_feature_declare;
extern bool resv_declare_loaded;
void resv_declare_wait(struct resv_declared *d);

#endif /* RESV_FEATURE_DECLARE_DECLARE_H */
