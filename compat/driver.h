/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the driver that is bound to a device let VFIO take the device's group?
 *
 * Since v5.19 drivers declare this (driver_managed_dma), and VFIO cannot claim a group
 * while a device of it is bound to a driver that does not.  Before, VFIO checks the
 * devices itself (vfio_dev_viable() of drivers/vfio/vfio.c).
 */
#ifndef RESV_COMPAT_DRIVER_H
#define RESV_COMPAT_DRIVER_H

#include <linux/device.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/vfio.h>
#include "compat/bus.h"

/* On this kernel drivers or VFIO tell which drivers VFIO accepts in a group. */
#define COMPAT_HAS_DEVICE_OWNER \
	(RESV_HAVE(DRIVER_MANAGED_DMA) || RESV_HAVE(VFIO_DEVICE_FROM_DEV) || \
	 !IS_ENABLED(CONFIG_VFIO))

/**
 * compat_driver_leaves_dma() - does a driver leave the DMA of its device alone?
 * @dev: device
 * @drv: its driver, which the caller keeps loaded
 *
 * A driver of an unknown bus counts as one that does not.
 *
 * Context: any.
 * Return: true if VFIO accepts this driver in a group, by the checks of this kernel
 */
static inline bool compat_driver_leaves_dma(const struct device *dev,
					    const struct device_driver *drv)
{
#ifdef RESV_HAVE_DRIVER_MANAGED_DMA
	if (dev->bus == &pci_bus_type)
		return container_of(drv, struct pci_driver,
				    driver)->driver_managed_dma;
	if (dev->bus == &platform_bus_type)
		return container_of(drv, struct platform_driver,
				    driver)->driver_managed_dma;
#ifdef RESV_HAVE_AMBA_BUS
	if (dev->bus == &amba_bustype)
		return container_of(drv, struct amba_driver,
				    drv)->driver_managed_dma;
#endif
#ifdef RESV_HAVE_FSL_MC_BUS
	if (dev->bus == &fsl_mc_bus_type)
		return container_of(drv, struct fsl_mc_driver,
				    driver)->driver_managed_dma;
#endif
#ifdef RESV_HAVE_CDX_BUS
	if (dev->bus == &cdx_bus_type)
		return container_of(drv, struct cdx_driver,
				    driver)->driver_managed_dma;
#endif
	return false;
#else
	/* Accept bridges and pci-stub, as vfio_dev_driver_allowed() does. */
	return (dev_is_pci(dev) &&
		to_pci_dev(dev)->hdr_type != PCI_HEADER_TYPE_NORMAL) ||
	       !strcmp(drv->name, "pci-stub");
#endif
}

/**
 * struct compat_vfio - functions of VFIO that tell whether it has a device
 * @get: vfio_device_get_from_dev(), or NULL
 * @put: vfio_device_put(), or NULL
 *
 * Both are NULL if drivers declare whether VFIO accepts them, or if VFIO is not
 * loaded.
 */
struct compat_vfio {
	struct vfio_device *(*get)(struct device *dev);
	void (*put)(struct vfio_device *device);
};

/**
 * compat_vfio_begin() - begin asking VFIO about devices
 * @vfio: set; VFIO stays loaded until compat_vfio_end()
 *
 * This module does not depend on VFIO, so it looks up VFIO's functions here.
 *
 * Context: may sleep.
 */
static inline void compat_vfio_begin(struct compat_vfio *vfio)
{
	memset(vfio, 0, sizeof(*vfio));
#if defined(RESV_HAVE_VFIO_DEVICE_FROM_DEV) && !defined(RESV_HAVE_DRIVER_MANAGED_DMA)
	vfio->get = symbol_get(vfio_device_get_from_dev);
	vfio->put = symbol_get(vfio_device_put);
#endif
}

/**
 * compat_vfio_end() - end asking VFIO about devices
 * @vfio: set by compat_vfio_begin()
 *
 * Context: may sleep.
 */
static inline void compat_vfio_end(const struct compat_vfio *vfio)
{
#if defined(RESV_HAVE_VFIO_DEVICE_FROM_DEV) && !defined(RESV_HAVE_DRIVER_MANAGED_DMA)
	if (vfio->get)
		symbol_put(vfio_device_get_from_dev);
	if (vfio->put)
		symbol_put(vfio_device_put);
#endif
}

/**
 * compat_vfio_has() - does VFIO have a device?
 * @vfio: set by compat_vfio_begin()
 * @dev: device, whose group's mutex the caller holds, as vfio_group_viable() does
 *
 * Context: may sleep.
 * Return: true if VFIO has the device, by any driver
 */
static inline bool compat_vfio_has(const struct compat_vfio *vfio,
				   struct device *dev)
{
	struct vfio_device *device;

	if (!vfio->get || !vfio->put)
		return false;
	device = vfio->get(dev);
	/* Some versions return an error pointer. */
	if (IS_ERR_OR_NULL(device))
		return false;
	vfio->put(device);
	return true;
}

#endif /* RESV_COMPAT_DRIVER_H */
