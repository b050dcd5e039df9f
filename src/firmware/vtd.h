/* SPDX-License-Identifier: GPL-2.0-only */
/* What an Intel IOMMU can address, from its registers (VT-d specification, section 11.4). */
#ifndef RESV_FIRMWARE_VTD_H
#define RESV_FIRMWARE_VTD_H

#include "model/base.h"

/* Which tables a kernel's driver uses if a unit has both levels. */
enum resv_vtd_tables {
	RESV_VTD_SECOND_ONLY,	/* never first-level tables */
	RESV_VTD_FIRST,		/* first-level tables for all domains in scalable mode */
	RESV_VTD_SECOND,	/* second-level tables for VFIO, first-level ones for DMA */
	RESV_VTD_EITHER,	/* one of the last two; which one cannot be known */
};

/* Geometry of an Intel domain that no device was attached to: 57 bits. */
#define RESV_VTD_PLACEHOLDER	(((u64)1 << 57) - 1)

u64 resv_vtd_claim_end(u64 cap, u64 ecap, u64 end);
u64 resv_vtd_end(u64 cap, u64 ecap, enum resv_vtd_tables tables, u64 dma_end);

#endif /* RESV_FIRMWARE_VTD_H */
