// SPDX-License-Identifier: GPL-2.0-only
/*
 * RMRRs of the ACPI DMAR table: memory that firmware makes devices access while the
 * system runs, and that the Intel driver maps 1:1.
 */
#include <linux/pci.h>
#include <linux/sizes.h>
#include "firmware/acpi.h"
#include "compat/compat.h"
#include "firmware/dmar.h"
#include "source/source.h"

static struct resv_acpi_table table = { .sig = "DMAR" };
static struct resv_acpi_items rmrrs = { .size = sizeof(struct resv_dmar_rmrr) };

static int found_rmrr(void *ctx, const struct resv_dmar_rmrr *rmrr)
{
	return resv_acpi_items_add(ctx, rmrr);
}

static int parse(struct resv_acpi_table *t, struct resv_acpi_items *items,
		 struct resv_parse_err *err)
{
	static const struct resv_dmar_ops ops = { .rmrr = found_rmrr };

	return resv_parse_dmar(t->data, t->len, &ops, items, err);
}

static int dmar_init(void)
{
	int ret = resv_acpi_table_get(&table);

	if (ret)
		return ret;
	ret = resv_acpi_items_collect(&rmrrs, &table, parse);
	if (ret)
		resv_acpi_table_free(&table);
	return ret;
}

static void dmar_exit(void)
{
	resv_acpi_items_free(&rmrrs);
	resv_acpi_table_free(&table);
}

/*
 * Compare the scope's path with the path from the root bus to @pdev, from the device
 * upwards as dmar_match_pci_path() does: the buses of bridges may have been renumbered
 * since firmware wrote the table, but not the root bus.
 */
static bool path_leads_to(const struct resv_dmar_scope *scope,
			  const struct pci_dev *pdev)
{
	const struct pci_bus *bus = pdev->bus;
	unsigned int step = scope->depth;
	u8 devfn = pdev->devfn;

	/* Some firmware gives the device's own bus instead of a path. */
	if (scope->depth == 1 && scope->bus == bus->number)
		return resv_dmar_path(scope, 0) == devfn;
	while (step--) {
		if (resv_dmar_path(scope, step) != devfn)
			return false;
		if (!step)
			return pci_is_root_bus((struct pci_bus *)bus) &&
			       bus->number == scope->bus;
		if (!bus->self)
			return false;
		devfn = bus->self->devfn;
		bus = bus->parent;
		if (!bus)
			return false;
	}
	return false;
}

/*
 * The kernel ignores a scope that calls a bridge an endpoint, or an endpoint a bridge,
 * except for NTBs, which have a normal header (dmar_insert_dev_scope()).
 */
static bool is_of_type(const struct resv_dmar_scope *scope,
		       const struct pci_dev *pdev)
{
	bool normal = pdev->hdr_type == PCI_HEADER_TYPE_NORMAL;

	if (scope->type == RESV_DMAR_SCOPE_ENDPOINT)
		return normal;
	return !normal || (pdev->class >> 16) == PCI_BASE_CLASS_BRIDGE;
}

/*
 * Is @pdev the scope's device, or below its bridge?  A driver creates virtual functions,
 * so no table can name one; but the kernel includes those below a bridge
 * (is_downstream_to_pci_bridge()).
 */
static bool scope_covers(const struct resv_dmar_scope *scope,
			 const struct pci_dev *pdev)
{
	const struct pci_bus *bus;

	if (scope->type != RESV_DMAR_SCOPE_ENDPOINT &&
	    scope->type != RESV_DMAR_SCOPE_BRIDGE)
		return false;
	if (!pdev->is_virtfn && path_leads_to(scope, pdev))
		return is_of_type(scope, pdev);
	if (scope->type != RESV_DMAR_SCOPE_BRIDGE)
		return false;
	for (bus = pdev->bus; bus; bus = bus->parent)
		if (bus->self && path_leads_to(scope, bus->self))
			return true;
	return false;
}

/* As device_rmrr_is_relaxable(): firmware stops using the memory when drivers start. */
static bool relaxable(const struct pci_dev *pdev)
{
	return (pdev->class >> 8) == PCI_CLASS_SERIAL_USB ||
	       (pdev->class >> 16) == PCI_BASE_CLASS_DISPLAY;
}

/*
 * The driver maps the first 16 MiB for an ISA bridge, for old floppy controllers
 * (intel_iommu_get_resv_regions(); before v5.3 iommu_prepare_isa()).
 */
static int floppy(struct resv_facts *c, const struct pci_dev *pdev)
{
	int name;

	if (!c->own_device || !IS_ENABLED(CONFIG_INTEL_IOMMU_FLOPPY_WA) ||
	    (pdev->class >> 8) != PCI_CLASS_BRIDGE_ISA)
		return 0;
	name = resv_facts_name(c, dev_name(&pdev->dev));
	if (name < 0)
		return name;
	return resv_facts_claim(c, name, 0, SZ_16M - 1, RESV_DIRECT_RELAXABLE,
				  RESV_ORIGIN_KERNEL);
}

static int dmar_device(struct resv_facts *c, struct device *dev)
{
	const struct resv_dmar_rmrr *rmrr = rmrrs.item;
	enum resv_type type = RESV_DIRECT;
	struct resv_dmar_scopes scopes;
	struct resv_dmar_scope scope;
	struct pci_dev *pdev;
	unsigned int i;
	int name, ret;

	if (!dev_is_pci(dev))
		return 0;
	pdev = to_pci_dev(dev);
	ret = floppy(c, pdev);
	if (ret || !rmrrs.nr)
		return ret;
	/* The kernel lists them as relaxable since v5.3, and exempts them since v3.17. */
	if ((RESV_HAVE(RESV_RELAXABLE) || c->own_device) && relaxable(pdev))
		type = RESV_DIRECT_RELAXABLE;
	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	for (i = 0; i < rmrrs.nr; i++, rmrr++) {
		if (rmrr->segment != pci_domain_nr(pdev->bus))
			continue;
		scopes = rmrr->scopes;
		while (resv_dmar_next_scope(&scopes, &scope)) {
			if (!scope_covers(&scope, pdev))
				continue;
			ret = resv_facts_claim(c, name, rmrr->start, rmrr->end,
					       type, RESV_ORIGIN_RMRR);
			if (ret)
				return ret;
			break;
		}
	}
	return 0;
}

static void dmar_status(struct resv_status *f)
{
	resv_status_table(f, &table, "rmrr");
}

const struct resv_source resv_source_dmar = {
	.name = "dmar",
	.init = dmar_init,
	.exit = dmar_exit,
	.device = dmar_device,
	.status = dmar_status,
};
