// SPDX-License-Identifier: GPL-2.0-only
/*
 * RMR nodes of the ACPI IORT table: memory that streams of an SMMU must
 * reach 1:1.  The kernel reports them since v6.0, and for PCI only where
 * firmware asks it to preserve its configuration.
 */
#include <linux/platform_device.h>
#include "firmware/acpi.h"
#include "compat/iommu.h"
#include "firmware/iort.h"
#include "source/source.h"

/* Pairs of range and stream: far more than any machine has. */
#define MAX_RMRS	4096

static struct resv_acpi_table table = { .sig = "IORT" };
static struct resv_acpi_items rmrs = {
	.size = sizeof(struct resv_iort_rmr),
	.max = MAX_RMRS,
};

static unsigned int nr_its;

static int found_rmr(void *ctx, const struct resv_iort_rmr *rmr)
{
	return resv_acpi_items_add(ctx, rmr);
}

/* Reports the faults that resv_parse_iort() finds, and its own. */
static int parse(struct resv_acpi_table *t, struct resv_acpi_items *items,
		 struct resv_parse_err *err)
{
	return resv_iort_each_rmr(t->data, t->len, PAGE_SIZE, found_rmr, items, err);
}

static int count_its(void *ctx, const struct resv_iort_node *node)
{
	if (node->type == RESV_IORT_ITS_GROUP)
		nr_its += node->nr_its;
	return 0;
}

static int iort_init(void)
{
	static const struct resv_iort_ops its = { .node = count_its };
	struct resv_parse_err err;
	int ret;

	ret = resv_acpi_table_get(&table);
	if (ret)
		return ret;
	nr_its = 0;
	resv_parse_iort(table.data, table.len, &its, NULL, &err);
	ret = resv_acpi_items_collect(&rmrs, &table, parse);
	if (ret)
		resv_acpi_table_free(&table);
	return ret;
}

static void iort_exit(void)
{
	resv_acpi_items_free(&rmrs);
	resv_acpi_table_free(&table);
}

/*
 * Get the physical address of the SMMU's registers, by which the table names it: the
 * first memory resource of the platform device that its driver is bound to.
 */
static bool smmu_base(struct device *dev, u64 *base)
{
	struct device *iommu = compat_dev_iommu_instance(dev);
	struct device *hw = iommu ? iommu->parent : NULL;
	struct resource *res;

	if (!hw || hw->bus != &platform_bus_type)
		return false;
	res = platform_get_resource(to_platform_device(hw), IORESOURCE_MEM, 0);
	if (!res)
		return false;
	*base = res->start;
	return true;
}

static bool streams_meet(const struct iommu_fwspec *fwspec,
			 const struct resv_iort_rmr *rmr)
{
	unsigned int i;

	for (i = 0; i < fwspec->num_ids; i++)
		if (fwspec->ids[i] >= rmr->sid_first &&
		    fwspec->ids[i] <= rmr->sid_last)
			return true;
	return false;
}

static int iort_device(struct resv_facts *c, struct device *dev)
{
	const struct resv_iort_rmr *rmr = rmrs.item;
	struct iommu_fwspec *fwspec;
	unsigned int i;
	int name, ret;
	u64 base;

	if (!rmrs.nr)
		return 0;
	fwspec = compat_dev_iommu_fwspec_get(dev);
	if (!fwspec || !smmu_base(dev, &base))
		return 0;
	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	for (i = 0; i < rmrs.nr; i++, rmr++) {
		if (rmr->smmu_base != base || !streams_meet(fwspec, rmr))
			continue;
		ret = resv_facts_advise(c, name, rmr->start, rmr->end,
					rmr->flags & RESV_IORT_RMR_REMAP_PERMITTED ?
					RESV_DIRECT_RELAXABLE : RESV_DIRECT,
					RESV_ORIGIN_RMR);
		if (ret)
			return ret;
	}
	return 0;
}

static void iort_status(struct resv_status *f)
{
	resv_status_table(f, &table, "rmr");
	if (nr_its)
		resv_status_add(f, "its", RESV_STATUS_NATIVE,
				"the IORT table lists interrupt translation services");
}

const struct resv_source resv_source_iort = {
	.name = "iort",
	.init = iort_init,
	.exit = iort_exit,
	.device = iort_device,
	.status = iort_status,
};
