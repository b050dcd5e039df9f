// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the kernel's DMA API translate for a group?
 *
 * group/dma.c makes the text of the file dma_api when a user reads it.  This source
 * only remembers the type of the group's default domain: while VFIO owns a group, its
 * devices are attached to VFIO's domain, and no exported function returns the type of
 * the default domain.
 */
#include "compat/iommu.h"
#include "source/domain.h"
#include "source/hw.h"
#include "source/source.h"

static int dma_device(struct resv_facts *c, struct device *dev)
{
	enum resv_dma now = resv_dma_of_device(dev);

	if (now != RESV_DMA_UNKNOWN)
		c->device_hw->dma = now;
	c->dma = c->nr_dma ? resv_dma_both(c->dma, c->device_hw->dma) :
			     c->device_hw->dma;
	c->nr_dma++;
	return 0;
}

static void dma_status(struct resv_status *f)
{
	if (!RESV_HAVE(DOMAIN_FOR_DEV) && !RESV_HAVE(DRIVER_DOMAIN_FOR_DEV))
		resv_status_unknown(f, "dma-api",
				    "unknown interface to find a device's domain: dma_api cannot be read");
	else if (RESV_DMA_RULES_KNOWN)
		resv_status_add(f, "dma-api", RESV_STATUS_ADDED,
				"what the kernel's own DMA leaves out: regions of the devices, windows of host bridges, and addresses to which these pass no DMA on");
	else
		resv_status_add(f, "dma-api", RESV_STATUS_ADDED,
				"what the kernel's own DMA leaves out; advice where an IOMMU driver of this kernel may have its own DMA API");
	resv_status_add(f, "dma-api-in-use", RESV_STATUS_INERT,
			"the kernel keeps the IOVAs that host drivers use in private structures, and exports no function that reads them");
}

const struct resv_source resv_source_dma = {
	.name = "dma",
	.device = dma_device,
	.status = dma_status,
};
