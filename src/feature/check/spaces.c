// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracks which groups are in which address space of iommufd.
 *
 * A process names the address space by a number when VFIO attaches a device
 * (vfio_iommufd_physical_attach_ioas()).  The address space itself is seen only inside
 * this call, when iommufd adds the device's regions to it
 * (iopt_table_enforce_dev_resv_regions()).  So the tap on the first function takes a slot
 * for the task, the tap on the second one stores the address space in the slot, and if
 * the first function returns without an error, the group is in that address space.
 *
 * Invariants, under the tracker's lock:
 * - a group with @space has at least one device attached, and is on the list; all
 *   devices of a group are in one address space, because iommufd requires it;
 * - a slot is taken while its task is inside an attach.  When the taps are removed, or
 *   work again after they did not, resv_spaces_forget() clears all slots and groups,
 *   because the taps may have missed the end of an attach.
 *
 * Address spaces are only compared.  An address space lives while a device is attached to
 * it; when its last device leaves, this file forgets its address.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/sched.h>
#include "group/attach.h"
#include "feature/check/check.h"
#include "feature/check/rules.h"
#include "feature/check/spaces.h"

/* Number of simultaneous attaches; an attach takes milliseconds. */
#define SLOTS	16

static struct {
	const struct task_struct *task;
	const void *space;
} slots[SLOTS];

static LIST_HEAD(attached);

static struct resv_check_group *find(const struct iommu_group *group)
{
	const struct resv_attach_group *g = resv_attach_group_find(group);

	return g ? g->data[RESV_CHECK_INDEX] : NULL;
}

static void leave(struct resv_check_group *cg)
{
	cg->space = NULL;
	cg->nr_attached = 0;
	list_del_init(&cg->by_space);
}

/**
 * resv_space_begin() - the current task begins to attach a device
 *
 * Context: in the tap.
 * Return: a slot for resv_space_end(), or -1 if no slot is free
 */
int resv_space_begin(void)
{
	unsigned long flags;
	int i, slot = -1;

	flags = resv_attach_lock();
	for (i = 0; i < SLOTS && slot < 0; i++) {
		if (slots[i].task)
			continue;
		slots[i].task = current;
		slots[i].space = NULL;
		slot = i;
	}
	resv_attach_unlock(flags);
	return slot;
}

/**
 * resv_space_is() - iommufd adds the regions of a device to an address space
 * @space: the address space; only compared
 *
 * Context: in the tap.
 */
void resv_space_is(const void *space)
{
	unsigned long flags;
	unsigned int i;

	flags = resv_attach_lock();
	for (i = 0; i < SLOTS; i++)
		if (slots[i].task == current)
			slots[i].space = space;
	resv_attach_unlock(flags);
}

static void join(struct resv_check_group *cg, const void *space, bool joins)
{
	/* No @space: the device only got another page table of the same address space. */
	if (space)
		cg->space = space;
	if (!cg->space)
		return;
	if (list_empty(&cg->by_space)) {
		list_add_tail(&cg->by_space, &attached);
		/* The log gets one line for each attach. */
		cg->refused_logged = false;
		cg->other_logged = false;
		cg->attach_logged = false;
	}
	if (joins || !cg->nr_attached)
		cg->nr_attached++;
}

/**
 * resv_space_end() - the attach is over
 * @slot: returned by resv_space_begin()
 * @group: the device's group, if it is attached; else NULL
 * @joins: the device was not attached before
 *
 * Context: in the tap, in the task that called resv_space_begin().
 */
void resv_space_end(int slot, const struct iommu_group *group, bool joins)
{
	struct resv_check_group *cg;
	unsigned long flags;

	flags = resv_attach_lock();
	/* resv_spaces_forget() may have cleared the slots meanwhile. */
	if (slots[slot].task == current) {
		cg = find(group);
		if (cg)
			join(cg, slots[slot].space, joins);
		slots[slot].task = NULL;
	}
	resv_attach_unlock(flags);
}

/**
 * resv_space_detached() - a device leaves its address space
 * @group: its group
 *
 * Context: in the tap.
 */
void resv_space_detached(const struct iommu_group *group)
{
	struct resv_check_group *cg;
	unsigned long flags;

	flags = resv_attach_lock();
	cg = find(group);
	if (cg && cg->space && !--cg->nr_attached)
		leave(cg);
	resv_attach_unlock(flags);
}

/**
 * resv_space_group() - get a group of an address space
 * @space: the address space
 * @i: index from 0; a walk may skip groups that are attached or detached meanwhile
 *
 * Context: in the tap.
 * Return: address of the group, which must only be compared; NULL if there are fewer
 */
const struct iommu_group *resv_space_group(const void *space, unsigned int i)
{
	const struct iommu_group *group = NULL;
	const struct resv_check_group *cg;
	unsigned long flags;

	flags = resv_attach_lock();
	list_for_each_entry(cg, &attached, by_space) {
		if (cg->space != space || i--)
			continue;
		group = cg->group;
		break;
	}
	resv_attach_unlock(flags);
	return group;
}

/**
 * resv_space_has() - has iommufd attached a device of a group?
 * @group: the group
 *
 * Context: in the tap.
 * Return: true if a tap has seen the attach
 */
bool resv_space_has(const struct iommu_group *group)
{
	const struct resv_check_group *cg;
	unsigned long flags;
	bool has;

	flags = resv_attach_lock();
	cg = find(group);
	has = cg && cg->space;
	resv_attach_unlock(flags);
	return has;
}

/**
 * resv_spaces_forget() - forget all groups and slots, as taps may have missed events
 *
 * Context: any.
 */
void resv_spaces_forget(void)
{
	struct resv_check_group *cg, *next;
	unsigned long flags;
	unsigned int i;

	flags = resv_attach_lock();
	for (i = 0; i < SLOTS; i++)
		slots[i].task = NULL;
	list_for_each_entry_safe(cg, next, &attached, by_space)
		leave(cg);
	resv_attach_unlock(flags);
}
