/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shims for <linux/iommu.h>.  Every function here may sleep.
 *
 * If the kernel does not have an interface, the shim returns -EOPNOTSUPP; the
 * COMPAT_HAS_* constants tell it beforehand.
 */
#ifndef RESV_COMPAT_IOMMU_H
#define RESV_COMPAT_IOMMU_H

#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/slab.h>
#include "compat/compat.h"
#include "compat/sysfs.h"

#ifndef RESV_HAVE_RESV_REGION
/* Not used before v4.11, but the code that edits lists has to compile. */
enum iommu_resv_type {
	IOMMU_RESV_DIRECT,
	IOMMU_RESV_RESERVED,
	IOMMU_RESV_MSI,
	IOMMU_RESV_SW_MSI,
};

struct iommu_resv_region {
	struct list_head list;
	phys_addr_t start;
	size_t length;
	int prot;
	enum iommu_resv_type type;
};
#endif

/* Kernels before v4.7 do not map doorbells, and have no such flag. */
#ifdef IOMMU_MMIO
#define COMPAT_IOMMU_MMIO	IOMMU_MMIO
#else
#define COMPAT_IOMMU_MMIO	0
#endif

/*
 * The type of a domain's operations is known, so a module can copy them and replace map() in the
 * copy.  With map_pages() (v5.15) the core no longer calls map(); VFIO checks maps since v5.4.
 */
#define COMPAT_HAS_OPS_COPY \
	((RESV_HAVE(OPS_MAP) || RESV_HAVE(OPS_MAP_GFP)) && \
	 !RESV_HAVE(DOMAIN_MAP_PAGES) && RESV_HAVE(BUS_OPS_MAP))

/* A module can get the regions of a single device, and free them. */
#define COMPAT_HAS_DEVICE_REGIONS \
	(((RESV_HAVE(DEV_RESV_EXPORTED) || RESV_HAVE(OPS_OF_IOMMU_DEVICE)) && \
	  RESV_HAVE(RESV_PUT_CORE)) || COMPAT_DRIVER_LISTS)

/*
 * Before v5.3 the Intel driver links one static entry per RMRR into the
 * caller's list, so that two callers at once corrupt their lists.  The series
 * that changed it to allocate entries also added the relaxable type.
 */
#if defined(RESV_HAVE_RESV_PUT_DRIVER) && \
	(defined(RESV_HAVE_RESV_RELAXABLE) || !defined(CONFIG_X86))
#define COMPAT_DRIVER_LISTS	1
#else
#define COMPAT_DRIVER_LISTS	0
#endif

/*
 * If this module adds an entry to a driver's list of one device, the entry is
 * freed with the others: since v6.0 by the core, before by
 * generic_iommu_put_resv_regions().  Drivers before v5.3 leak the entry (RHEL 8.1
 * on Intel) or share their own entries.
 */
#define COMPAT_DEVICE_LISTS_EDITABLE \
	(COMPAT_DRIVER_LISTS || \
	 (RESV_HAVE(RESV_PUT_CORE) && RESV_HAVE(OPS_OF_IOMMU_DEVICE)))

/* A module can allocate a domain like VFIO's, and read its geometry. */
#define COMPAT_HAS_PAGING_DOMAIN \
	(RESV_HAVE(DOMAIN_GEOMETRY) && \
	 (RESV_HAVE(DOMAIN_ALLOC_DEV) || RESV_HAVE(DOMAIN_ALLOC_BUS)))

/* A domain has its page sizes; by architecture VT-d and AMD IOMMUs map pages of 4 KiB. */
#define COMPAT_HAS_DOMAIN_PAGE \
	(RESV_HAVE(DOMAIN_PGSIZE) || IS_ENABLED(CONFIG_X86))

/*
 * This module can ask an IOMMU whether it remaps interrupts, as VFIO does on kernels
 * without a more precise check.
 */
#define COMPAT_HAS_INTR_REMAP \
	(RESV_HAVE(CAP_INTR_REMAP) && \
	 (RESV_HAVE(CAPABLE_BUS) || RESV_HAVE(CAPABLE_DEVICE)))

/*
 * This module can check MSI isolation as VFIO of this kernel does.  Before v4.11 VFIO asks
 * only the IOMMU, and the SMMU drivers claim it for any interrupt controller.
 */
#define COMPAT_HAS_MSI_ISOLATION \
	(RESV_HAVE(ISOLATED_MSI_GROUP) || \
	 (COMPAT_HAS_INTR_REMAP && \
	  (RESV_HAVE(ISOLATED_MSI_DOMAINS) || IS_ENABLED(CONFIG_X86))))

/**
 * compat_dev_iommu_device() - get the IOMMU that translates for a device
 * @dev: device, whose group's mutex the caller holds
 *
 * Return: the IOMMU, or NULL if there is none or this kernel does not report it
 */
static inline struct iommu_device *compat_dev_iommu_device(struct device *dev)
{
#ifdef RESV_HAVE_OPS_OF_IOMMU_DEVICE
	return dev->iommu ? dev->iommu->iommu_dev : NULL;
#else
	return NULL;
#endif
}

/**
 * compat_dev_has_iommu() - does an IOMMU translate for a device?
 * @dev: device, whose group's mutex the caller holds
 *
 * Groups without an IOMMU are those of VFIO's no-IOMMU mode and of mediated devices.
 *
 * Return: true if one does
 */
static inline bool compat_dev_has_iommu(struct device *dev)
{
#if defined(RESV_HAVE_OPS_OF_IOMMU_DEVICE)
	return compat_dev_iommu_device(dev);
#elif defined(RESV_HAVE_BUS_OPS_MAP)
	return dev->bus && dev->bus->iommu_ops;
#else
	return true;
#endif
}

/**
 * compat_dev_iommu_instance() - get the class device of the IOMMU of a device
 * @dev: device, whose group's mutex the caller holds
 *
 * /sys/class/iommu shows it.  Before about v5.7 a device has only a link to it, made by
 * iommu_device_link(); arm-smmu drivers before v4.11 do not make one.
 *
 * Return: the device, or NULL if this kernel does not report it
 */
static inline struct device *compat_dev_iommu_instance(struct device *dev)
{
#ifdef RESV_HAVE_OPS_OF_IOMMU_DEVICE
	struct iommu_device *iommu = compat_dev_iommu_device(dev);

	return iommu ? iommu->dev : NULL;
#else
	struct kobject *kobj = compat_kernfs_link(dev->kobj.sd, "iommu");

	return kobj ? container_of(kobj, struct device, kobj) : NULL;
#endif
}

enum compat_iommu_driver {
	COMPAT_ARM_SMMU,	/* version 2 and 3 */
	COMPAT_VIRTIO_IOMMU,
};

/**
 * compat_dev_is_behind() - does an IOMMU of a given driver translate for a device?
 * @dev: device, whose group's mutex the caller holds
 * @which: driver
 *
 * If the kernel does not report the IOMMU, recognise the driver by the name of its
 * function that maps: these kernels have no modular IOMMU drivers.
 *
 * Context: may sleep.
 * Return: true if it does
 */
static inline bool compat_dev_is_behind(struct device *dev,
					enum compat_iommu_driver which)
{
	static const char *const names[] = { "arm-smmu", "virtio_iommu" };
	struct device *iommu = compat_dev_iommu_instance(dev);
	bool found = false;

	if (iommu && iommu->parent && iommu->parent->driver)
		return !strncmp(iommu->parent->driver->name, names[which],
				strlen(names[which]));
#ifdef RESV_HAVE_BUS_OPS_MAP
	if (dev->bus && dev->bus->iommu_ops) {
		static const char *const maps[] = { "arm_smmu_map", "viommu_map" };
		char *name = kasprintf(GFP_KERNEL, "%ps",
				       dev->bus->iommu_ops->map);

		found = name && !strncmp(name, maps[which], strlen(maps[which]));
		kfree(name);
	}
#endif
	return found;
}

/**
 * compat_iommu_get_group_resv_regions() - get the group's regions as VFIO does
 * @group: group, its mutex not held
 * @head: initialised list; the caller has to kfree() the entries
 *
 * Return: 0, -EOPNOTSUPP, or what the kernel's function returns
 */
static inline int
compat_iommu_get_group_resv_regions(struct iommu_group *group,
				    struct list_head *head)
{
#ifdef RESV_HAVE_GROUP_RESV_REGIONS
	return iommu_get_group_resv_regions(group, head);
#else
	return -EOPNOTSUPP;
#endif
}

/**
 * compat_dev_resv_callback() - find the driver's function that lists a device's regions
 * @dev: device, whose group's mutex the caller holds
 * @address: set to its address, or 0 if this driver has none
 *
 * Return: 0, -ENODEV if the device has no IOMMU driver, -EOPNOTSUPP
 */
static inline int compat_dev_resv_callback(struct device *dev,
					   unsigned long *address)
{
#if defined(RESV_HAVE_OPS_OF_IOMMU_DEVICE) && defined(RESV_HAVE_RESV_PUT_CORE)
	struct iommu_device *iommu = compat_dev_iommu_device(dev);

	if (!iommu || !iommu->ops)
		return -ENODEV;
	*address = (unsigned long)iommu->ops->get_resv_regions;
	return 0;
#elif defined(RESV_HAVE_RESV_PUT_DRIVER)
	const struct iommu_ops *ops = dev->bus ? dev->bus->iommu_ops : NULL;

	if (!ops)
		return -ENODEV;
	*address = (unsigned long)ops->get_resv_regions;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/**
 * compat_driver_get_resv_regions() - let the driver list the regions of one device
 * @dev: device, whose group's mutex the caller holds
 * @head: initialised list, for compat_iommu_put_resv_regions() only
 *
 * This does the same as iommu_get_resv_regions() (drivers/iommu/iommu.c, compared in
 * 5.10, 6.1, 6.12 and 7.3), without calling it.
 *
 * Return: 0 or -EOPNOTSUPP
 */
static inline int compat_driver_get_resv_regions(struct device *dev,
						 struct list_head *head)
{
#if defined(RESV_HAVE_OPS_OF_IOMMU_DEVICE) && defined(RESV_HAVE_RESV_PUT_CORE)
	struct iommu_device *iommu = compat_dev_iommu_device(dev);

	if (iommu && iommu->ops && iommu->ops->get_resv_regions)
		iommu->ops->get_resv_regions(dev, head);
	return 0;
#elif COMPAT_DRIVER_LISTS
	const struct iommu_ops *ops = dev->bus ? dev->bus->iommu_ops : NULL;

	if (ops && ops->get_resv_regions && ops->put_resv_regions)
		ops->get_resv_regions(dev, head);
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/**
 * compat_iommu_get_resv_regions() - get the regions of one device
 * @dev: device, whose group's mutex the caller holds, as the kernel's own
 *	caller iommu_get_group_resv_regions() does
 * @head: initialised list, for compat_iommu_put_resv_regions() only
 *
 * Return: 0 or -EOPNOTSUPP
 */
static inline int compat_iommu_get_resv_regions(struct device *dev,
						struct list_head *head)
{
#if defined(RESV_HAVE_DEV_RESV_EXPORTED) && defined(RESV_HAVE_RESV_PUT_CORE)
	if (compat_dev_iommu_device(dev))
		iommu_get_resv_regions(dev, head);
	return 0;
#else
	/* v6.0 and v6.1 do not export iommu_get_resv_regions(). */
	return compat_driver_get_resv_regions(dev, head);
#endif
}

/**
 * compat_iommu_put_resv_regions() - free a list of compat_iommu_get_resv_regions()
 * @dev: the same device, the group's mutex still held
 * @head: the same list
 */
static inline void compat_iommu_put_resv_regions(struct device *dev,
						 struct list_head *head)
{
#if defined(RESV_HAVE_RESV_PUT_CORE)
	if (!list_empty(head))
		iommu_put_resv_regions(dev, head);
#elif COMPAT_DRIVER_LISTS
	const struct iommu_ops *ops = dev->bus ? dev->bus->iommu_ops : NULL;
	struct iommu_resv_region *region, *next;

	if (ops && ops->put_resv_regions) {
		ops->put_resv_regions(dev, head);
		return;
	}
	/* Without a driver (mdev) only this module can have added entries. */
	list_for_each_entry_safe(region, next, head, list)
		kfree(region);
#endif
}

/**
 * compat_resv_is_relaxable() - may VFIO map over a region?
 * @region: region of a kernel list
 *
 * Return: true if it may
 */
static inline bool
compat_resv_is_relaxable(const struct iommu_resv_region *region)
{
#ifdef RESV_HAVE_RESV_RELAXABLE
	return region->type == IOMMU_RESV_DIRECT_RELAXABLE;
#else
	return false;
#endif
}

/**
 * compat_iommu_paging_domain_alloc() - allocate a domain like the one VFIO will make
 * @dev: device, whose group's mutex the caller holds
 *
 * The caller never attaches the domain, and frees it by iommu_domain_free().
 *
 * Return: the domain or an error pointer; some drivers set its geometry only
 * when a device is attached (source/aperture.c says which)
 */
static inline struct iommu_domain *
compat_iommu_paging_domain_alloc(struct device *dev)
{
#if defined(RESV_HAVE_DOMAIN_ALLOC_DEV)
	return iommu_paging_domain_alloc(dev);
#elif defined(RESV_HAVE_DOMAIN_ALLOC_BUS)
	struct iommu_domain *domain = iommu_domain_alloc(dev->bus);

	return domain ? domain : ERR_PTR(-ENODEV);
#else
	return ERR_PTR(-EOPNOTSUPP);
#endif
}

/**
 * compat_iommu_get_domain_for_dev() - get the domain that a device is attached to now
 * @dev: device, whose group's mutex the caller holds
 *
 * Return: the domain, or NULL if there is none or this kernel does not report it
 */
static inline struct iommu_domain *
compat_iommu_get_domain_for_dev(struct device *dev)
{
#if defined(RESV_HAVE_DRIVER_DOMAIN_FOR_DEV)
	return iommu_driver_get_domain_for_dev(dev);
#elif defined(RESV_HAVE_DOMAIN_FOR_DEV)
	return iommu_get_domain_for_dev(dev);
#else
	return NULL;
#endif
}

/**
 * compat_domain_is_users() - does the domain belong to VFIO or a user like it?
 * @domain: domain that is attached to a device, or NULL
 *
 * Since v5.19 a group that VFIO has claimed is attached to a blocking domain while no
 * container's domain is attached to it.
 *
 * Return: true if it does
 */
static inline bool compat_domain_is_users(const struct iommu_domain *domain)
{
	if (!domain)
		return false;
	switch (domain->type) {
	case IOMMU_DOMAIN_UNMANAGED:
	case IOMMU_DOMAIN_BLOCKED:
#ifdef IOMMU_DOMAIN_NESTED
	case IOMMU_DOMAIN_NESTED:
#endif
		return true;
	default:
		return false;
	}
}

/**
 * compat_domain_is_attached() - does VFIO or a user like it map in the domain?
 * @domain: domain that is attached to a device, or NULL
 *
 * Return: true for such a domain; false for the blocking domain of a group that VFIO has
 * opened but not attached
 */
static inline bool compat_domain_is_attached(const struct iommu_domain *domain)
{
	return compat_domain_is_users(domain) &&
	       domain->type != IOMMU_DOMAIN_BLOCKED;
}

/**
 * compat_domain_geometry() - get the addresses that a domain can map
 * @domain: domain
 * @start: set to the first address
 * @end: set to the last address, inclusive
 *
 * Context: any.
 * Return: true if the driver has set them; some drivers set them when a device is
 *	attached, and some never
 */
static inline bool compat_domain_geometry(const struct iommu_domain *domain,
					  u64 *start, u64 *end)
{
#ifdef RESV_HAVE_DOMAIN_GEOMETRY
	*start = domain->geometry.aperture_start;
	*end = domain->geometry.aperture_end;
	return *end > *start;
#else
	return false;
#endif
}

/**
 * compat_domain_set_end() - change the last address that a domain claims
 * @domain: domain
 * @end: the last address that it claims from now on
 *
 * Context: any; the caller is the only one that changes the domain.
 */
static inline void compat_domain_set_end(struct iommu_domain *domain, u64 end)
{
#ifdef RESV_HAVE_DOMAIN_GEOMETRY
	domain->geometry.aperture_end = end;
#endif
}

/**
 * compat_domain_page() - the smallest page that a domain maps
 * @domain: domain
 *
 * A driver that supports the CPU's page size makes tables of that size
 * (arm_lpae_restrict_pgsizes()); a domain that was not attached yet does not show this.
 *
 * Return: bytes, a power of two
 */
static inline u64 compat_domain_page(const struct iommu_domain *domain)
{
#ifdef RESV_HAVE_DOMAIN_PGSIZE
	unsigned long sizes = domain->pgsize_bitmap;

	if (sizes && !(sizes & PAGE_SIZE))
		return sizes & -sizes;
#endif
	return PAGE_SIZE;
}

/**
 * compat_device_intr_remap() - does the device's IOMMU remap its interrupts?
 * @dev: device, whose group's mutex the caller holds
 *
 * Used only on kernels without iommu_group_has_isolated_msi().
 *
 * Return: true if it does
 */
static inline bool compat_device_intr_remap(struct device *dev)
{
#if !defined(RESV_HAVE_CAP_INTR_REMAP)
	return false;
#elif defined(RESV_HAVE_CAPABLE_DEVICE)
	return device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP);
#elif defined(RESV_HAVE_CAPABLE_BUS)
	return iommu_capable(dev->bus, IOMMU_CAP_INTR_REMAP);
#else
	return false;
#endif
}

/**
 * compat_irq_domain_check_msi_remap() - do all interrupt controllers of the machine
 *	check the sender of a message?
 *
 * Used only on kernels without iommu_group_has_isolated_msi(), and only once: it takes
 * irq_domain_mutex, under which the kernel calls IOMMU drivers.
 *
 * Context: may sleep; no lock is held.
 * Return: true if they do
 */
static inline bool compat_irq_domain_check_msi_remap(void)
{
#if defined(RESV_HAVE_ISOLATED_MSI_DOMAINS) && !defined(RESV_HAVE_ISOLATED_MSI_GROUP)
	return irq_domain_check_msi_remap();
#else
	return false;
#endif
}

/**
 * compat_iommu_group_has_isolated_msi() - does VFIO accept the group without
 *	allow_unsafe_interrupts?
 * @group: group, its mutex not held
 * @remap: compat_irq_domain_check_msi_remap(), or compat_device_intr_remap() of any
 *	device of the group, which VFIO checks on kernels before v6.3
 *
 * Return: true if it does
 */
static inline bool
compat_iommu_group_has_isolated_msi(struct iommu_group *group, bool remap)
{
#if defined(RESV_HAVE_ISOLATED_MSI_GROUP)
	return iommu_group_has_isolated_msi(group);
#else
	return remap;
#endif
}

/**
 * compat_dev_iommu_fwspec_get() - get the stream IDs of a device
 * @dev: device, whose group's mutex the caller holds
 *
 * Return: the IDs, or NULL if there are none or this kernel does not report it
 */
static inline struct iommu_fwspec *compat_dev_iommu_fwspec_get(struct device *dev)
{
#ifdef RESV_HAVE_FWSPEC
	return dev_iommu_fwspec_get(dev);
#else
	return NULL;
#endif
}

#endif /* RESV_COMPAT_IOMMU_H */
