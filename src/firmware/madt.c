// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parser of the ACPI MADT.
 *
 * The layouts are those of the ACPI specification 6.5, section 5.2.12; that
 * of the GICv5 came with 6.7 and is in include/acpi/actbl2.h.
 */

#include "firmware/madt.h"

/* Address of the local interrupt controllers and flags follow the header. */
#define MADT_FIXED	44

/* All subtables start with type and length, one byte each. */
#define MADT_SUB_FIXED	2

#define MADT_MSI_FRAME_LEN	24
#define MADT_ITS_LEN		20
#define MADT_ITS_FRAME_LEN	24

/* V2M_MSI_SETSPI_NS in drivers/irqchip/irq-gic-v2m.c */
#define MADT_MSI_FRAME_SETSPI	0x40
/*
 * GITS_TRANSLATER in include/linux/irqchip/arm-gic-v3.h: the first 64 KiB of
 * an ITS are its control registers, the doorbell is in the second.
 */
#define MADT_ITS_TRANSLATER	0x10040

static int resv_madt_one(const u8 *t, size_t offset, size_t len,
			 int (*fn)(void *ctx,
				   const struct resv_madt_doorbell *doorbell),
			 void *ctx, struct resv_parse_err *err)
{
	const u8 *p = t + offset;
	struct resv_madt_doorbell found;
	size_t want, base_at;
	u64 reg;

	switch (p[0]) {
	case RESV_MADT_MSI_FRAME:
		want = MADT_MSI_FRAME_LEN;
		base_at = 8;
		reg = MADT_MSI_FRAME_SETSPI;
		break;
	case RESV_MADT_ITS:
		want = MADT_ITS_LEN;
		base_at = 8;
		reg = MADT_ITS_TRANSLATER;
		break;
	case RESV_MADT_ITS_FRAME:
		want = MADT_ITS_FRAME_LEN;
		base_at = 16;
		/*
		 * The kernel's its_trans_phys_base, the address that
		 * drivers/irqchip/irq-gic-v5-its.c gives to devices as is.
		 */
		reg = 0;
		break;
	default:
		/* Processors, redistributors and others without a doorbell. */
		return 0;
	}

	/* Later revisions may append to a subtable, so accept a longer one. */
	if (len < want) {
		resv_parse_fault(err, "doorbell subtable is too short",
				 offset);
		return 0;
	}

	found.offset = offset;
	found.type = p[0];
	found.base = resv_le64(p + base_at);
	if (!found.base) {
		resv_parse_fault(err, "doorbell has no base", offset);
		return 0;
	}
	if (reg > ULLONG_MAX - found.base) {
		resv_parse_fault(err, "doorbell wraps", offset);
		return 0;
	}
	found.doorbell = found.base + reg;
	return fn(ctx, &found);
}

/**
 * resv_parse_madt() - find the MSI doorbells
 * @table: the table, with its ACPI header
 * @len: bytes that may be read
 * @fn: receiver of each doorbell, in the order of the table; a value other
 *	than 0 stops the parser, which returns it
 * @ctx: given to the receiver
 * @err: cleared, then the first fault and the number of faults
 *
 * The parser skips a bad subtable by its length; if the length itself is bad,
 * it cannot find the rest of the table. It skips subtables of other types.
 *
 * Return: 0; -EBADMSG if the table has faults, after the receiver got all valid
 * subtables; else what the receiver returned.
 */
int resv_parse_madt(const void *table, size_t len,
		    int (*fn)(void *ctx,
			      const struct resv_madt_doorbell *doorbell),
		    void *ctx, struct resv_parse_err *err)
{
	const u8 *t = table;
	size_t offset, sub;
	int ret;

	memset(err, 0, sizeof(*err));
	len = resv_acpi_length(t, len, "APIC", MADT_FIXED, err);
	if (!len)
		return -EBADMSG;

	for (offset = MADT_FIXED; offset < len; offset += sub) {
		if (len - offset < MADT_SUB_FIXED) {
			resv_parse_fault(err, "subtable is truncated", offset);
			break;
		}
		sub = t[offset + 1];
		if (sub < MADT_SUB_FIXED) {
			resv_parse_fault(err, "subtable has no length",
					 offset);
			break;
		}
		if (sub > len - offset) {
			resv_parse_fault(err, "subtable extends past the end",
					 offset);
			break;
		}

		ret = resv_madt_one(t, offset, sub, fn, ctx, err);
		if (ret)
			return ret;
	}
	return err->count ? -EBADMSG : 0;
}
