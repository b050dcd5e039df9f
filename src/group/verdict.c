// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VFIO (type 1) would say of a group, before it is asked.
 *
 * VFIO goes by three things when it is given a group:
 *
 * - Regions that are mapped 1:1.  They change with the group's devices only, so the
 *   snapshot has them: resv_facts_is_bar().
 * - Interrupts.  Whether they are isolated the snapshot has; the parameter of
 *   vfio_iommu_type1 that lets it pass is read with the file.  As long as that module is
 *   not loaded the answer is that of its default.
 * - Drivers.  Each device has to be without one, or in the hands of VFIO, or of one that
 *   leaves DMA alone (compat/driver.h).  Drivers come and go at any time, so each reader
 *   of the file looks at them.
 *
 * Reading a driver
 *
 * The callback of a file in the group's folder must not wait for the lock of a device:
 * the driver core holds that lock around the events of a bus, in which the lock of the
 * group's entry is waited for, under which the folder is removed, which waits for the
 * callback.  And a lock that is only tried would let VFIO's own tries fail.  So no lock
 * of a device is taken.
 *
 * - The device stays: the mutex of the group is held, and who takes a device out of the
 *   group needs that.  The kernel's own reserved_regions takes it in the same place.
 * - The driver stays while preemption is off: dev->driver is set to NULL before a driver
 *   is unregistered, and free_module() waits for an RCU grace period between a module's
 *   exit() and freeing it (synchronize_sched() before v4.20), which such a section holds
 *   up.  What is needed of the driver is copied out of the section.
 *
 * Kernels before v5.19 ask VFIO itself about the device, under the mutex of the group,
 * as vfio_group_viable() does.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/driver.h"
#include "compat/iommu.h"
#include "compat/module.h"
#include "group/snapshot.h"
#include "group/verdict.h"
#include "source/status.h"

/* sysfs has a folder for each driver, so no name is longer. */
#define DRIVER_LEN	256

/**
 * struct verdict - what the devices of a group say
 * @vfio: for kernels where drivers do not say it themselves
 * @lines: what stands in the way, a line a device
 * @len: its length, without the zero
 * @devices: there is one
 * @translated: an IOMMU translates for one
 * @driver: name of the driver of the device that is being looked at
 */
struct verdict {
	struct compat_vfio vfio;
	char *lines;
	size_t len;
	bool devices;
	bool translated;
	char driver[DRIVER_LEN];
};

static int add_line(struct verdict *v, const char *what, const char *device,
		    const char *driver)
{
	size_t room = strlen(what) + strlen(device) + strlen(driver) + 4;
	char *lines = krealloc(v->lines, v->len + room, GFP_KERNEL);

	if (!lines)
		return -ENOMEM;
	v->lines = lines;
	v->len += scnprintf(lines + v->len, room, "%s %s%s%s\n", what, device,
			    *driver ? " " : "", driver);
	return 0;
}

/* Is the device bound to a driver of the host?  Sets @v->driver if so. */
static bool is_held(struct verdict *v, struct device *dev)
{
	const struct device_driver *drv;
	bool held;

	/* Nothing below sleeps: see above. */
	rcu_read_lock_sched();
	drv = READ_ONCE(dev->driver);
	held = drv && !compat_driver_leaves_dma(dev, drv);
	if (held)
		strscpy(v->driver, drv->name, sizeof(v->driver));
	rcu_read_unlock_sched();
	return held && !compat_vfio_has(&v->vfio, dev);
}

/*
 * A mediated device.  VFIO takes its group without an IOMMU and without a look at
 * interrupts, as its driver maps for it (vfio_iommu_type1_attach_group()).  The bus is not
 * exported; its name is that in /sys/bus.
 */
static bool is_mediated(const struct device *dev)
{
	return dev->bus && !strcmp(dev->bus->name, "mdev");
}

/* Under the mutex of the group. */
static int look_at_device(struct device *dev, void *data)
{
	struct verdict *v = data;
	int ret = 0;

	v->devices = true;
	if (is_mediated(dev))
		return 0;
	if (compat_dev_has_iommu(dev))
		v->translated = true;
	else
		ret = add_line(v, "no-iommu", dev_name(dev), "");
	if (!ret && is_held(v, dev))
		ret = add_line(v, "host-driver", dev_name(dev), v->driver);
	return ret;
}

static void free_verdict(struct verdict *v)
{
	kfree(v->lines);
	kfree(v);
}

/* Return: to be freed with free_verdict(), or an error pointer */
static struct verdict *look_at_devices(struct iommu_group *group)
{
	struct verdict *v = kzalloc(sizeof(*v), GFP_KERNEL);
	int ret;

	if (!v)
		return ERR_PTR(-ENOMEM);
	compat_vfio_begin(&v->vfio);
	ret = iommu_group_for_each_dev(group, v, look_at_device);
	compat_vfio_end(&v->vfio);
	if (!ret)
		return v;
	free_verdict(v);
	return ERR_PTR(ret);
}

/* vfio_iommu_type1 was told to take groups whose interrupts are not isolated. */
static bool unsafe_allowed(void)
{
	return compat_module_flag("vfio_iommu_type1", "allow_unsafe_interrupts");
}

/**
 * resv_verdict_held() - which devices of a group stand in VFIO's way now
 * @group: group, which the caller keeps alive
 *
 * Context: may sleep; takes the group's mutex.
 * Return: the lines of "assignable" about them for kfree(), NULL if there are none, or an
 *	error pointer
 */
char *resv_verdict_held(struct iommu_group *group)
{
	struct verdict *v = look_at_devices(group);
	char *lines;

	if (IS_ERR(v))
		return ERR_CAST(v);
	lines = v->lines;
	v->lines = NULL;
	free_verdict(v);
	return lines;
}

/**
 * resv_verdict_make() - what VFIO would say of a group now
 * @group: group, which the caller keeps alive
 * @snapshot: what is known about the group
 * @len: set to the length of the text
 *
 * Where the kernel's list of regions is not known there may be a region of type direct,
 * so then it is never "yes".
 *
 * Context: may sleep; takes the group's mutex, and no lock of a device.
 * Return: the text of "assignable", for kvfree(); or an error pointer: -ENODATA if
 *	nothing is known to stand in the way and not all is known, -ENODEV for a group
 *	without devices, -ENOMEM
 */
char *resv_verdict_make(struct iommu_group *group,
			const struct resv_snapshot *snapshot, size_t *len)
{
	struct verdict *v = look_at_devices(group);
	const char *bars;
	bool unsafe;
	size_t nr;
	char *text;

	if (IS_ERR(v))
		return ERR_CAST(v);
	bars = resv_snapshot_text(snapshot, RESV_TEXT_BARS, &nr);
	unsafe = v->translated && snapshot->unguarded && !unsafe_allowed();
	if (!v->devices)
		text = ERR_PTR(-ENODEV);
	else if (nr || unsafe || v->lines)
		text = kasprintf(GFP_KERNEL, "no\n%.*s%s%s", (int)nr, bars,
				 unsafe ? "unsafe-interrupts -\n" : "",
				 v->lines ?: "");
	else if (!snapshot->bars_known)
		text = ERR_PTR(-ENODATA);
	else
		text = kstrdup("yes\n", GFP_KERNEL);
	free_verdict(v);
	if (!text)
		return ERR_PTR(-ENOMEM);
	if (!IS_ERR(text))
		*len = strlen(text);
	return text;
}

/**
 * resv_verdict_status() - describe what the verdict goes by
 * @s: status to add a line to
 *
 * Context: any.
 */
void resv_verdict_status(struct resv_status *s)
{
	if (RESV_HAVE(DRIVER_MANAGED_DMA))
		resv_status_add(s, "assignable", RESV_STATUS_ADDED,
				"direct regions, interrupts, and what each driver says of DMA (driver_managed_dma)");
	else if (COMPAT_HAS_DEVICE_OWNER)
		resv_status_add(s, "assignable", RESV_STATUS_ADDED,
				"direct regions, interrupts, and the drivers that VFIO accepts");
	else
		resv_status_unknown(s, "assignable",
				    "unknown way to ask whether VFIO has a device: assignable takes each driver for one of the host");
}
