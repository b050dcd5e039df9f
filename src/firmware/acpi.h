/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of the ACPI tables that the kernel holds. */
#ifndef RESV_FIRMWARE_ACPI_H
#define RESV_FIRMWARE_ACPI_H

#include "source/status.h"
#include "model/base.h"

/**
 * struct resv_acpi_table - one table
 * @sig: four characters
 * @data: a copy, header included, or NULL
 * @len: bytes of @data
 * @reason: what it is good for, in words
 */
struct resv_acpi_table {
	const char *sig;
	u8 *data;
	size_t len;
	char reason[72];
};

int resv_acpi_table_get(struct resv_acpi_table *table);
void resv_acpi_table_free(struct resv_acpi_table *table);
void resv_acpi_table_faults(struct resv_acpi_table *table,
			    const struct resv_parse_err *err);
void resv_acpi_table_status(const struct resv_acpi_table *table,
			     struct resv_status *f, const char *name);

#endif /* RESV_FIRMWARE_ACPI_H */
