/* SPDX-License-Identifier: GPL-2.0-only */
/* The value of the parameter "ranges": which usable ranges that VFIO reports to programs. */
#ifndef RESV_SOURCE_RANGES_H
#define RESV_SOURCE_RANGES_H

enum resv_ranges_mode {
	RESV_RANGES_KERNEL,	/* those of the kernel; where it has none, this module's */
	RESV_RANGES_CUT,	/* they end where the IOMMU ends (feature/reach) */
	RESV_RANGES_OFF,	/* none, where the kernel has none (feature/check) */
};

void resv_ranges_set_mode(enum resv_ranges_mode new);
enum resv_ranges_mode resv_ranges_mode(void);

#endif /* RESV_SOURCE_RANGES_H */
