// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing a group while nobody has attached it.
 *
 * VFIO asks for the list of a group when it attaches it, and for those of the
 * groups that stay whenever it detaches another one (vfio_iommu_resv_refresh()).
 * So what is on the list must not change while a container has the group.  Both
 * a change and iommu_attach_group() hold the group's mutex: whoever attaches
 * later finds the new list.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include "compat/iommu.h"
#include "idle.h"

/**
 * struct idle - what is to be done
 * @fn: to be called, or NULL for a first look
 * @data: for @fn
 */
struct idle {
	int (*fn)(void *data);
	void *data;
};

/* Under the group's mutex.  One domain is attached to all devices of a group. */
static int first_device(struct device *dev, void *data)
{
	struct idle *idle = data;

	if (compat_domain_is_users(compat_iommu_get_domain_for_dev(dev)))
		return -EBUSY;
	return (idle->fn ? idle->fn(idle->data) : 0) ?: 1;
}

/**
 * resv_when_idle() - change what a group lists, if it is free
 * @group: live group, its mutex not held
 * @fn: makes the change; called once at most, with the group's mutex held.
 *	Returns 0 or an errno.
 * @data: for @fn
 *
 * When VFIO finds that a container has a domain already that suits a group, it
 * takes the group off the new one and puts it on that, and has read the list
 * before.  Since v5.18 the group is blocked in between.  Before, it looks free
 * for a moment: so this looks twice.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if VFIO, or somebody else who maps by himself, has the
 * group; -ENODEV if it has no device any more; or what @fn returned
 */
int resv_when_idle(struct iommu_group *group, int (*fn)(void *data),
		   void *data)
{
	struct idle idle = { .data = data };
	int ret = 1;

	if (!RESV_HAVE(RESV_PUT_CORE)) {
		ret = iommu_group_for_each_dev(group, &idle, first_device);
		usleep_range(5000, 10000);
	}
	idle.fn = fn;
	if (ret > 0)
		ret = iommu_group_for_each_dev(group, &idle, first_device);
	return ret > 0 ? 0 : ret ?: -ENODEV;
}
