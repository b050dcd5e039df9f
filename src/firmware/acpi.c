// SPDX-License-Identifier: GPL-2.0-only
/* Copies of the ACPI tables that the kernel holds. */
#include <linux/sizes.h>
#include "compat/acpi.h"
#include "firmware/acpi.h"

/* Far more than any machine has, and small enough to allocate. */
#define MAX_TABLE	SZ_1M

/**
 * resv_acpi_table_get() - copy a table
 * @table: @sig is set
 *
 * Context: may sleep.
 * Return: 0, -ENOENT if firmware has none, -EFBIG, -ENOMEM
 */
int resv_acpi_table_get(struct resv_acpi_table *table)
{
	struct acpi_table_header *header;
	char sig[sizeof(header->signature) + 1] = "";
	int ret = 0;

	scnprintf(table->reason, sizeof(table->reason),
		  "firmware has no usable %s table", table->sig);
	/* The parameter is not const on older kernels. */
	memcpy(sig, table->sig, sizeof(header->signature));
	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(sig, 0, &header)))
		return -ENOENT;
	/* ACPICA has checked the length in the header, and mapped that much. */
	if (header->length > MAX_TABLE) {
		pr_warn("%s: a table of %u bytes cannot be right, ignored\n",
			table->sig, header->length);
		ret = -EFBIG;
		goto put_table;
	}
	table->data = kmemdup(header, header->length, GFP_KERNEL);
	if (!table->data) {
		ret = -ENOMEM;
		goto put_table;
	}
	table->len = header->length;
	scnprintf(table->reason, sizeof(table->reason),
		  "origin of regions from the %s table", table->sig);
put_table:
	compat_acpi_put_table(header);
	return ret;
}

/**
 * resv_acpi_table_free() - drop the copy
 * @table: table
 */
void resv_acpi_table_free(struct resv_acpi_table *table)
{
	kfree(table->data);
	table->data = NULL;
	table->len = 0;
}

/**
 * resv_acpi_table_faults() - log the faults that a parser found, in one line
 * @table: table
 * @err: the faults
 */
void resv_acpi_table_faults(struct resv_acpi_table *table,
			    const struct resv_parse_err *err)
{
	if (!err->count)
		return;
	scnprintf(table->reason, sizeof(table->reason),
		  "%s table has faults, see the kernel log; the rest is used",
		  table->sig);
	pr_warn("%s: %s at offset 0x%zx (%u fault%s): those entries are ignored, ask the vendor for a firmware update\n",
		table->sig, err->what, err->offset, err->count,
		err->count == 1 ? "" : "s");
}

/**
 * resv_acpi_items_add() - add an item; for the receivers of a parser
 * @items: array of resv_acpi_items_collect()
 * @item: the item
 *
 * Context: any.
 * Return: 0, or -E2BIG, which stops the parser, if there are too many
 */
int resv_acpi_items_add(struct resv_acpi_items *items, const void *item)
{
	if (items->item) {
		if (items->max && items->nr == items->max)
			return -E2BIG;
		memcpy((char *)items->item + items->nr * items->size, item,
		       items->size);
	}
	items->nr++;
	return 0;
}

/**
 * resv_acpi_items_collect() - collect all items that a parser finds in a table
 * @items: @size and @max are set
 * @table: copy of the table
 * @parse: calls the parser, whose receivers call resv_acpi_items_add()
 *
 * This parses the table twice: first to count the items, then to copy them into an array
 * of that size.  It logs faults of the table.
 *
 * Context: may sleep.
 * Return: 0; or -ENOMEM, after which only the table has to be freed
 */
int resv_acpi_items_collect(struct resv_acpi_items *items,
			    struct resv_acpi_table *table,
			    int (*parse)(struct resv_acpi_table *table,
					 struct resv_acpi_items *items,
					 struct resv_parse_err *err))
{
	struct resv_parse_err err;
	unsigned int nr;

	items->item = NULL;
	items->nr = 0;
	parse(table, items, &err);
	resv_acpi_table_faults(table, &err);
	nr = items->nr;
	items->nr = 0;
	if (!nr)
		return 0;
	if (items->max && nr > items->max) {
		pr_warn("%s: %u entries cannot be right, all but the first %u are ignored\n",
			table->sig, nr, items->max);
		nr = items->max;
	}
	items->item = kcalloc(nr, items->size, GFP_KERNEL | __GFP_NOWARN);
	if (!items->item)
		return -ENOMEM;
	parse(table, items, &err);
	return 0;
}

/**
 * resv_acpi_items_free() - drop the array
 * @items: array
 *
 * Context: any.
 */
void resv_acpi_items_free(struct resv_acpi_items *items)
{
	kfree(items->item);
	items->item = NULL;
	items->nr = 0;
}
