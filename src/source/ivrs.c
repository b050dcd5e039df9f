// SPDX-License-Identifier: GPL-2.0-only
/* IVMDs of the ACPI IVRS table: unity mapped and excluded memory on AMD. */
#include <linux/pci.h>
#include "firmware/acpi.h"
#include "firmware/ivrs.h"
#include "source/source.h"

static struct resv_acpi_table table = { .sig = "IVRS" };
static struct resv_ivrs_ivmd *ivmds;
static unsigned int nr_ivmds;

/* Neither unity nor exclusion: the driver ignores it (init_memory_definitions()). */
static bool relevant(const struct resv_ivrs_ivmd *ivmd)
{
	return ivmd->flags & (RESV_IVMD_UNITY | RESV_IVMD_EXCLUSION);
}

static int count_ivmd(void *ctx, const struct resv_ivrs_ivmd *ivmd)
{
	*(unsigned int *)ctx += relevant(ivmd);
	return 0;
}

static int store_ivmd(void *ctx, const struct resv_ivrs_ivmd *ivmd)
{
	if (relevant(ivmd))
		ivmds[nr_ivmds++] = *ivmd;
	return 0;
}

static int ivrs_init(void)
{
	static const struct resv_ivrs_ops count = { .ivmd = count_ivmd };
	static const struct resv_ivrs_ops store = { .ivmd = store_ivmd };
	struct resv_parse_err err;
	unsigned int nr = 0;
	int ret;

	ret = resv_acpi_table_get(&table);
	if (ret)
		return ret;
	resv_parse_ivrs(table.data, table.len, &count, &nr, &err);
	resv_acpi_table_faults(&table, &err);
	nr_ivmds = 0;
	if (!nr)
		return 0;
	ivmds = kcalloc(nr, sizeof(*ivmds), GFP_KERNEL | __GFP_NOWARN);
	if (!ivmds) {
		resv_acpi_table_free(&table);
		return -ENOMEM;
	}
	resv_parse_ivrs(table.data, table.len, &store, NULL, &err);
	return 0;
}

static void ivrs_exit(void)
{
	kfree(ivmds);
	ivmds = NULL;
	nr_ivmds = 0;
	resv_acpi_table_free(&table);
}

/*
 * The driver's last region of any device (amd_iommu_get_resv_regions()): addresses
 * that the IOMMU does not translate, specification 48882, section 2.1.2.
 */
static int hypertransport(struct resv_facts *c, int name)
{
	if (!c->own_device)
		return 0;
	return resv_facts_claim(c, name, 0xfd00000000ULL, 0xffffffffffULL,
				  RESV_RESERVED, RESV_ORIGIN_HT);
}

static int ivrs_device(struct resv_facts *c, struct device *dev)
{
	struct pci_dev *pdev;
	unsigned int i;
	int name, ret;
	u64 start, end;
	u16 devid;

	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	ret = hypertransport(c, name);
	if (ret || !dev_is_pci(dev))
		return ret;
	pdev = to_pci_dev(dev);
	devid = PCI_DEVID(pdev->bus->number, pdev->devfn);
	for (i = 0; i < nr_ivmds; i++) {
		const struct resv_ivrs_ivmd *m = &ivmds[i];

		if (m->segment != pci_domain_nr(pdev->bus) ||
		    devid < m->devid_first || devid > m->devid_last)
			continue;
		/* As init_unity_map_range() rounds; nothing near 2^64 is memory. */
		start = PAGE_ALIGN(m->start);
		end = start + PAGE_ALIGN(m->end - m->start + 1) - 1;
		if (start < m->start || end < start)
			continue;
		/* An exclusion is mapped like any other, see struct resv_ivrs_ivmd. */
		ret = resv_facts_claim(c, name, start, end, RESV_DIRECT,
					 RESV_ORIGIN_IVMD);
		if (ret)
			return ret;
	}
	return 0;
}

static void ivrs_status(struct resv_status *f)
{
	resv_acpi_table_status(&table, f, "ivmd");
}

const struct resv_source resv_source_ivrs = {
	.name = "ivrs",
	.init = ivrs_init,
	.exit = ivrs_exit,
	.device = ivrs_device,
	.status = ivrs_status,
};
