/* SPDX-License-Identifier: GPL-2.0-only */
/* The buses that can carry devices behind an IOMMU, on this kernel. */
#ifndef RESV_COMPAT_BUS_H
#define RESV_COMPAT_BUS_H

#include <linux/device.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include "compat/compat.h"
#ifdef RESV_HAVE_AMBA_BUS
#include <linux/amba/bus.h>
#endif
#ifdef RESV_HAVE_FSL_MC_BUS
#include <linux/fsl/mc.h>
#endif
#ifdef RESV_HAVE_CDX_BUS
#include <linux/cdx/cdx_bus.h>
#endif
#ifdef RESV_HAVE_HOST1X_BUS
#include <linux/host1x_context_bus.h>
#endif

#define COMPAT_MAX_BUSES	6

/**
 * compat_iommu_buses() - list the buses
 * @buses: filled with struct bus_type pointers for bus_register_notifier();
 *	void, because bus_type became const in v6.9
 *
 * Return: number of buses
 */
static inline unsigned int compat_iommu_buses(void *buses[COMPAT_MAX_BUSES])
{
	unsigned int nr = 0;

	buses[nr++] = (void *)&pci_bus_type;
	buses[nr++] = (void *)&platform_bus_type;
#ifdef RESV_HAVE_AMBA_BUS
	buses[nr++] = (void *)&amba_bustype;
#endif
#ifdef RESV_HAVE_FSL_MC_BUS
	buses[nr++] = (void *)&fsl_mc_bus_type;
#endif
#ifdef RESV_HAVE_CDX_BUS
	buses[nr++] = (void *)&cdx_bus_type;
#endif
#ifdef RESV_HAVE_HOST1X_BUS
	buses[nr++] = (void *)&host1x_context_device_bus_type;
#endif
	return nr;
}

#endif /* RESV_COMPAT_BUS_H */
