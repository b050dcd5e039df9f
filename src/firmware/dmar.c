// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parser of the ACPI DMAR table.
 *
 * Section numbers are those of the Intel VT-d Architecture Specification,
 * revision 4.
 */

#include "firmware/dmar.h"

/* Section 8.1: host address width, flags and 10 reserved bytes follow. */
#define DMAR_FIXED	48

/* Section 8.2: all structures start with type and length, two bytes each. */
#define DMAR_TYPE_DRHD	0
#define DMAR_TYPE_RMRR	1

/* Sections 8.3 and 8.4: fixed parts, the device scopes follow. */
#define DMAR_DRHD_FIXED	16
#define DMAR_RMRR_FIXED	24

/* Section 8.3.1: fixed part of a device scope, the path follows. */
#define DMAR_SCOPE_FIXED	6

/**
 * resv_dmar_next_scope() - take the next device scope
 * @scopes: the scopes that are left; moved behind the scope that is returned
 * @scope: filled in
 *
 * The path is cut into pairs the way the kernel does (dmar_insert_dev_scope()
 * in drivers/iommu/intel/dmar.c): an odd byte at its end is ignored, and an
 * empty path is no fault but matches no device.
 *
 * Return: true, or false at the end or at a scope that is malformed.
 */
bool resv_dmar_next_scope(struct resv_dmar_scopes *scopes,
			  struct resv_dmar_scope *scope)
{
	const u8 *p = scopes->p;
	u8 len;

	if (scopes->len < DMAR_SCOPE_FIXED)
		return false;
	len = p[1];
	if (len < DMAR_SCOPE_FIXED || len > scopes->len)
		return false;

	scope->type = p[0];
	scope->id = p[4];
	scope->bus = p[5];
	scope->depth = (u8)((len - DMAR_SCOPE_FIXED) / 2);
	scope->path = p + DMAR_SCOPE_FIXED;

	scopes->p += len;
	scopes->len -= len;
	return true;
}

/*
 * Set up the scopes of the structure at @p, up to the first malformed one.
 *
 * Return: true if no scope is malformed
 */
static bool resv_dmar_scopes(struct resv_dmar_scopes *scopes, const u8 *p,
			     size_t len)
{
	struct resv_dmar_scopes walk = { p, len };
	struct resv_dmar_scope scope;

	while (resv_dmar_next_scope(&walk, &scope))
		;
	scopes->p = p;
	scopes->len = len - walk.len;
	return !walk.len;
}

static int resv_dmar_one_drhd(const u8 *t, size_t offset, size_t len,
			      const struct resv_dmar_ops *ops, void *ctx,
			      struct resv_parse_err *err)
{
	const u8 *p = t + offset;
	struct resv_dmar_drhd drhd;

	if (len < DMAR_DRHD_FIXED) {
		resv_parse_fault(err, "DRHD is too short", offset);
		return 0;
	}
	drhd.offset = offset;
	drhd.include_all = p[4] & 1;
	/* Bits 3:0 are the power of two of 4 KiB pages, reserved before 4.0. */
	drhd.size = (u64)4096 << (p[5] & 0xf);
	drhd.segment = resv_le16(p + 6);
	drhd.base = resv_le64(p + 8);
	if (drhd.size - 1 > ULLONG_MAX - drhd.base) {
		resv_parse_fault(err, "DRHD registers wrap", offset);
		return 0;
	}
	if (!resv_dmar_scopes(&drhd.scopes, p + DMAR_DRHD_FIXED,
			      len - DMAR_DRHD_FIXED)) {
		resv_parse_fault(err, "DRHD has a bad device scope", offset);
		return 0;
	}
	return ops->drhd ? ops->drhd(ctx, &drhd) : 0;
}

static int resv_dmar_one_rmrr(const u8 *t, size_t offset, size_t len,
			      const struct resv_dmar_ops *ops, void *ctx,
			      struct resv_parse_err *err)
{
	const u8 *p = t + offset;
	struct resv_dmar_rmrr rmrr;

	if (len < DMAR_RMRR_FIXED) {
		resv_parse_fault(err, "RMRR is too short", offset);
		return 0;
	}
	rmrr.offset = offset;
	rmrr.segment = resv_le16(p + 6);
	rmrr.start = resv_le64(p + 8);
	rmrr.end = resv_le64(p + 16);
	if (rmrr.end < rmrr.start) {
		resv_parse_fault(err, "RMRR ends before it starts", offset);
		return 0;
	}
	/*
	 * The kernel maps the region for the devices of the scopes before a bad one
	 * (dmar_insert_dev_scope()).  Without such a scope it maps it for no device.
	 */
	if (!resv_dmar_scopes(&rmrr.scopes, p + DMAR_RMRR_FIXED,
			      len - DMAR_RMRR_FIXED)) {
		resv_parse_fault(err, "RMRR has a bad device scope", offset);
		if (!rmrr.scopes.len)
			return 0;
	}
	return ops->rmrr ? ops->rmrr(ctx, &rmrr) : 0;
}

/**
 * resv_parse_dmar() - find remapping units and reserved regions
 * @table: the table, with its ACPI header
 * @len: bytes that may be read
 * @ops: receivers
 * @ctx: given to the receivers
 * @err: cleared, then the first fault and the number of faults
 *
 * The parser skips a bad structure by its length; if the length itself is bad,
 * it cannot find the rest of the table. Root port ATS (2), affinity (3),
 * namespace device (4), SATC (5) and SIDP (6) structures hold nothing about
 * reserved memory; the parser skips them, and unknown types (section 8.2
 * requires that for forward compatibility).
 *
 * Return: 0; -EBADMSG if the table has faults, after the receivers got all
 * valid structures; else what a receiver returned.
 */
int resv_parse_dmar(const void *table, size_t len,
		    const struct resv_dmar_ops *ops, void *ctx,
		    struct resv_parse_err *err)
{
	const u8 *t = table;
	size_t offset, sub;
	int ret = 0;

	memset(err, 0, sizeof(*err));
	len = resv_acpi_length(t, len, "DMAR", DMAR_FIXED, err);
	if (!len)
		return -EBADMSG;

	if (ops->header) {
		ret = ops->header(ctx, t[36] + 1U, t[37]);
		if (ret)
			return ret;
	}

	for (offset = DMAR_FIXED; offset < len; offset += sub) {
		if (len - offset < 4) {
			resv_parse_fault(err, "structure is truncated",
					 offset);
			break;
		}
		sub = resv_le16(t + offset + 2);
		if (sub < 4) {
			resv_parse_fault(err, "structure has no length",
					 offset);
			break;
		}
		if (sub > len - offset) {
			resv_parse_fault(err, "structure extends past the end",
					 offset);
			break;
		}

		switch (resv_le16(t + offset)) {
		case DMAR_TYPE_DRHD:
			ret = resv_dmar_one_drhd(t, offset, sub, ops, ctx,
						 err);
			break;
		case DMAR_TYPE_RMRR:
			ret = resv_dmar_one_rmrr(t, offset, sub, ops, ctx,
						 err);
			break;
		}
		if (ret)
			return ret;
	}
	return err->count ? -EBADMSG : 0;
}
