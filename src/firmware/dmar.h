/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parser of the ACPI DMAR table (Intel VT-d Architecture Specification,
 * chapter 8, "BIOS Considerations").
 */
#ifndef RESV_FIRMWARE_DMAR_H
#define RESV_FIRMWARE_DMAR_H

#include "model/base.h"

/* Device scope types, section 8.3.1. */
#define RESV_DMAR_SCOPE_ENDPOINT	1	/* this PCI function only */
#define RESV_DMAR_SCOPE_BRIDGE		2	/* the bridge and all devices below it */
#define RESV_DMAR_SCOPE_IOAPIC		3
#define RESV_DMAR_SCOPE_HPET		4
#define RESV_DMAR_SCOPE_NAMESPACE	5	/* ACPI device, see ANDD */

/**
 * struct resv_dmar_scopes - the device scopes of one structure
 * @p: the scope entries inside the table; the parser has checked all of them
 * @len: bytes left
 *
 * Valid as long as the table is. Walk a copy with resv_dmar_next_scope().
 */
struct resv_dmar_scopes {
	const u8 *p;
	size_t len;
};

/**
 * struct resv_dmar_scope - one device scope entry
 * @type: RESV_DMAR_SCOPE_*, or a type that is not known yet
 * @id: enumeration id; for a namespace device the number of its ANDD
 * @bus: bus on which the path starts
 * @depth: number of steps of the path
 * @path: @depth pairs of device and function number, read them with
 *	resv_dmar_path()
 *
 * How a path is walked: step 0 is a function on @bus. Each further step is a
 * function on the secondary bus of the bridge that the step before it named,
 * as that bridge is programmed now (bus numbers below a bridge may have been
 * reassigned since the firmware wrote the table). The function of the last
 * step is the device; for RESV_DMAR_SCOPE_BRIDGE it is a bridge and the
 * scope covers everything below that bridge as well.
 *
 * The kernel compares from the other end: it collects the functions from the
 * device up to its root bus, and requires the same bus, the same depth and the
 * same pairs. It also accepts a path of one step whose @bus is not a root bus
 * but the bus of the device itself, a firmware bug it has a workaround for
 * (dmar_match_pci_path() in drivers/iommu/intel/dmar.c).
 */
struct resv_dmar_scope {
	u8 type;
	u8 id;
	u8 bus;
	u8 depth;
	const u8 *path;
};

/**
 * struct resv_dmar_drhd - DMA remapping hardware unit, section 8.3
 * @offset: offset of the structure in the table
 * @segment: PCI segment
 * @include_all: INCLUDE_PCI_ALL, all PCI devices of the segment that no
 *	other unit names
 * @base: physical address of the registers
 * @size: bytes of registers, a power of two of at least 4096
 * @scopes: the devices
 */
struct resv_dmar_drhd {
	size_t offset;
	u16 segment;
	bool include_all;
	u64 base;
	u64 size;
	struct resv_dmar_scopes scopes;
};

/**
 * struct resv_dmar_rmrr - reserved memory region, section 8.4
 * @offset: offset of the structure in the table
 * @segment: PCI segment
 * @start: first address
 * @end: last address, inclusive, never below @start
 * @scopes: the devices, up to the first malformed scope
 *
 * Both addresses should be aligned to 4 KiB (the end to the last byte of a
 * page). If they are not, the kernel only taints itself and uses them as they
 * are (dmar_parse_one_rmrr()), so the parser reports them unchanged.
 *
 * Overlapping regions are normal: tables often repeat a region for each of
 * the devices that share it. The parser reports all of them, without an error.
 */
struct resv_dmar_rmrr {
	size_t offset;
	u16 segment;
	u64 start;
	u64 end;
	struct resv_dmar_scopes scopes;
};

/**
 * struct resv_dmar_ops - receivers of the structures found, each may be NULL
 * @header: once, before all others; @width is the host address width in
 *	bits (the table has this number minus one)
 * @drhd: one remapping unit
 * @rmrr: one reserved region
 *
 * A value other than 0 stops the parser, which returns it.
 */
struct resv_dmar_ops {
	int (*header)(void *ctx, unsigned int width, u8 flags);
	int (*drhd)(void *ctx, const struct resv_dmar_drhd *drhd);
	int (*rmrr)(void *ctx, const struct resv_dmar_rmrr *rmrr);
};

int resv_parse_dmar(const void *table, size_t len,
		    const struct resv_dmar_ops *ops, void *ctx,
		    struct resv_parse_err *err);

bool resv_dmar_next_scope(struct resv_dmar_scopes *scopes,
			  struct resv_dmar_scope *scope);

/**
 * resv_dmar_path() - PCI device and function of one step of a path
 * @scope: the scope
 * @step: number of the step, less than @scope->depth
 *
 * Return: the step as a devfn, the way the kernel's PCI_DEVFN() makes it.
 */
static inline u8 resv_dmar_path(const struct resv_dmar_scope *scope,
				unsigned int step)
{
	const u8 *p = scope->path + 2 * step;

	return (u8)((p[0] & 0x1f) << 3 | (p[1] & 0x07));
}

#endif /* RESV_FIRMWARE_DMAR_H */
