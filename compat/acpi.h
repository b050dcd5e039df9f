/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/acpi.h>. */
#ifndef RESV_COMPAT_ACPI_H
#define RESV_COMPAT_ACPI_H

#include <linux/acpi.h>
#include "compat/compat.h"

/* Before v4.10 a table stays mapped for good once somebody asked for it. */
static inline void compat_acpi_put_table(struct acpi_table_header *table)
{
#ifdef RESV_HAVE_ACPI_PUT_TABLE
	acpi_put_table(table);
#endif
}

#endif /* RESV_COMPAT_ACPI_H */
