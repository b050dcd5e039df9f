// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts every declared region on the lists of iommufd, even if memory is short.
 *
 * iommufd asks for the list of each device that it attaches.  iommu_get_resv_regions()
 * makes that list and returns nothing, so no tap can refuse an incomplete list by an
 * error, as guard.c does for VFIO's type 1.  Therefore each declared region has an entry
 * of its own for such a list, which is allocated with the region.  A tap at the entry of
 * iommu_get_resv_regions() puts the entries on the list, in every mode of the hooks but
 * "none"; the drivers' taps and the livepatch then add only what is not there yet.
 *
 *   iopt_table_enforce_dev_resv_regions(space, device, ...)	this task lists a device
 *     iommu_get_resv_regions(device, list)			the entries get on the list
 *     iommu_put_resv_regions(device, list)			free() gives them back
 *
 * Only iommufd's lists get these entries, because iommufd makes one list of a group at a
 * time: it holds its lock of the group from before the call until it has freed the list.
 * Other callers can make any number of lists at once.  The first tap notes the task, and
 * the second tap takes the note; between the two functions iommufd only waits for a lock.
 * The first tap does not use the function's arguments, because no header declares the
 * function.  The second tap skips an entry that is already on a list.
 *
 * While an entry is on a list, neither the entry nor the code of free() is freed.  A
 * region that is in force holds this module, and is removed only while no user owns its
 * group; iommufd makes a list after it has claimed the group (iommufd_device_bind()).
 * Besides, before a region is freed by a write to the file of its group,
 * resv_declare_iommufd_wait() waits until no list has its entry.
 *
 * Before v6.6 iommufd asks for the lists of groups, which guard.c checks.
 */
#include <linux/kernel.h>
#include "compat/compat.h"
#include "feature/declare/declare.h"

#if defined(RESV_HAVE_VFIO_IOMMUFD) && defined(RESV_HAVE_RESV_FREE)
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait_bit.h>
#include "compat/regs.h"
#include "hook/engine.h"

#define LOSS	"a list for iommufd lacks a declared region if memory is short"

/* Most tasks between the two functions; each waits for an address space's lock. */
#define NOTES	64

/* Tasks that are about to list a device for iommufd; only compared. */
static const struct task_struct *notes[NOTES];
/* For the notes; raw, because taps take it. */
static DEFINE_RAW_SPINLOCK(notes_lock);

/* The mark of the self-test; only one task at a time runs a self-test. */
static struct iommu_resv_region mark;

/* Replace one note by another.  Return: false if there is no such note */
static bool change_note(const struct task_struct *from, const struct task_struct *to)
{
	bool found = false;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&notes_lock, flags);
	for (i = 0; i < NOTES && !found; i++) {
		found = notes[i] == from;
		if (found)
			notes[i] = to;
	}
	raw_spin_unlock_irqrestore(&notes_lock, flags);
	return found;
}

/* int iopt_table_enforce_dev_resv_regions(space, device, ...) of iommufd */
static bool enter_space(struct resv_call *call)
{
	/* A note of this task is left only if iommufd failed in between. */
	if (!change_note(current, current) && !change_note(NULL, current))
		resv_call_lost(call, 1);
	return true;
}

/* Probes were off: the second function may have been called unseen. */
static void forget_notes(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&notes_lock, flags);
	memset(notes, 0, sizeof(notes));
	raw_spin_unlock_irqrestore(&notes_lock, flags);
}

static void give_back(struct device *dev, struct iommu_resv_region *entry)
{
	struct resv_declared *d = container_of(entry, struct resv_declared, entry);

	clear_and_wake_up_bit(0, &d->listed);
}

static void keep_mark(struct device *dev, struct iommu_resv_region *entry)
{
}

static void set(struct iommu_resv_region *entry, u64 start, u64 end,
		void (*free)(struct device *dev, struct iommu_resv_region *entry))
{
	memset(entry, 0, sizeof(*entry));
	resv_declare_set_entry(entry, start, end);
	entry->free = free;
}

/* Return: number of entries that were on another list */
static unsigned int add_entries(const struct device *dev, struct list_head *head)
{
	const struct resv_declared *model = NULL;
	struct resv_declared *d;
	unsigned int lost = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node) {
		const struct iommu_group *group = READ_ONCE(d->group);

		/* Only regions in force for the group hold this module. */
		if (!resv_declared_is_for(d, dev, &model) || !group ||
		    group != dev->iommu_group)
			continue;
		if (test_and_set_bit_lock(0, &d->listed)) {
			lost++;
			continue;
		}
		set(&d->entry, d->start, d->end, give_back);
		list_add_tail(&d->entry.list, head);
	}
	rcu_read_unlock();
	return lost;
}

/* void iommu_get_resv_regions(struct device *dev, struct list_head *head) */
static bool enter_list(struct resv_call *call)
{
	const struct device *dev = (void *)compat_argument(call->regs, 0);
	struct list_head *head = (void *)compat_argument(call->regs, 1);
	unsigned int lost;

	if (call->marking) {
		set(&mark, RESV_DECLARE_MARK, RESV_DECLARE_MARK_END, keep_mark);
		list_add_tail(&mark.list, head);
	} else if (change_note(current, NULL)) {
		lost = add_entries(dev, head);
		if (lost)
			resv_call_lost(call, lost);
	}
	return true;
}

static bool test_list(struct resv_hook *hook, struct iommu_group *group)
{
	return resv_tap_marked_devices(hook, group, resv_declare_is_marked);
}

static const struct resv_tap list_tap = {
	.symbol = "iommu_get_resv_regions",
	.module = "",
	.enter = enter_list,
	.test = test_list,
	.failed = "it does not fire when a device's regions are listed (probes are turned off)",
	.again = forget_notes,
	.loss = LOSS,
};

static const struct resv_tap space_tap = {
	.symbol = "iopt_table_enforce_dev_resv_regions",
	.module = "iommufd",
	.enter = enter_space,
	.again = forget_notes,
	.loss = LOSS,
};

static const struct resv_tap *const taps[] = { &list_tap, &space_tap };

static bool iommufd_wanted(enum resv_hook_mode mode)
{
	return mode != RESV_HOOKS_NONE;
}

const struct resv_feature resv_feature_declare_iommufd = {
	.name = "declared-regions-iommufd",
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.wanted = iommufd_wanted,
};

/**
 * resv_declare_iommufd_get() - install the taps for the lists of iommufd
 * @group: for the self-test, see resv_tap_get(); or NULL
 *
 * Context: may sleep; resv_declare_lock may be held.
 */
void resv_declare_iommufd_get(struct iommu_group *group)
{
	resv_tap_get_all(taps, ARRAY_SIZE(taps), group);
}

/**
 * resv_declare_iommufd_rest() - remove the taps, as no region is declared
 *
 * Context: sleeps for grace periods; resv_declare_lock is held.
 */
void resv_declare_iommufd_rest(void)
{
	unsigned int i;

	for (i = ARRAY_SIZE(taps); i--; )
		if (resv_tap_state(taps[i], NULL) != RESV_TAP_OUT)
			resv_tap_put(taps[i], NULL);
	forget_notes();
}

/**
 * resv_declare_iommufd_wait() - wait until no list of iommufd has a region's entry
 * @d: region that was withdrawn
 *
 * Context: sleeps for a grace period, and for as long as iommufd has the list.
 */
void resv_declare_iommufd_wait(struct resv_declared *d)
{
	/* A tap may have found the region before it was withdrawn. */
	synchronize_rcu();
	wait_on_bit(&d->listed, 0, TASK_UNINTERRUPTIBLE);
}

/**
 * resv_declare_iommufd_serves() - are iommufd's lists complete when memory is short?
 *
 * Context: may sleep.
 * Return: false if a tap is inert
 */
bool resv_declare_iommufd_serves(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taps); i++)
		if (resv_tap_state(taps[i], NULL) == RESV_TAP_INERT)
			return false;
	return true;
}
#else
/* No iommufd, or one that is not known to ask for the lists of devices. */
const struct resv_feature resv_feature_declare_iommufd = {
	.name = "declared-regions-iommufd",
};

void resv_declare_iommufd_get(struct iommu_group *group)
{
}

void resv_declare_iommufd_rest(void)
{
}

void resv_declare_iommufd_wait(struct resv_declared *d)
{
}

bool resv_declare_iommufd_serves(void)
{
	return !IS_ENABLED(CONFIG_IOMMUFD);
}
#endif /* RESV_HAVE_VFIO_IOMMUFD && RESV_HAVE_RESV_FREE */
