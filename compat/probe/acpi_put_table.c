// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: acpi_put_table() releases the mapping of a table.
 * Upstream: 174cc7187e6f ("ACPICA: Tables: Back port acpi_get_table_with_size()
 * and early_acpi_os_unmap_memory() from Linux kernel"), v4.10.
 */
#include <linux/acpi.h>
#include "probe.h"

PROBE(void, probe_acpi_put_table, (struct acpi_table_header *table))
{
	acpi_put_table(table);
}
