// SPDX-License-Identifier: GPL-2.0-only
/*
 * Predict where a domain of the Intel driver ends after VFIO has attached it, from the
 * registers of the unit and the group's DMA domain: __iommu_calculate_agaw(),
 * prepare_domain_attach_device(), alloc_domain() and domain_update_iommu_cap() of
 * 5.10, 6.1 and 6.12.
 *
 * In legacy mode the width of second-level tables decides.  In scalable mode the driver
 * may use first-level tables, whose addresses are canonical and so lose a bit.  No
 * register that user space can see tells whether the driver runs in scalable mode, but the
 * group's DMA domain does: in scalable mode it has first-level tables if the unit has any.
 */

#include "firmware/vtd.h"

/* Sections 11.4.2 (CAP_REG) and 11.4.3 (ECAP_REG). */
#define VTD_CAP_SAGAW(cap)	((unsigned int)((cap) >> 8) & 0x1f)
#define VTD_CAP_MGAW(cap)	(((unsigned int)((cap) >> 16) & 0x3f) + 1)
#define VTD_CAP_FL5LP(cap)	(((cap) >> 60) & 1)
#define VTD_ECAP_SMTS(ecap)	(((ecap) >> 43) & 1)
#define VTD_ECAP_SLTS(ecap)	(((ecap) >> 46) & 1)
#define VTD_ECAP_FLTS(ecap)	(((ecap) >> 47) & 1)

/* The largest of the adjusted widths in @sagaw that the unit can address. */
static unsigned int vtd_width(u64 cap, unsigned int sagaw)
{
	unsigned int agaw, width = 0;

	/* Bit n stands for 30 + 9 * n bits; the driver uses up to 57. */
	for (agaw = 1; agaw <= 3; agaw++)
		if (sagaw & BIT(agaw))
			width = 30 + 9 * agaw;
	return min(width, VTD_CAP_MGAW(cap));
}

/* Last address of @width bits, or 0 for none. */
static u64 vtd_last(unsigned int width)
{
	return width ? ((u64)1 << width) - 1 : 0;
}

/**
 * resv_vtd_claim_end() - where a unit ends if a domain claims more
 * @cap: capability register
 * @ecap: extended capability register
 * @end: last address that a domain claims while a device of the unit is attached to it
 *
 * Before v5.11 the driver leaves the placeholder of 57 bits in a domain that it attaches
 * (c062db039f40 "iommu/vt-d: Update domain geometry in iommu_ops.at(de)tach_dev", also in
 * 5.10.9), sizes the tables by the unit, and fails a map beyond those with EFAULT.  Since
 * v5.6 these can be first-level tables, whose addresses lose a bit.
 *
 * Context: any.
 * Return: the last address that is surely mapped; or 0 if the domain's claim may be
 * right
 */
u64 resv_vtd_claim_end(u64 cap, u64 ecap, u64 end)
{
	unsigned int sagaw = VTD_CAP_SAGAW(cap), agaw, width = 0;
	u64 legacy = vtd_last(vtd_width(cap, sagaw));

	if (end != RESV_VTD_PLACEHOLDER || !legacy || legacy >= end)
		return 0;
	if (!VTD_ECAP_SMTS(ecap) || !VTD_ECAP_FLTS(ecap))
		return legacy;
	for (agaw = 1; agaw <= 3; agaw++)
		if (sagaw & BIT(agaw))
			width = 30 + 9 * agaw;
	return min(legacy, vtd_last(width - 1));
}

/**
 * resv_vtd_end() - the last address that VFIO's domain will have
 * @cap: capability register
 * @ecap: extended capability register
 * @tables: which tables this kernel's driver uses
 * @dma_end: last address of the DMA domain that the group is attached to, or 0 if it
 *	is not attached to one (iommu=pt)
 *
 * Context: any.
 * Return: the address, or the lower one if there are two possible ones; 0 if it cannot
 * be known
 */
u64 resv_vtd_end(u64 cap, u64 ecap, enum resv_vtd_tables tables, u64 dma_end)
{
	u64 legacy = vtd_last(vtd_width(cap, VTD_CAP_SAGAW(cap)));
	unsigned int first, scalable;
	u64 claim;

	if (tables == RESV_VTD_SECOND_ONLY || !VTD_ECAP_SMTS(ecap) ||
	    !VTD_ECAP_FLTS(ecap))
		return legacy;
	claim = resv_vtd_claim_end(cap, ecap, dma_end);
	if (claim)
		return claim;
	/* VFIO's domain gets the tables of the DMA domain where there is no choice. */
	if (tables == RESV_VTD_FIRST || !VTD_ECAP_SLTS(ecap))
		return dma_end;
	first = BIT(2) | (VTD_CAP_FL5LP(cap) ? BIT(3) : 0);
	/* Second-level tables, with widths that first-level tables can have, too. */
	scalable = vtd_width(cap, VTD_CAP_SAGAW(cap) & first);
	if (!dma_end)
		return tables == RESV_VTD_SECOND && vtd_last(scalable) == legacy ?
		       legacy : 0;
	if (scalable && dma_end == vtd_last(scalable - 1))
		return tables == RESV_VTD_SECOND ? vtd_last(scalable) : dma_end;
	return dma_end == legacy ? legacy : 0;
}
