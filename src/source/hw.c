// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cached measurements of the hardware, so that each is made only once.
 *
 * A group is looked at often: when one of its devices is added, removed or gets a driver,
 * and whenever a user changes the group.  This does not change the hardware, and
 * measuring costs time: it allocates domains, maps registers and reads configuration
 * space.  So each measurement is cached with the device, or with the IOMMU if it is the
 * same for all devices behind it.
 *
 * Invariants:
 *
 * 1. An entry belongs to the device that has both its address and its name.  Another
 *    device can reuse the address, so an entry whose name does not match is dropped.
 * 2. After a collection has asked all devices of a group without an error, the list has
 *    only entries of these devices (resv_hw_begin(), resv_hw_end()).
 * 3. Only answers of the hardware are cached: a read that failed or returned all ones is
 *    repeated when the group is looked at again.
 * 4. The pointers of an entry to a device, or to an IOMMU's class device, are never
 *    followed.
 *
 * Locks: a list belongs to the registry's entry of its group, and is used only under the
 * lock of that entry.  All groups share the table of IOMMUs, which instances_lock
 * protects.  It nests inside the lock of an entry and the mutex of a group; no function
 * of other files is called under it.
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
 * @iommu: measurements
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
static unsigned int flushes;		/* number of flushes of the table */

/**
 * resv_hw_model() - vendor and device ID of a device
 * @dev: device
 *
 * Context: any; does not sleep.
 * Return: the vendor ID in the upper half, the device ID in the lower half; 0 if it is
 *	not a PCI device
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
 * resv_hw_init() - make an empty list
 * @list: uninitialised
 *
 * Context: any.
 */
void resv_hw_init(struct resv_hw_list *list)
{
	list->first = NULL;
	list->round = 0;
}

/* Unlink and free the entry that @at points to. */
static void drop(struct resv_hw **at)
{
	struct resv_hw *hw = *at;

	*at = hw->next;
	kfree(hw->iommu);
	kfree(hw);
}

/**
 * resv_hw_free() - free all entries of a list
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
 * resv_hw_forget() - drop the entry of a device that leaves the group
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
 * resv_hw_begin() - begin a collection of all devices of the group
 * @list: list of the group
 *
 * Context: the lock of the group's entry is held.
 */
void resv_hw_begin(struct resv_hw_list *list)
{
	list->round++;
}

/**
 * resv_hw_end() - end a collection of all devices of the group
 * @list: list of the group
 *
 * Drops the entries of devices that resv_hw_device() was not called for since
 * resv_hw_begin().
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
 * resv_hw_device() - find or make the entry of a device
 * @list: list of its group
 * @dev: device
 *
 * Context: the lock of the group's entry is held; may sleep.
 * Return: the entry, or NULL if an allocation failed
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
		/* Another device had this address: drop its measurements. */
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

/* Find the entry of an IOMMU in the table; instances_lock is held. */
static struct instance *find_instance(const struct device *dev)
{
	struct instance *i;

	for (i = instances; i; i = i->next)
		if (i->dev == dev && !strcmp(i->name, dev_name(dev)))
			return i;
	return NULL;
}

/* Cache @iommu for the other devices behind @dev, unless the allocation fails. */
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
	/* Another task may have added it meanwhile, or a flush made @iommu stale. */
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
 * resv_hw_iommu() - get the measurements of a device's IOMMU
 * @hw: entry of the device
 * @dev: device, whose group's mutex the caller holds
 * @measure: measures the IOMMU through this device.  Return: 0, or an errno if a retry
 *	may give another result
 * @iommu: set to the measurements
 *
 * The measurements are cached for the IOMMU's class device if the kernel reports that
 * device, else for @dev itself.
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
	/* If the allocation fails, the IOMMU is measured again next time. */
	if (!ret)
		hw->iommu = kmemdup(iommu, sizeof(*iommu), GFP_KERNEL);
	return ret;
}

/**
 * resv_hw_instances_flush() - drop the measurements of all IOMMUs, so that they are made
 *	again
 *
 * Drivers of IOMMUs can be modules, and a new class device can reuse both the address and
 * the name of a freed one.  So whenever a module is unloaded, drop the measurements of
 * all IOMMUs.
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
 * @pdev: device, which neither VFIO nor another user with its own domain owns
 *
 * A task that resets a device or changes its power state blocks access to configuration
 * space (pci_cfg_access_lock()).  Do not wait for it: it may wait for the mutex of the
 * group, which the caller holds.  Do not read a device without power, or one that an
 * error has cut off: it would answer with an error that some hosts escalate.
 *
 * Context: any.
 * Return: true if the caller can read now, until resv_hw_config_end()
 */
bool resv_hw_config_begin(struct pci_dev *pdev)
{
	if (pdev->current_state == PCI_D3cold || pci_channel_offline(pdev))
		return false;
	return pci_cfg_access_trylock(pdev);
}

/**
 * resv_hw_config_end() - end reading the configuration space of a device
 * @pdev: device
 *
 * Context: any.
 */
void resv_hw_config_end(struct pci_dev *pdev)
{
	pci_cfg_access_unlock(pdev);
}
