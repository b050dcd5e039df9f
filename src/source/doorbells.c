// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSI doorbells of this machine: addresses at which its interrupt controllers
 * receive messages.
 *
 * A device writes its messages to a doorbell.  When the device enables MSI, the kernel
 * maps the page of its doorbell into the MSI window: one page of the CPU's size for each
 * page with a doorbell, upward from the base, without checking the window's length
 * (iommu_dma_get_msi_page() in drivers/iommu/dma-iommu.c, 4.11 to 7.3).  A container can
 * have devices of all controllers, so a window must hold the doorbells of all of them.
 *
 * The ACPI MADT lists the doorbells.  In a device tree each node with the property
 * "msi-controller" has one: an ITS, a frame of GICv2m, a GICv3 with "mbi-ranges" and
 * others.  A pre-ITS of Socionext has one doorbell for each device; its property gives
 * their size in bytes (its_irq_get_msi_base_pre_its()).
 */
#include <linux/kernel.h>
#include <linux/of.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "firmware/acpi.h"
#include "source/doorbells.h"
#include "firmware/madt.h"

/* An ITS has pages of 64 KiB, whatever the CPU's page size. */
#define ITS_PAGE	SZ_64K

/* More than any machine has. */
#define MAX_DOORBELLS	1024U

static unsigned int nr_doorbells;
static bool untold;		/* some doorbell does not identify the sender */
static u64 need;		/* bytes of a window that holds them, 0 if unknown */
static char reason[72];

#if IS_ENABLED(CONFIG_ARM64) && IS_ENABLED(CONFIG_ACPI)
static struct resv_acpi_table table = { .sig = "APIC" };

/*
 * A frame of Graviton has a separate address for each interrupt, within 8 KiB
 * (V2M_GRAVITON_ADDRESS_ONLY in drivers/irqchip/irq-gic-v2m.c, which recognises them by
 * the vendor of the table).
 */
#define ACPI_OEM_OFFSET	10	/* ACPI specification, section 5.2.6 */
#define GRAVITON_OEM	"AMAZON"
#define GRAVITON_FRAME	SZ_8K

/**
 * struct pages - the pages with doorbells
 * @page: their addresses, each once
 * @nr: number of pages
 * @graviton: see GRAVITON_FRAME
 */
struct pages {
	u64 page[MAX_DOORBELLS];
	unsigned int nr;
	bool graviton;
};

static int add_page(struct pages *pages, u64 page)
{
	unsigned int i;

	for (i = 0; i < pages->nr; i++)
		if (pages->page[i] == page)
			return 0;
	if (pages->nr == MAX_DOORBELLS)
		return -E2BIG;
	pages->page[pages->nr++] = page;
	return 0;
}

static int add_doorbell(void *ctx, const struct resv_madt_doorbell *doorbell)
{
	u64 page = doorbell->doorbell & PAGE_MASK, end = page;
	struct pages *pages = ctx;
	int ret;

	if (doorbell->type == RESV_MADT_MSI_FRAME)
		untold = true;
	if (pages->graviton && doorbell->type == RESV_MADT_MSI_FRAME) {
		page = doorbell->base & PAGE_MASK;
		end = (doorbell->base + GRAVITON_FRAME - 1) & PAGE_MASK;
	}
	for (ret = 0; !ret && page <= end; page += PAGE_SIZE)
		ret = add_page(pages, page);
	return ret;
}

static int count_acpi(void)
{
	struct resv_parse_err err;
	struct pages *pages;
	int ret;

	ret = resv_acpi_table_get(&table);
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	pages = kzalloc(sizeof(*pages), GFP_KERNEL);
	if (pages) {
		pages->graviton = table.len >= RESV_ACPI_HEADER &&
				  !memcmp(table.data + ACPI_OEM_OFFSET,
					  GRAVITON_OEM, strlen(GRAVITON_OEM));
		if (resv_parse_madt(table.data, table.len, add_doorbell, pages,
				    &err) == -E2BIG)
			pr_warn("APIC: more than %u MSI doorbells cannot be right, the others are ignored\n",
				MAX_DOORBELLS);
		resv_acpi_table_faults(&table, &err);
		nr_doorbells = pages->nr;
		need = (u64)pages->nr * PAGE_SIZE;
	}
	resv_acpi_table_free(&table);
	kfree(pages);
	return pages ? 0 : -ENOMEM;
}
#else
static int count_acpi(void)
{
	return 0;
}
#endif

static void count_dt(void)
{
	struct device_node *np;
	u32 window[2];

	if (!IS_ENABLED(CONFIG_ARM64))
		return;
	for_each_node_with_property(np, "msi-controller") {
		u64 bytes = PAGE_SIZE;

		if (!of_device_is_available(np) ||
		    nr_doorbells == MAX_DOORBELLS)
			continue;
		if (!of_property_read_u32_array(np, "socionext,synquacer-pre-its",
						window, ARRAY_SIZE(window)))
			bytes = max_t(u64, ALIGN((u64)window[1], PAGE_SIZE),
				      PAGE_SIZE);
		nr_doorbells++;
		need += bytes;
		/* Frames of GICv2m, "mbi-ranges" of a GICv3, and any others. */
		if (!of_device_is_compatible(np, "arm,gic-v3-its") &&
		    !of_device_is_compatible(np, "arm,gic-v5-its"))
			untold = true;
	}
}

/**
 * resv_doorbells_init() - count the doorbells, once at load
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_doorbells_init(void)
{
	int ret;

	nr_doorbells = 0;
	untold = false;
	need = 0;
	ret = count_acpi();
	if (ret)
		return ret;
	if (!nr_doorbells)
		count_dt();
	return 0;
}

/**
 * resv_doorbells_need() - the smallest window that holds all doorbells
 *
 * Return: bytes, or 0 if they are not known
 */
u64 resv_doorbells_need(void)
{
	return need;
}

/**
 * resv_doorbells_room() - size of a window that holds them with pages of any size
 * @native: bytes of the window that the kernel has
 *
 * Return: bytes, not less than @native and resv_doorbells_need()
 */
u64 resv_doorbells_room(u64 native)
{
	return max3(native, need, (u64)nr_doorbells * ITS_PAGE);
}

/**
 * resv_doorbells_count() - number of doorbells
 *
 * Return: the number, or 0 if it is not known
 */
unsigned int resv_doorbells_count(void)
{
	return nr_doorbells;
}

/**
 * resv_doorbells_isolation() - do all doorbells identify the sender of a message?
 *
 * This decides for the whole machine, as irq_domain_check_msi_remap() of v4.11 and later
 * does: an ITS checks the sender (IHI 0069, section 5.2), a frame of GICv2m does not.
 *
 * Return: enum resv_isolation; unknown if no doorbell is known
 */
enum resv_isolation resv_doorbells_isolation(void)
{
	if (!nr_doorbells)
		return RESV_ISOLATION_UNKNOWN;
	return untold ? RESV_ISOLATION_UNSAFE : RESV_ISOLATION_ISOLATED;
}

/**
 * resv_doorbells_status() - describe the doorbells
 * @f: list to add to
 */
void resv_doorbells_status(struct resv_status *f)
{
	if (!IS_ENABLED(CONFIG_ARM64))
		return;
	if (!nr_doorbells) {
		resv_status_add(f, "msi-doorbells", RESV_STATUS_INERT,
				"neither ACPI tables nor the device tree list any: MSI windows cannot be smaller than the kernel's");
		return;
	}
	scnprintf(reason, sizeof(reason),
		  "%u doorbell%s: a window needs at least 0x%llx bytes",
		  nr_doorbells, nr_doorbells == 1 ? "" : "s", need);
	resv_status_add(f, "msi-doorbells", RESV_STATUS_ADDED, reason);
}
