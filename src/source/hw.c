// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was measured of the hardware, so that it is measured once.
 *
 * A group is looked at often: when a device of it came, went or got a driver, and
 * whenever somebody changes it.  What the hardware is does not change by that, and to
 * measure it is not free: a domain is allocated, registers are mapped, configuration
 * space is read.  So each measurement is kept with the device that it was made of, or
 * with the IOMMU, if it is the same for all devices behind that.
 *
 * Invariants:
 *
 * 1. An entry means the device that has both its address and its name.  An address can
 *    be used again for another device, so an entry whose name does not match is dropped.
 * 2. A collection that asks all devices of a group and ends well leaves entries of
 *    these devices only (resv_hw_begin(), resv_hw_end()).
 * 3. Nothing is kept that the hardware did not answer: a read that failed or returned
 *    all ones is made again with the next look.
 * 4. No pointer of an entry to a device, or to an IOMMU's class device, is followed.
 *
 * Locks: a list belongs to the registry's entry of its group, and only who holds the
 * lock of that entry uses it.  The table of IOMMUs is shared by all groups and has
 * instances_lock, which is taken below the lock of an entry and the mutex of a group;
 * nothing is called while it is held.
 */
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "source/hw.h"

/**
 * struct instance - one IOMMU
 * @next: next one of the table
 * @dev: address of its class device; only compared
 * @iommu: what was measured
 * @name: dev_name() of the class device
 */
struct instance {
	struct instance *next;
	const struct device *dev;
	struct resv_hw_iommu iommu;
	char name[];
};

static DEFINE_MUTEX(instances_lock);
static struct instance *instances;
static unsigned int flushes;		/* of the table */

/**
 * resv_hw_model() - vendor and device ID of a device
 * @dev: device
 *
 * Context: any; does not sleep.
 * Return: the vendor's ID in the upper half, that of the device in the lower; 0 if it is
 *	no PCI device
 */
u32 resv_hw_model(const struct device *dev)
{
	const struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return 0;
	pdev = to_pci_dev(dev);
	return (u32)pdev->vendor << 16 | pdev->device;
}

/**
 * resv_hw_init() - a list without devices
 * @list: uninitialised
 *
 * Context: any.
 */
void resv_hw_init(struct resv_hw_list *list)
{
	list->first = NULL;
	list->round = 0;
}

/* Unlink and free the entry that @at leads to. */
static void drop(struct resv_hw **at)
{
	struct resv_hw *hw = *at;

	*at = hw->next;
	kfree(hw->iommu);
	kfree(hw);
}

/**
 * resv_hw_free() - drop all that was measured
 * @list: initialised; can be used again
 *
 * Context: the lock of the group's entry is held.
 */
void resv_hw_free(struct resv_hw_list *list)
{
	while (list->first)
		drop(&list->first);
}

/**
 * resv_hw_forget() - a device leaves the group
 * @list: list of the group
 * @dev: device, which is only compared
 *
 * Context: the lock of the group's entry is held.
 */
void resv_hw_forget(struct resv_hw_list *list, const struct device *dev)
{
	struct resv_hw **at = &list->first;

	while (*at)
		if ((*at)->dev == dev)
			drop(at);
		else
			at = &(*at)->next;
}

/**
 * resv_hw_begin() - all devices of the group will be asked for
 * @list: list of the group
 *
 * Context: the lock of the group's entry is held.
 */
void resv_hw_begin(struct resv_hw_list *list)
{
	list->round++;
}

/**
 * resv_hw_end() - all devices of the group were asked for
 * @list: list of the group
 *
 * Drops the entries of devices that were not met since resv_hw_begin().
 *
 * Context: the lock of the group's entry is held.
 */
void resv_hw_end(struct resv_hw_list *list)
{
	struct resv_hw **at = &list->first;

	while (*at)
		if ((*at)->round != list->round)
			drop(at);
		else
			at = &(*at)->next;
}

/**
 * resv_hw_device() - the entry of a device
 * @list: list of its group
 * @dev: device
 *
 * Context: the lock of the group's entry is held; may sleep.
 * Return: the entry, a new one if there was none; or NULL without memory
 */
struct resv_hw *resv_hw_device(struct resv_hw_list *list, const struct device *dev)
{
	size_t len = strlen(dev_name(dev)) + 1;
	struct resv_hw **at, *hw;

	for (at = &list->first; (hw = *at); at = &hw->next) {
		if (hw->dev != dev)
			continue;
		if (!strcmp(hw->name, dev_name(dev)))
			goto found;
		/* Another device had this address: nothing of it is true of this one. */
		drop(at);
		break;
	}
	hw = kzalloc(sizeof(*hw) + len, GFP_KERNEL);
	if (!hw)
		return NULL;
	hw->dev = dev;
	memcpy(hw->name, dev_name(dev), len);
	hw->next = list->first;
	list->first = hw;
found:
	hw->round = list->round;
	return hw;
}

/* The table's entry of an IOMMU; its lock is held. */
static struct instance *find_instance(const struct device *dev)
{
	struct instance *i;

	for (i = instances; i; i = i->next)
		if (i->dev == dev && !strcmp(i->name, dev_name(dev)))
			return i;
	return NULL;
}

/* Keep @iommu for the other devices behind @dev, unless memory is short. */
static void keep_instance(const struct device *dev,
			  const struct resv_hw_iommu *iommu, unsigned int flush)
{
	size_t len = strlen(dev_name(dev)) + 1;
	struct instance *i = kmalloc(sizeof(*i) + len, GFP_KERNEL);

	if (!i)
		return;
	i->dev = dev;
	i->iommu = *iommu;
	memcpy(i->name, dev_name(dev), len);
	mutex_lock(&instances_lock);
	/* Somebody else may have measured it at the same time, or its driver goes. */
	if (flush == flushes && !find_instance(dev)) {
		i->next = instances;
		instances = i;
		i = NULL;
	}
	mutex_unlock(&instances_lock);
	kfree(i);
}

static int measure_instance(struct device *instance, struct device *dev,
			    int (*measure)(struct device *dev,
					   struct resv_hw_iommu *iommu),
			    struct resv_hw_iommu *iommu)
{
	struct instance *i;
	unsigned int flush;
	int ret;

	mutex_lock(&instances_lock);
	flush = flushes;
	i = find_instance(instance);
	if (i)
		*iommu = i->iommu;
	mutex_unlock(&instances_lock);
	if (i)
		return 0;
	ret = measure(dev, iommu);
	if (!ret)
		keep_instance(instance, iommu, flush);
	return ret;
}

/**
 * resv_hw_iommu() - what is the same for all devices behind a device's IOMMU
 * @hw: entry of the device
 * @dev: device, whose group's mutex the caller holds
 * @measure: measures it by this device.  Return: 0, or an errno if another try may
 *	give another answer
 * @iommu: set to the answer
 *
 * It is kept by the IOMMU's class device where the kernel tells that, else by the
 * device itself.
 *
 * Context: the lock of the group's entry is held; may sleep.
 * Return: 0, or what @measure returned, with @iommu undefined
 */
int resv_hw_iommu(struct resv_hw *hw, struct device *dev,
		  int (*measure)(struct device *dev, struct resv_hw_iommu *iommu),
		  struct resv_hw_iommu *iommu)
{
	struct device *instance = compat_dev_iommu_instance(dev);
	int ret;

	if (instance)
		return measure_instance(instance, dev, measure, iommu);
	if (hw->iommu) {
		*iommu = *hw->iommu;
		return 0;
	}
	ret = measure(dev, iommu);
	/* Without memory it is measured again with the next look. */
	if (!ret)
		hw->iommu = kmemdup(iommu, sizeof(*iommu), GFP_KERNEL);
	return ret;
}

/**
 * resv_hw_instances_flush() - measure all IOMMUs again with the next look
 *
 * Drivers of IOMMUs can be modules, and the next one's class device can get both the
 * address and the name of one that is gone.  So whenever a module goes nothing that
 * was measured of an IOMMU is trusted any more.
 *
 * Context: may sleep.
 */
void resv_hw_instances_flush(void)
{
	struct instance *list, *i;

	mutex_lock(&instances_lock);
	list = instances;
	instances = NULL;
	flushes++;
	mutex_unlock(&instances_lock);
	while ((i = list)) {
		list = i->next;
		kfree(i);
	}
}

/**
 * resv_hw_config_begin() - begin to read the configuration space of a device
 * @pdev: device, which nobody who maps by himself owns
 *
 * Who resets a device, or changes its power state, has the access locked
 * (pci_cfg_access_lock()), and must not be waited for: he may wait for the mutex of
 * the group, which the caller holds.  A device without power, or one that an error has
 * cut off, would answer with an error that some hosts escalate.
 *
 * Context: any.
 * Return: true if it can be read now, until resv_hw_config_end()
 */
bool resv_hw_config_begin(struct pci_dev *pdev)
{
	if (pdev->current_state == PCI_D3cold || pci_channel_offline(pdev))
		return false;
	return pci_cfg_access_trylock(pdev);
}

/**
 * resv_hw_config_end() - end to read the configuration space of a device
 * @pdev: device
 *
 * Context: any.
 */
void resv_hw_config_end(struct pci_dev *pdev)
{
	pci_cfg_access_unlock(pdev);
}
