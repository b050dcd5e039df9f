// SPDX-License-Identifier: GPL-2.0-only
/* Copies of the ACPI tables that the kernel holds. */
#include <linux/sizes.h>
#include "compat/acpi.h"
#include "firmware/acpi.h"

/* Far more than any machine has, and little enough to allocate. */
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
	/* ACPICA mapped as much as the header says, after checking that it can. */
	if (header->length > MAX_TABLE) {
		pr_warn("%s: table of %u bytes is not believed, what it says is left out\n",
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
		  "regions told apart by the %s table", table->sig);
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
 * resv_acpi_table_faults() - report what a parser complained about, in one line
 * @table: table
 * @err: the parser's findings
 */
void resv_acpi_table_faults(struct resv_acpi_table *table,
			    const struct resv_parse_err *err)
{
	if (!err->count)
		return;
	scnprintf(table->reason, sizeof(table->reason),
		  "%s table has faults, see the kernel log; the rest is used",
		  table->sig);
	pr_warn("%s: %s at offset 0x%zx (%u fault%s): those entries are left out, ask the vendor for a firmware update\n",
		table->sig, err->what, err->offset, err->count,
		err->count == 1 ? "" : "s");
}

/**
 * resv_acpi_table_status() - describe the feature that a table gives
 * @table: table, its source initialised
 * @f: list to add to
 * @name: name of the feature
 */
void resv_acpi_table_status(const struct resv_acpi_table *table,
			     struct resv_status *f, const char *name)
{
	resv_status_add(f, name, table->data ? RESV_STATUS_ADDED :
						RESV_STATUS_INERT,
			 table->reason);
}
