// SPDX-License-Identifier: GPL-2.0-only
/*
 * Positive control: includes every header that probes include, and uses nothing
 * that can be missing.  If this does not build, the other answers are worthless.
 */
#include <linux/module.h>
#include <linux/acpi.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kernfs.h>
#include <linux/mm.h>
#include <linux/msi.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/sysfs.h>
#include "probe.h"

PROBE(int, probe_sane, (struct kobject *kobj))
{
	return kobj ? 0 : -ENODEV;
}

MODULE_DESCRIPTION("iommu_resv probes");
MODULE_LICENSE("GPL");
