/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of the ACPI tables that the kernel holds. */
#ifndef RESV_FIRMWARE_ACPI_H
#define RESV_FIRMWARE_ACPI_H

#include "model/base.h"

/**
 * struct resv_acpi_table - one table
 * @sig: four characters
 * @data: a copy, header included, or NULL
 * @len: bytes of @data
 * @reason: what it is used for, for the file "features"
 */
struct resv_acpi_table {
	const char *sig;
	u8 *data;
	size_t len;
	char reason[72];
};

/**
 * struct resv_acpi_items - array of the items that a parser finds in a table
 * @item: the array, or NULL while its items are counted
 * @size: bytes of one item
 * @nr: number of items
 * @max: highest number of items that is accepted; 0 for no limit
 */
struct resv_acpi_items {
	void *item;
	size_t size;
	unsigned int nr;
	unsigned int max;
};

int resv_acpi_table_get(struct resv_acpi_table *table);
void resv_acpi_table_free(struct resv_acpi_table *table);
void resv_acpi_table_faults(struct resv_acpi_table *table,
			    const struct resv_parse_err *err);
int resv_acpi_items_add(struct resv_acpi_items *items, const void *item);
int resv_acpi_items_collect(struct resv_acpi_items *items,
			    struct resv_acpi_table *table,
			    int (*parse)(struct resv_acpi_table *table,
					 struct resv_acpi_items *items,
					 struct resv_parse_err *err));
void resv_acpi_items_free(struct resv_acpi_items *items);

#endif /* RESV_FIRMWARE_ACPI_H */
