/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose is a device that a driver is bound to: VFIO's, or the host's?
 *
 * Since v5.19 the driver says it (driver_managed_dma), and VFIO does not get a group as
 * long as a device of it is bound to another driver.  Before, VFIO goes through the
 * devices itself (vfio_dev_viable() of drivers/vfio/vfio.c).
 */
#ifndef RESV_COMPAT_DRIVER_H
#define RESV_COMPAT_DRIVER_H

#include <linux/device.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/vfio.h>
#include "compat/bus.h"

/* It can be told which drivers are the host's. */
#define COMPAT_HAS_DEVICE_OWNER \
	(RESV_HAVE(DRIVER_MANAGED_DMA) || RESV_HAVE(VFIO_DEVICE_FROM_DEV) || \
	 !IS_ENABLED(CONFIG_VFIO))

/**
 * compat_driver_leaves_dma() - does a driver leave the DMA of its device alone?
 * @dev: device
 * @drv: its driver, which the caller keeps
 *
 * A driver of a bus that is not known here counts as the host's.
 *
 * Context: any.
 * Return: true if VFIO takes a group with this device, by what the kernel of then
 *	looks at in the driver
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
	/* Bridges, and a driver that does nothing: vfio_dev_driver_allowed(). */
	return (dev_is_pci(dev) &&
		to_pci_dev(dev)->hdr_type != PCI_HEADER_TYPE_NORMAL) ||
	       !strcmp(drv->name, "pci-stub");
#endif
}

/**
 * struct compat_vfio - VFIO, to be asked about devices
 * @get: vfio_device_get_from_dev(), or NULL
 * @put: vfio_device_put(), or NULL
 *
 * Empty where drivers say it themselves, or VFIO is not loaded.
 */
struct compat_vfio {
	struct vfio_device *(*get)(struct device *dev);
	void (*put)(struct vfio_device *device);
};

/**
 * compat_vfio_begin() - begin to ask VFIO about devices
 * @vfio: set; VFIO stays loaded until compat_vfio_end()
 *
 * This module does not need VFIO, so it looks for its functions when it asks.
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
 * compat_vfio_end() - end to ask VFIO about devices
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
 * compat_vfio_has() - is a device VFIO's?
 * @vfio: set by compat_vfio_begin()
 * @dev: device, whose group's mutex the caller holds, as vfio_group_viable() does
 *
 * Context: may sleep.
 * Return: true if VFIO knows the device, by whichever driver
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
