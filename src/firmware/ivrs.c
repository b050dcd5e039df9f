// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parser of the ACPI IVRS table.
 *
 * The layouts are those of the AMD I/O Virtualization Technology (IOMMU)
 * Specification, 48882, section 5.2.
 */

#include "firmware/ivrs.h"

/* IVinfo and 8 reserved bytes follow the ACPI header. */
#define IVRS_FIXED	48

/*
 * Fixed parts of the IVHD types, as in get_ivhd_header_size() in
 * drivers/iommu/amd/init.c; device entries follow.
 */
#define IVRS_IVHD_10_FIXED	24
#define IVRS_IVHD_11_FIXED	40

/* An IVMD has only a fixed part. */
#define IVRS_IVMD_FIXED		32

/* Device entries: 4 bytes for types below 0x40, 8 below 0x80; 0xf0 has a length. */
#define IVRS_ENTRY_ACPI		0xf0
#define IVRS_ENTRY_ACPI_FIXED	22

/* Formats of the unique ID of an entry. */
#define IVRS_UID_NONE		0
#define IVRS_UID_INTEGER	1
#define IVRS_UID_TEXT		2

/* Return: bytes of an entry of which LEFT may be read, or 0 if unknown */
static size_t resv_ivrs_entry_length(const u8 *p, size_t left)
{
	if (p[0] < 0x40)
		return 4;
	if (p[0] < 0x80)
		return 8;
	if (p[0] == IVRS_ENTRY_ACPI && left >= IVRS_ENTRY_ACPI_FIXED)
		return IVRS_ENTRY_ACPI_FIXED + p[21];
	return 0;
}

/* Writes up to three digits and a final zero. */
static void resv_ivrs_decimal(char *to, u8 value)
{
	if (value >= 100)
		*to++ = (char)('0' + value / 100);
	if (value >= 10)
		*to++ = (char)('0' + value / 10 % 10);
	*to++ = (char)('0' + value % 10);
	*to = '\0';
}

/* Parse entry 240; all of it may be read. */
static int resv_ivrs_one_acpi(const u8 *t, size_t offset, u16 segment,
			      const struct resv_ivrs_ops *ops, void *ctx,
			      struct resv_parse_err *err)
{
	const u8 *p = t + offset;
	struct resv_ivrs_acpi acpi;

	memset(&acpi, 0, sizeof(acpi));
	acpi.offset = offset;
	acpi.segment = segment;
	acpi.devid = resv_le16(p + 1);
	memcpy(acpi.hid, p + 4, RESV_IVRS_HID - 1);
	if (!acpi.hid[0]) {
		resv_parse_fault(err, "IVHD lists a device without HID",
				 offset);
		return 0;
	}
	switch (p[20]) {
	case IVRS_UID_NONE:
		break;
	case IVRS_UID_INTEGER:
		if (p[21] < 1) {
			resv_parse_fault(err, "IVHD lacks the UID that it announces",
					 offset);
			return 0;
		}
		resv_ivrs_decimal(acpi.uid, p[22]);
		break;
	case IVRS_UID_TEXT:
		memcpy(acpi.uid, p + 22, p[21]);
		break;
	default:
		resv_parse_fault(err, "IVHD has a UID of an unknown kind",
				 offset);
		return 0;
	}
	return ops->acpi ? ops->acpi(ctx, &acpi) : 0;
}

/* Parse device entries from OFFSET to END, up to the first one of unknown length. */
static int resv_ivrs_entries(const u8 *t, size_t offset, size_t end,
			     u16 segment, const struct resv_ivrs_ops *ops,
			     void *ctx, struct resv_parse_err *err)
{
	size_t len;
	int ret;

	for (; offset < end; offset += len) {
		len = resv_ivrs_entry_length(t + offset, end - offset);
		if (!len || len > end - offset) {
			resv_parse_fault(err, "IVHD device entry has no length or is too long",
					 offset);
			return 0;
		}
		if (t[offset] != IVRS_ENTRY_ACPI)
			continue;
		ret = resv_ivrs_one_acpi(t, offset, segment, ops, ctx, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int resv_ivrs_one_ivhd(const u8 *t, size_t offset, size_t len,
			      const struct resv_ivrs_ops *ops, void *ctx,
			      struct resv_parse_err *err)
{
	const u8 *p = t + offset;
	struct resv_ivrs_ivhd ivhd;
	int ret;

	memset(&ivhd, 0, sizeof(ivhd));
	ivhd.type = p[0];
	ivhd.has_efr = ivhd.type != RESV_IVRS_IVHD_10;
	if (len < (ivhd.has_efr ? IVRS_IVHD_11_FIXED : IVRS_IVHD_10_FIXED)) {
		resv_parse_fault(err, "IVHD is too short", offset);
		return 0;
	}

	ivhd.offset = offset;
	ivhd.flags = p[1];
	ivhd.devid = resv_le16(p + 4);
	ivhd.cap_offset = resv_le16(p + 6);
	ivhd.base = resv_le64(p + 8);
	ivhd.segment = resv_le16(p + 16);
	ivhd.info = resv_le16(p + 18);
	ivhd.features = resv_le32(p + 20);
	if (ivhd.has_efr) {
		ivhd.efr = resv_le64(p + 24);
		ivhd.efr2 = resv_le64(p + 32);
	}
	ret = ops->ivhd ? ops->ivhd(ctx, &ivhd) : 0;
	/* The kernel takes devices that are not on PCI only from this type. */
	if (ret || ivhd.type != RESV_IVRS_IVHD_40)
		return ret;
	return resv_ivrs_entries(t, offset + IVRS_IVHD_11_FIXED, offset + len,
				 ivhd.segment, ops, ctx, err);
}

static int resv_ivrs_one_ivmd(const u8 *t, size_t offset, size_t len,
			      const struct resv_ivrs_ops *ops, void *ctx,
			      struct resv_parse_err *err)
{
	const u8 *p = t + offset;
	struct resv_ivrs_ivmd ivmd;
	u64 bytes;

	if (len < IVRS_IVMD_FIXED) {
		resv_parse_fault(err, "IVMD is too short", offset);
		return 0;
	}

	ivmd.offset = offset;
	ivmd.type = p[0];
	ivmd.flags = p[1];
	ivmd.segment = resv_le16(p + 8);
	switch (ivmd.type) {
	case RESV_IVRS_IVMD_ONE:
		ivmd.devid_first = resv_le16(p + 4);
		ivmd.devid_last = ivmd.devid_first;
		break;
	case RESV_IVRS_IVMD_RANGE:
		ivmd.devid_first = resv_le16(p + 4);
		ivmd.devid_last = resv_le16(p + 6);
		break;
	default:
		/*
		 * All devices. The kernel stops at the highest device that an
		 * IVHD names, and translates for no device beyond it.
		 */
		ivmd.devid_first = 0;
		ivmd.devid_last = 0xffff;
		break;
	}
	if (ivmd.devid_last < ivmd.devid_first) {
		resv_parse_fault(err, "IVMD device range is reversed", offset);
		return 0;
	}

	ivmd.start = resv_le64(p + 16);
	bytes = resv_le64(p + 24);
	if (!bytes) {
		resv_parse_fault(err, "IVMD has zero length", offset);
		return 0;
	}
	if (bytes - 1 > ULLONG_MAX - ivmd.start) {
		resv_parse_fault(err, "IVMD wraps", offset);
		return 0;
	}
	ivmd.end = ivmd.start + (bytes - 1);
	return ops->ivmd ? ops->ivmd(ctx, &ivmd) : 0;
}

/**
 * resv_parse_ivrs() - find IOMMUs and memory definitions
 * @table: the table, with its ACPI header
 * @len: bytes that may be read
 * @ops: receivers
 * @ctx: given to the receivers
 * @err: cleared, then the first fault and the number of faults
 *
 * The parser skips a bad block by its length; if the length itself is bad, it
 * cannot find the rest of the table. It skips blocks of unknown type.
 *
 * Return: 0; -EBADMSG if the table has faults, after the receivers got all
 * valid blocks; else what a receiver returned.
 */
int resv_parse_ivrs(const void *table, size_t len,
		    const struct resv_ivrs_ops *ops, void *ctx,
		    struct resv_parse_err *err)
{
	struct resv_ivrs_header header;
	const u8 *t = table;
	size_t offset, sub;
	int ret = 0;

	memset(err, 0, sizeof(*err));
	len = resv_acpi_length(t, len, "IVRS", IVRS_FIXED, err);
	if (!len)
		return -EBADMSG;

	if (ops->header) {
		header.revision = t[8];
		header.info = resv_le32(t + 36);
		/* PASize is bits 14:8, VASize bits 21:15. */
		header.pa_bits = (header.info >> 8) & 0x7f;
		header.va_bits = (header.info >> 15) & 0x7f;
		ret = ops->header(ctx, &header);
		if (ret)
			return ret;
	}

	for (offset = IVRS_FIXED; offset < len; offset += sub) {
		/* Type, flags and a length of two bytes. */
		if (len - offset < 4) {
			resv_parse_fault(err, "block is truncated", offset);
			break;
		}
		sub = resv_le16(t + offset + 2);
		if (sub < 4) {
			resv_parse_fault(err, "block has no length", offset);
			break;
		}
		if (sub > len - offset) {
			resv_parse_fault(err, "block extends past the end", offset);
			break;
		}

		switch (t[offset]) {
		case RESV_IVRS_IVHD_10:
		case RESV_IVRS_IVHD_11:
		case RESV_IVRS_IVHD_40:
			ret = resv_ivrs_one_ivhd(t, offset, sub, ops, ctx,
						 err);
			break;
		case RESV_IVRS_IVMD_ALL:
		case RESV_IVRS_IVMD_ONE:
		case RESV_IVRS_IVMD_RANGE:
			ret = resv_ivrs_one_ivmd(t, offset, sub, ops, ctx,
						 err);
			break;
		}
		if (ret)
			return ret;
	}
	return err->count ? -EBADMSG : 0;
}

/**
 * struct resv_ivrs_common - features that all IOMMUs have
 * @told: IVinfo says that there are images
 * @found: there is an IVHD
 * @segment: PCI segment of the first IOMMU in the table
 * @devid: bus << 8 | devfn of that IOMMU
 * @type: highest type of its IVHDs
 * @efr: bits that are set in all images of the extended feature register
 * @efr2: bits that are set in all images of the extended feature 2 register
 */
struct resv_ivrs_common {
	bool told;
	bool found;
	u16 segment;
	u16 devid;
	u8 type;
	u64 efr;
	u64 efr2;
};

static int resv_ivrs_common_header(void *ctx,
				   const struct resv_ivrs_header *header)
{
	struct resv_ivrs_common *common = ctx;

	common->told = header->info & RESV_IVINFO_EFRSUP;
	return 0;
}

static int resv_ivrs_common_type(void *ctx, const struct resv_ivrs_ivhd *ivhd)
{
	struct resv_ivrs_common *common = ctx;

	if (!common->found) {
		common->found = true;
		common->segment = ivhd->segment;
		common->devid = ivhd->devid;
	}
	if (ivhd->segment == common->segment && ivhd->devid == common->devid &&
	    ivhd->type > common->type)
		common->type = ivhd->type;
	return 0;
}

static int resv_ivrs_common_image(void *ctx, const struct resv_ivrs_ivhd *ivhd)
{
	struct resv_ivrs_common *common = ctx;

	if (ivhd->type == common->type) {
		common->efr &= ivhd->efr;
		common->efr2 &= ivhd->efr2;
	}
	return 0;
}

/**
 * resv_ivrs_ht_range() - do the IOMMUs translate the HyperTransport range?
 * @table: the table, with its ACPI header
 * @len: bytes that may be read
 *
 * This decides as the kernel does since v6.16 (amd_iommu_ht_range_ignore() in
 * drivers/iommu/amd/init.c): all IOMMUs must have HTRangeIgnore, according to the images
 * of their registers in the IVHDs of the highest type that the first IOMMU has.
 *
 * The image counts, not the register: the kernel uses the image, and only warns if the
 * register differs (late_iommu_features_init()); and the registers belong to its driver.
 * If there is no image, or an empty one, the kernel reads the registers, but this function
 * returns RESV_HT_UNKNOWN.  It does the same for a table with faults, because the parser
 * may have missed an IOMMU.
 *
 * Context: any.
 * Return: enum resv_ht_range
 */
enum resv_ht_range resv_ivrs_ht_range(const void *table, size_t len)
{
	static const struct resv_ivrs_ops types = {
		.header = resv_ivrs_common_header,
		.ivhd = resv_ivrs_common_type,
	};
	static const struct resv_ivrs_ops images = {
		.ivhd = resv_ivrs_common_image,
	};
	struct resv_ivrs_common common;
	struct resv_parse_err err;

	memset(&common, 0, sizeof(common));
	if (resv_parse_ivrs(table, len, &types, &common, &err) ||
	    !common.told || !common.found || common.type == RESV_IVRS_IVHD_10)
		return RESV_HT_UNKNOWN;
	common.efr = ~0ULL;
	common.efr2 = ~0ULL;
	if (resv_parse_ivrs(table, len, &images, &common, &err) || !common.efr)
		return RESV_HT_UNKNOWN;
	return common.efr2 & RESV_EFR2_HT_IGNORE ? RESV_HT_FREE : RESV_HT_TAKEN;
}
