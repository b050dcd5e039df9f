/* SPDX-License-Identifier: GPL-2.0-only */
/* The regions that the admin declared, and their way into the kernel's lists. */
#ifndef RESV_DECLARED_H
#define RESV_DECLARED_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct device;
struct iommu_group;

/* Longest device name that a declaration can have, with its zero. */
#define RESV_DEVICE_LEN		64

/**
 * struct resv_declared - one declared region
 * @node: in the table
 * @rcu: for freeing
 * @start: first address
 * @end: last address, inclusive; the length fits a size_t
 * @group: the group it holds for, with a reference on its kobject, or NULL
 *	while the device is not there
 * @devices: devices that @group had when it was last looked at
 * @seen: @device was seen by the walk under way
 * @arriving: @device was met by the collection under way, and the region does
 *	not hold for its group yet
 * @held: the hooks leave it out: @device was there first, and it was not
 *	checked yet, or was refused
 * @refused: by a check that would refuse it again, until @device goes
 * @told: why it waits was logged
 * @device: declared for this device by the parameter, or "" for a region that
 *	was declared in the file of @group, and holds for all its devices
 */
struct resv_declared {
	struct list_head node;
	struct rcu_head rcu;
	u64 start;
	u64 end;
	struct iommu_group *group;
	unsigned int devices;
	bool seen;
	bool arriving;
	bool held;
	bool refused;
	bool told;
	char device[RESV_DEVICE_LEN];
};

extern struct list_head resv_declared_list;

/* Over the table; the registry's lock, which all writers hold, is held. */
#define resv_declared_for_each(d) \
	list_for_each_entry(d, &resv_declared_list, node)
#define resv_declared_for_each_safe(d, tmp) \
	list_for_each_entry_safe(d, tmp, &resv_declared_list, node)

struct resv_declared *resv_declared_make(const char *device, u64 start, u64 end);
void resv_declared_publish(struct resv_declared *d);
void resv_declared_withdraw(struct resv_declared *d);
void resv_declared_free(struct resv_declared *d);
int resv_declared_bind(struct resv_declared *d, struct iommu_group *group);
void resv_declared_unbind(struct resv_declared *d);
int resv_declared_stock_up(unsigned int more);
void resv_declared_exit(void);

void resv_declared_hide(bool hide);
unsigned int resv_declared_tap_device(struct device *dev, struct list_head *head,
				      bool mark);
unsigned int resv_declared_tap_group(struct iommu_group *group,
				     struct list_head *head, bool mark);
void resv_declared_take_back(struct list_head *entries);
bool resv_declared_marked(struct list_head *head);
int resv_declared_append(struct device *dev, struct list_head *head, bool mark);

#endif /* RESV_DECLARED_H */
