// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions that the architecture fixes: the APIC's messages and HyperTransport's
 * addresses.
 *
 * This source sets the origin of such regions that the kernel reports.  If the kernel has
 * lists but does not report one of the two, this source does not add it: every kernel
 * with lists knows both, and leaves out HyperTransport's if the hardware says so
 * (HTRangeIgnore, since v6.16).  If the kernel has no lists, this source puts the APIC's
 * on the list that this module makes, and ivrs.c adds HyperTransport's.
 */
#include "compat/iommu.h"
#include "source/source.h"

/* Writes there are interrupt messages: Intel SDM vol. 3, "Message Address Register". */
#define APIC_START	0xfee00000ULL
#define APIC_END	0xfeefffffULL
/* HyperTransport's special addresses: AMD IOMMU specification 48882, section 2.1.2. */
#define HT_START	0xfd00000000ULL
#define HT_END		0xffffffffffULL

static int fixed_device(struct resv_facts *c, struct device *dev)
{
	int name, ret;

	if (!IS_ENABLED(CONFIG_X86))
		return 0;
	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	/* The virtio IOMMU's driver lists its own MSI region. */
	if (c->own_device && !compat_dev_is_behind(dev, COMPAT_VIRTIO_IOMMU)) {
		ret = resv_facts_add(c, name, APIC_START, APIC_END, RESV_MSI,
				     RESV_ORIGIN_APIC,
				       RESV_F_ADDED | RESV_F_LISTED);
		if (ret)
			return ret;
	}
	resv_facts_explain(c, name, APIC_START, APIC_END,
			   RESV_TYPE(RESV_MSI), RESV_ORIGIN_APIC);
	resv_facts_explain(c, name, HT_START, HT_END,
			   RESV_TYPE(RESV_RESERVED), RESV_ORIGIN_HT);
	return 0;
}

static int fixed_group(struct resv_facts *c)
{
	if (!IS_ENABLED(CONFIG_X86))
		return 0;
	/* Regions without a device, if the kernel only has the group's list. */
	resv_facts_explain(c, 0, APIC_START, APIC_END, RESV_TYPE(RESV_MSI),
			   RESV_ORIGIN_APIC);
	resv_facts_explain(c, 0, HT_START, HT_END, RESV_TYPE(RESV_RESERVED),
			   RESV_ORIGIN_HT);
	return 0;
}

const struct resv_source resv_source_fixed = {
	.name = "fixed",
	.device = fixed_device,
	.group = fixed_group,
};
