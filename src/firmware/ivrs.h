/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parser of the ACPI IVRS table (AMD I/O Virtualization Technology (IOMMU)
 * Specification, 48882, section 5.2).
 */
#ifndef RESV_FIRMWARE_IVRS_H
#define RESV_FIRMWARE_IVRS_H

#include "model/base.h"

#define RESV_IVRS_IVHD_10	0x10
#define RESV_IVRS_IVHD_11	0x11
#define RESV_IVRS_IVMD_ALL	0x20
#define RESV_IVRS_IVMD_ONE	0x21
#define RESV_IVRS_IVMD_RANGE	0x22
#define RESV_IVRS_IVHD_40	0x40

/* Flags of an IVMD. */
#define RESV_IVMD_UNITY		0x01
#define RESV_IVMD_READ		0x02
#define RESV_IVMD_WRITE		0x04
#define RESV_IVMD_EXCLUSION	0x08

/**
 * struct resv_ivrs_header - facts of the table about the whole platform
 * @revision: of the table; 1 has fixed-length IVHD only (type 0x10), 2 adds
 *	0x11 and 0x40
 * @info: raw IVinfo
 * @pa_bits: physical address size, 0 if unknown
 * @va_bits: virtual address size, 0 if unknown
 */
struct resv_ivrs_header {
	u8 revision;
	u32 info;
	u8 pa_bits;
	u8 va_bits;
};

/**
 * struct resv_ivrs_ivhd - one IOMMU
 * @offset: offset of the structure in the table
 * @type: RESV_IVRS_IVHD_*; tables usually have one IVHD of each type for the
 *	same IOMMU, and the kernel uses the highest type it knows, so compare
 *	@segment and @devid
 * @flags: raw flags
 * @segment: PCI segment
 * @devid: bus << 8 | devfn of the IOMMU
 * @cap_offset: offset of its PCI capability
 * @base: physical address of the registers
 * @info: MSI number and unit id
 * @features: feature reporting (type 0x10) or attributes (other types)
 * @has_efr: the IVHD has the two images below (all types but 0x10)
 * @efr: image of the extended feature register
 * @efr2: image of the extended feature 2 register
 */
struct resv_ivrs_ivhd {
	size_t offset;
	u8 type;
	u8 flags;
	u16 segment;
	u16 devid;
	u16 cap_offset;
	u64 base;
	u16 info;
	u32 features;
	bool has_efr;
	u64 efr;
	u64 efr2;
};

/* As ACPIHID_HID_LEN and ACPIHID_UID_LEN in drivers/iommu/amd/amd_iommu_types.h. */
#define RESV_IVRS_HID		9
#define RESV_IVRS_UID		256

/**
 * struct resv_ivrs_acpi - one device that is not on PCI, from an IVHD of type 0x40
 * @offset: offset of the entry in the table
 * @segment: PCI segment of its IOMMU
 * @devid: its device ID at the IOMMU, which IVMDs refer to
 * @hid: its ACPI hardware ID, zero-terminated, never empty
 * @uid: its ACPI unique ID, zero-terminated; an empty one matches any
 *
 * From device entry 240, specification 48882, section 5.2.2.  Of an integer @uid only one
 * byte is used, as in the kernel (init_iommu_from_acpi()).
 */
struct resv_ivrs_acpi {
	size_t offset;
	u16 segment;
	u16 devid;
	char hid[RESV_IVRS_HID];
	char uid[RESV_IVRS_UID];
};

/**
 * struct resv_ivrs_ivmd - one memory definition
 * @offset: offset of the structure in the table
 * @type: RESV_IVRS_IVMD_*
 * @flags: RESV_IVMD_*; the kernel ignores an IVMD without unity and exclusion
 *	(init_memory_definitions() in drivers/iommu/amd/init.c)
 * @segment: PCI segment, from a field that was reserved before and that the
 *	kernel reads since 6.0; earlier kernels only know segment 0
 * @devid_first: first bus << 8 | devfn it applies to
 * @devid_last: last one, inclusive, never below the first
 * @start: first address
 * @end: last address, inclusive
 *
 * @start and @end have the table's values. The kernel rounds both the start
 * and the length up to pages, so match an unaligned one by overlap. It turns
 * both kinds into `direct` regions: it treats exclusion ranges as unity
 * mappings with read and write, because an IOMMU has only one exclusion
 * register.
 */
struct resv_ivrs_ivmd {
	size_t offset;
	u8 type;
	u8 flags;
	u16 segment;
	u16 devid_first;
	u16 devid_last;
	u64 start;
	u64 end;
};

/**
 * struct resv_ivrs_ops - receivers of the blocks found, each may be NULL
 * @header: once, before all others
 * @ivhd: one IOMMU
 * @acpi: one device that is not on PCI, after its IOMMU
 * @ivmd: one memory definition
 *
 * A value other than 0 stops the parser, which returns it.
 */
struct resv_ivrs_ops {
	int (*header)(void *ctx, const struct resv_ivrs_header *header);
	int (*ivhd)(void *ctx, const struct resv_ivrs_ivhd *ivhd);
	int (*acpi)(void *ctx, const struct resv_ivrs_acpi *acpi);
	int (*ivmd)(void *ctx, const struct resv_ivrs_ivmd *ivmd);
};

int resv_parse_ivrs(const void *table, size_t len,
		    const struct resv_ivrs_ops *ops, void *ctx,
		    struct resv_parse_err *err);

/* Bit of IVinfo: the IVHDs have images of the extended feature registers. */
#define RESV_IVINFO_EFRSUP	0x1

/*
 * HTRangeIgnore of the extended feature 2 register (MMIO offset 0x1a0), which
 * drivers/iommu/amd/amd_iommu_types.h calls FEATURE_HT_RANGE_IGNORE since v6.16.
 */
#define RESV_EFR2_HT_IGNORE	BIT_ULL(11)

/**
 * enum resv_ht_range - do the IOMMUs translate the HyperTransport range?
 * @RESV_HT_UNKNOWN: the table does not say
 * @RESV_HT_TAKEN: at least one IOMMU does not translate it
 * @RESV_HT_FREE: all IOMMUs translate it like other addresses
 */
enum resv_ht_range {
	RESV_HT_UNKNOWN,
	RESV_HT_TAKEN,
	RESV_HT_FREE,
};

enum resv_ht_range resv_ivrs_ht_range(const void *table, size_t len);

#endif /* RESV_FIRMWARE_IVRS_H */
