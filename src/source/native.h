/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel does itself; this module adds the rest.
 *
 * A test build has the parameter native=ignore.  With it the module adds everything, and
 * hides the kernel's own features from VFIO, so that a test can compare the two.  In all
 * other builds the flag is a constant and leaves no code.
 */
#ifndef RESV_SOURCE_NATIVE_H
#define RESV_SOURCE_NATIVE_H

#include "compat/compat.h"
#include "compat/iommu.h"

#ifdef RESV_TEST
extern bool resv_native_ignored;
#else
#define resv_native_ignored	false
#endif

/**
 * resv_native_list() - does the kernel list the regions of a group?
 *
 * iommu_get_group_resv_regions(), since v4.11.  A kernel that has the structure but not
 * the function counts as unknown, not as old.
 *
 * Return: true if it does
 */
static inline bool resv_native_list(void)
{
	return (RESV_HAVE(GROUP_RESV_REGIONS) || RESV_HAVE(RESV_REGION)) &&
	       !resv_native_ignored;
}

/**
 * resv_native_device_lists() - does the kernel list the regions of a single device?
 *
 * Return: true if it does
 */
static inline bool resv_native_device_lists(void)
{
	return COMPAT_HAS_DEVICE_REGIONS && resv_native_list();
}

/**
 * resv_native_checks() - does VFIO check maps and attaches, and report usable ranges?
 *
 * Since v5.4 (vfio_iommu_iova_dma_valid(), VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE).
 *
 * Return: true if it does
 */
static inline bool resv_native_checks(void)
{
	return RESV_HAVE(VFIO_IOVA_RANGE) && !resv_native_ignored;
}

/**
 * resv_native_cookies() - does the kernel map doorbells of interrupts for VFIO?
 *
 * Since v4.11, with the list (iommu_get_msi_cookie()).  Only Arm needs it.
 *
 * Return: true if it does, or if no doorbell has to be mapped
 */
static inline bool resv_native_cookies(void)
{
	return !IS_ENABLED(CONFIG_ARM64) || RESV_HAVE(GROUP_RESV_REGIONS) ||
	       RESV_HAVE(RESV_REGION);
}

#endif /* RESV_SOURCE_NATIVE_H */
