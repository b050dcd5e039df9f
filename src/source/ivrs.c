// SPDX-License-Identifier: GPL-2.0-only
/*
 * IVMDs of the ACPI IVRS table: unity mapped and excluded memory on AMD; and the table's
 * facts about the HyperTransport range, which the architecture once fixed.
 */
#include <linux/pci.h>
#include <linux/string.h>
#include "compat/acpi.h"
#include "firmware/acpi.h"
#include "firmware/ivrs.h"
#include "source/source.h"

static struct resv_acpi_table table = { .sig = "IVRS" };
static struct resv_acpi_items ivmds = { .size = sizeof(struct resv_ivrs_ivmd) };

static struct resv_acpi_items devices = {
	.size = sizeof(struct resv_ivrs_acpi), .max = 128,
};

static enum resv_ht_range ht_range;	/* set at load */

/* The driver ignores an IVMD without unity and exclusion (init_memory_definitions()). */
static int found_ivmd(void *ctx, const struct resv_ivrs_ivmd *ivmd)
{
	if (!(ivmd->flags & (RESV_IVMD_UNITY | RESV_IVMD_EXCLUSION)))
		return 0;
	return resv_acpi_items_add(ctx, ivmd);
}

static int parse(struct resv_acpi_table *t, struct resv_acpi_items *items,
		 struct resv_parse_err *err)
{
	static const struct resv_ivrs_ops ops = { .ivmd = found_ivmd };

	return resv_parse_ivrs(t->data, t->len, &ops, items, err);
}

static int found_acpi(void *ctx, const struct resv_ivrs_acpi *acpi)
{
	return resv_acpi_items_add(ctx, acpi);
}

static int parse_devices(struct resv_acpi_table *t, struct resv_acpi_items *items,
			 struct resv_parse_err *err)
{
	static const struct resv_ivrs_ops ops = { .acpi = found_acpi };
	int ret = resv_parse_ivrs(t->data, t->len, &ops, items, err);

	/* The parse for IVMDs has reported the faults already. */
	err->count = 0;
	return ret;
}

static int ivrs_init(void)
{
	int ret = resv_acpi_table_get(&table);

	if (ret)
		return ret;
	ht_range = resv_ivrs_ht_range(table.data, table.len);
	ret = resv_acpi_items_collect(&ivmds, &table, parse);
	if (ret)
		goto free_table;
	/* The devices are needed only to find their IVMDs. */
	ret = ivmds.nr ? resv_acpi_items_collect(&devices, &table, parse_devices) : 0;
	if (ret)
		goto free_ivmds;
	return 0;

free_ivmds:
	resv_acpi_items_free(&ivmds);
free_table:
	resv_acpi_table_free(&table);
	return ret;
}

static void ivrs_exit(void)
{
	resv_acpi_items_free(&devices);
	resv_acpi_items_free(&ivmds);
	resv_acpi_table_free(&table);
}

#define HT_START	0xfd00000000ULL
#define HT_END		0xffffffffffULL

/*
 * The driver lists this region last for every device (amd_iommu_get_resv_regions()): the
 * IOMMU does not translate these addresses, specification 48882, section 2.1.2.
 */
static int hypertransport(struct resv_facts *c, int name)
{
	if (!c->own_device)
		return 0;
	return resv_facts_claim(c, name, HT_START, HT_END, RESV_RESERVED,
				RESV_ORIGIN_HT);
}

/*
 * Before v6.16 the kernel lists the range even if the hardware does not need it; since
 * then it leaves the range out if the hardware has HTRangeIgnore.  VFIO refuses maps in
 * the range as long as it is listed, so the region stays enforced and is only marked.
 */
static int ivrs_group(struct resv_facts *c)
{
	if (ht_range == RESV_HT_FREE)
		resv_facts_mark(c, HT_START, HT_END, RESV_TYPE(RESV_RESERVED),
				RESV_F_FREE);
	return 0;
}

/*
 * Find the device ID under which the IOMMU knows a device that is not on PCI, as
 * get_acpihid_device_id() does.  Return: false if the table does not name the device
 */
static bool acpi_id(struct device *dev, int *segment, u16 *devid)
{
	const struct resv_ivrs_acpi *a = devices.item;
	const char *hid, *uid;
	unsigned int i;

	if (!compat_acpi_ids(dev, &hid, &uid))
		return false;
	for (i = 0; i < devices.nr; i++, a++) {
		if (strcmp(hid, a->hid) || (*uid && *a->uid && strcmp(uid, a->uid)))
			continue;
		*segment = a->segment;
		*devid = a->devid;
		return true;
	}
	return false;
}

static void pci_id(struct pci_dev *pdev, int *segment, u16 *devid)
{
	*segment = pci_domain_nr(pdev->bus);
	*devid = PCI_DEVID(pdev->bus->number, pdev->devfn);
}

static int ivrs_device(struct resv_facts *c, struct device *dev)
{
	const struct resv_ivrs_ivmd *m = ivmds.item;
	int name, ret, segment;
	unsigned int i;
	u64 start, end;
	u16 devid;

	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	ret = hypertransport(c, name);
	if (ret)
		return ret;
	if (dev_is_pci(dev))
		pci_id(to_pci_dev(dev), &segment, &devid);
	else if (!acpi_id(dev, &segment, &devid))
		return 0;
	for (i = 0; i < ivmds.nr; i++, m++) {
		if (m->segment != segment ||
		    devid < m->devid_first || devid > m->devid_last)
			continue;
		/* Round as init_unity_map_range() does; skip a range that wraps. */
		start = PAGE_ALIGN(m->start);
		end = start + PAGE_ALIGN(m->end - m->start + 1) - 1;
		if (start < m->start || end < start)
			continue;
		/* The kernel maps an exclusion 1:1, too: see struct resv_ivrs_ivmd. */
		ret = resv_facts_claim(c, name, start, end, RESV_DIRECT,
				       RESV_ORIGIN_IVMD);
		if (ret)
			return ret;
	}
	return 0;
}

static void ivrs_status(struct resv_status *f)
{
	resv_status_table(f, &table, "ivmd");
	if (!table.data)
		resv_status_table(f, &table, "ht-range");
	else if (ht_range == RESV_HT_FREE)
		resv_status_add(f, "ht-range", RESV_STATUS_ADDED,
				"the IOMMUs have HTRangeIgnore: if the kernel lists the HyperTransport range, as before 6.16, regions has the word ht-ignore");
	else if (ht_range == RESV_HT_TAKEN)
		resv_status_add(f, "ht-range", RESV_STATUS_ADDED,
				"an IOMMU has no HTRangeIgnore: no guest can use the HyperTransport range");
	else
		resv_status_add(f, "ht-range", RESV_STATUS_INERT,
				"the IVRS table has no image of the extended feature registers, or has faults: whether they need the HyperTransport range is not known");
}

const struct resv_source resv_source_ivrs = {
	.name = "ivrs",
	.init = ivrs_init,
	.exit = ivrs_exit,
	.device = ivrs_device,
	.group = ivrs_group,
	.status = ivrs_status,
};
