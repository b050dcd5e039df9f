// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the group's interrupt messages go, and whether they are isolated.
 */
#include "compat/iommu.h"
#include "source.h"

static int msi_device(struct resv_collect *c, struct device *dev)
{
	if (compat_device_intr_remap(dev))
		c->intr_remap = true;
	return 0;
}

/*
 * Like vfio_iommu_has_sw_msi(): the movable window counts only where no
 * region of the hardware takes the messages, or else VFIO makes no cookie.
 */
static void find_window(struct resv_collect *c)
{
	unsigned int i;

	c->window_known = false;
	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		if (r->type == RESV_MSI) {
			c->window_known = false;
			return;
		}
		if (r->type == RESV_SW_MSI && !c->window_known) {
			c->window.start = r->start;
			c->window.end = r->end;
			c->window_known = true;
		}
	}
}

static int msi_group(struct resv_collect *c)
{
	/* Without the kernel's list nobody knows whether there is one. */
	c->window_asked = c->listed;
	if (c->window_asked)
		find_window(c);
	if (COMPAT_HAS_MSI_ISOLATION)
		c->isolation = compat_iommu_group_has_isolated_msi(c->group,
								   c->intr_remap) ?
			       RESV_ISOLATION_ISOLATED : RESV_ISOLATION_UNSAFE;
	return 0;
}

static void msi_features(struct resv_features *f)
{
	if (RESV_HAVE(ISOLATED_MSI_GROUP))
		resv_feature_add(f, "msi-isolation", RESV_FEATURE_ADDED,
				 "iommu_group_has_isolated_msi");
	else if (COMPAT_HAS_MSI_ISOLATION)
		resv_feature_add(f, "msi-isolation", RESV_FEATURE_ADDED,
				 "irq_domain_check_msi_remap or interrupt remapping of the IOMMU");
	else
		resv_feature_unknown(f, "msi-isolation",
				     "unknown way to ask: msi_isolation says unknown");
	resv_feature_add(f, "msi-window", RESV_FEATURE_ADDED,
			 "reported, and told apart from windows fixed by hardware");
}

const struct resv_source resv_source_msi = {
	.name = "msi",
	.device = msi_device,
	.group = msi_group,
	.features = msi_features,
};
