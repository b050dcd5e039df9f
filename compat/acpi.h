/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/acpi.h>. */
#ifndef RESV_COMPAT_ACPI_H
#define RESV_COMPAT_ACPI_H

#include <linux/acpi.h>
#include "compat/compat.h"

/* Before v4.10 a table stays mapped for good after the first request for it. */
static inline void compat_acpi_put_table(struct acpi_table_header *table)
{
#ifdef RESV_HAVE_ACPI_PUT_TABLE
	acpi_put_table(table);
#endif
}

/*
 * Get the ACPI IDs of a device; @uid is empty if it has none.  Return: false if the device
 * is not in the ACPI namespace
 */
static inline bool compat_acpi_ids(struct device *dev, const char **hid,
				   const char **uid)
{
#ifdef CONFIG_ACPI
	struct acpi_device *adev = ACPI_COMPANION(dev);

	if (!adev)
		return false;
	*hid = acpi_device_hid(adev);
	*uid = acpi_device_uid(adev) ?: "";
	return true;
#else
	return false;
#endif
}

#endif /* RESV_COMPAT_ACPI_H */
