/* SPDX-License-Identifier: GPL-2.0-only */
/* The movable MSI windows of groups, and their way into the kernel's lists. */
#ifndef RESV_MSI_WINDOW_H
#define RESV_MSI_WINDOW_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>
#include "facts.h"

struct device;
struct task_struct;

/**
 * struct resv_msi_window - the window of one group
 * @node: in the table, by address of @group
 * @group: the group
 * @id: its number
 * @held: @group has a reference of ours, so that its address means no other
 * @native: where the driver puts it
 * @at: where it is from the next attach on
 * @by: who placed it; the kernel means that @at is @native
 * @container: what VFIO's container of the last attach goes by; only compared
 * @joined: VFIO attaches the group to @container, and has not found a domain yet, or
 *	has it attached to one of its own
 * @joiner: task that attaches the group to @container, until it has the list
 * @first: domain of the attach under way, or the last one
 * @domain: domain that the group is attached to now, if somebody attached it
 * @held_by: domain on whose account this module is held, or NULL
 * @strayed: @domain has its cookie at @cookie_at, which is not @at
 * @cookie_at: see @strayed
 * @doubt: taps were off for some time, so the above may be out of date
 * @seen: by the walk under way
 * @asked: the parameter was applied to this group, or was refused, or the file was
 *	written
 * @denied: it was logged that the parameter cannot be applied
 * @told: overlap that was logged already
 * @unsuited: it was logged that a moved window does not suit the group any more
 *
 * The registry's lock is held by all who write @held to @by, and by those who
 * add and remove; what the taps read of it is written under the table's lock as
 * well.  The rest is the taps'.
 */
struct resv_msi_window {
	struct hlist_node node;
	struct iommu_group *group;
	int id;
	bool held;
	struct resv_range native;
	struct resv_range at;
	enum resv_window_by by;
	const void *container;
	bool joined;
	const struct task_struct *joiner;
	const struct iommu_domain *first;
	const struct iommu_domain *domain;
	const struct iommu_domain *held_by;
	bool strayed;
	struct resv_range cookie_at;
	bool doubt;
	bool seen;
	bool asked;
	bool denied;
	struct resv_range told;
	bool unsuited;
};

/* For the owners of the registry's lock */
struct resv_msi_window *resv_msi_window_find(const struct iommu_group *group);
struct resv_msi_window *resv_msi_window_add(struct iommu_group *group, int id,
					    const struct resv_range *native);
int resv_msi_window_move(struct resv_msi_window *w, const struct resv_range *to,
			 enum resv_window_by by);
void resv_msi_window_gone(const struct iommu_group *group);
bool resv_msi_windows_in_force(void);
void resv_msi_windows_unwatched(void);
void resv_msi_windows_doubt(void);
void resv_msi_window_settle(struct resv_msi_window *w, bool in_use);
void resv_msi_windows_walk_begins(void);
void resv_msi_windows_walk_ends(void);
void resv_msi_windows_exit(void);

/* For the hooks */
void resv_msi_windows_by_list(void);
unsigned int resv_msi_tap_device(struct device *dev, bool mark);
bool resv_msi_tap_alloc(struct resv_range *window);
void resv_msi_tap_forget(void);
bool resv_msi_tap_listing(const struct iommu_group *group);
int resv_msi_tap_listed(struct iommu_group *group, struct list_head *head,
			bool mark);
void resv_msi_tap_join(const void *container, const struct iommu_group *group);
void resv_msi_tap_attach(const struct iommu_domain *domain,
			 const struct iommu_group *group);
void resv_msi_tap_detach(const struct iommu_domain *domain,
			 const struct iommu_group *group);
void resv_msi_tap_free(const struct iommu_domain *domain);
bool resv_msi_marked(const struct list_head *head);
bool resv_msi_tap_place(const struct iommu_group *group,
			struct resv_range *window);

#endif /* RESV_MSI_WINDOW_H */
