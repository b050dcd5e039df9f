/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel lacks, and what is added to it therefore.
 *
 * With the parameter native=ignore nothing of this is left to the kernel: a test
 * mode, by which what is added can be compared with what the kernel has.
 */
#ifndef RESV_LACKING_H
#define RESV_LACKING_H

#include "compat/compat.h"
#include "compat/iommu.h"

extern bool resv_native_ignored;

/* The kernel makes no list of a group's regions: since v4.11. */
static inline bool resv_lacks_list(void)
{
	/* One that has the structure and not the function is unknown, not old. */
	return (!RESV_HAVE(GROUP_RESV_REGIONS) && !RESV_HAVE(RESV_REGION)) ||
	       resv_native_ignored;
}

/* It makes no list of a single device that can be asked for. */
static inline bool resv_lacks_device_lists(void)
{
	return !COMPAT_HAS_DEVICE_REGIONS || resv_lacks_list();
}

/* VFIO refuses no map and no attach because of a region, and tells no ranges: v5.4. */
static inline bool resv_lacks_checks(void)
{
	return !RESV_HAVE(VFIO_IOVA_RANGE) || resv_native_ignored;
}

/*
 * Doorbells of interrupts are mapped for the DMA API only, and not for VFIO: v4.11,
 * with the list.
 */
static inline bool resv_lacks_cookies(void)
{
	return IS_ENABLED(CONFIG_ARM64) && !RESV_HAVE(GROUP_RESV_REGIONS) &&
	       !RESV_HAVE(RESV_REGION);
}

#endif /* RESV_LACKING_H */
