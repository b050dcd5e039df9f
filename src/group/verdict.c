// SPDX-License-Identifier: GPL-2.0-only
/*
 * Predict whether VFIO (type 1) accepts a group: the file "assignable".
 *
 * When VFIO is given a group, it checks three things:
 *
 * - Regions that are mapped 1:1.  They change only with the group's devices, so the
 *   snapshot has them: resv_facts_is_bar().
 * - Interrupts.  The snapshot knows whether they are isolated.  The parameter of
 *   vfio_iommu_type1 that allows unsafe interrupts is read when the file is read; while
 *   that module is not loaded, its default counts.
 * - Drivers.  Each device must have no driver, a VFIO driver, or a driver that leaves DMA
 *   alone (compat/driver.h).  Drivers are bound and unbound at any time, so they are
 *   checked when the file is read.
 *
 * Reading a driver
 *
 * The callback of a file in the group's folder must not wait for the lock of a device,
 * because of this cycle: the driver core holds that lock around the events of a bus; the
 * event waits for the lock of the group's entry; a task that holds the lock of the entry
 * removes the folder and waits for the callback.  A trylock would not help: it could make
 * VFIO's own trylock fail.  So no lock of a device is taken.
 *
 * - The device stays: this code holds the mutex of the group, which the IOMMU core takes
 *   to remove a device from the group.  The kernel's own reserved_regions holds it, too.
 * - The driver stays while preemption is off: dev->driver is set to NULL before a driver
 *   is unregistered, and between a module's exit() and freeing it, free_module() waits
 *   for an RCU grace period (synchronize_sched() before v4.20), which cannot end inside
 *   such a section.  This code reads the driver only inside the section.
 *
 * Before v5.19 this code asks VFIO itself about the device, under the mutex of the group,
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
 * struct verdict - result of looking at the devices of a group
 * @vfio: for kernels where only VFIO knows which drivers it accepts
 * @lines: obstacles, one line for each device
 * @len: length of @lines without the final zero
 * @devices: the group has a device
 * @translated: an IOMMU translates for some device
 * @driver: name of the driver of the current device
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

/* Is the device bound to a host driver?  Sets @v->driver if so. */
static bool is_held(struct verdict *v, struct device *dev)
{
	const struct device_driver *drv;
	bool held;

	/* Do not sleep here: preemption off keeps the driver, see above. */
	rcu_read_lock_sched();
	drv = READ_ONCE(dev->driver);
	held = drv && !compat_driver_leaves_dma(dev, drv);
	if (held)
		strscpy(v->driver, drv->name, sizeof(v->driver));
	rcu_read_unlock_sched();
	return held && !compat_vfio_has(&v->vfio, dev);
}

/*
 * Is this a mediated device?  VFIO accepts its group without an IOMMU and without a check
 * of interrupts, because the parent's driver maps for it
 * (vfio_iommu_type1_attach_group()).  The bus is not exported, so this compares the bus's
 * name.
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

/* Return: a verdict for free_verdict(), or an error pointer */
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

/* Does a parameter allow vfio_iommu_type1 to take groups without isolated interrupts? */
static bool unsafe_allowed(void)
{
	return compat_module_flag("vfio_iommu_type1", "allow_unsafe_interrupts");
}

/**
 * resv_verdict_held() - list the devices that make VFIO refuse a group now
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
 * resv_verdict_make() - make the text of the file assignable
 * @group: group, which the caller keeps alive
 * @snapshot: snapshot of the group
 * @len: set to the length of the text
 *
 * If the kernel's list of regions is not known, it may have a region of type direct, so
 * the answer is never "yes" then.
 *
 * Context: may sleep; takes the group's mutex, and no lock of a device.
 * Return: the text, for kvfree(); or an error pointer: -ENODATA if no obstacle is known
 *	but the facts are not complete, -ENODEV for a group without devices, -ENOMEM
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
 * resv_verdict_status() - describe how the file assignable is made here
 * @s: status to add a line to
 *
 * Context: any.
 */
void resv_verdict_status(struct resv_status *s)
{
	if (RESV_HAVE(DRIVER_MANAGED_DMA))
		resv_status_add(s, "assignable", RESV_STATUS_ADDED,
				"direct regions, interrupts, and driver_managed_dma of each driver");
	else if (COMPAT_HAS_DEVICE_OWNER)
		resv_status_add(s, "assignable", RESV_STATUS_ADDED,
				"direct regions, interrupts, and the drivers that VFIO accepts");
	else
		resv_status_unknown(s, "assignable",
				    "unknown interface to find the devices of VFIO: assignable counts every driver as a host driver");
}
