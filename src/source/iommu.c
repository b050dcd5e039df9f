// SPDX-License-Identifier: GPL-2.0-only
/* The IOMMUs that translate for the group, by their names in /sys/class/iommu. */
#include "compat/iommu.h"
#include "source/source.h"

static int iommu_device(struct resv_facts *c, struct device *dev)
{
	struct device *instance;

	c->iommu_asked = true;
	/* No IOMMU translates for it: VFIO's no-IOMMU mode, or a mediated device. */
	if (!compat_dev_has_iommu(dev))
		return 0;
	instance = compat_dev_iommu_instance(dev);
	if (instance)
		return resv_facts_iommu(c, dev_name(instance));
	c->iommu_hidden = true;
	return 0;
}

static void iommu_status(struct resv_status *f)
{
	if (RESV_HAVE(OPS_OF_IOMMU_DEVICE) || RESV_HAVE(KERNFS_LOOKUP))
		resv_status_add(f, "iommu", RESV_STATUS_ADDED,
				"which IOMMUs translate for a group");
	else
		resv_status_unknown(f, "iommu",
				    "unknown interface to find a device's IOMMU: iommu cannot be read");
}

const struct resv_source resv_source_iommu = {
	.name = "iommu",
	.device = iommu_device,
	.status = iommu_status,
};
