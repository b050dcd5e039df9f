/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"
#include "firmware/ivrs.h"

/* Numbers of IVHDs, of those whose image has the bit, and of those with an image */
static unsigned int facts_ivhds, facts_spare, facts_images;

static int facts_ivrs_header(void *ctx, const struct resv_ivrs_header *header)
{
	(void)ctx;
	HOLDS(header->pa_bits < 128 && header->va_bits < 128);
	HOLDS(!facts_last);
	FACT("ivrs %u pa %u va %u\n", header->revision, header->pa_bits,
	     header->va_bits);
	return 0;
}

static int facts_ivhd(void *ctx, const struct resv_ivrs_ivhd *ivhd)
{
	(void)ctx;
	facts_offset(ivhd->offset, ivhd->has_efr ? 40 : 24);
	HOLDS(ivhd->has_efr == (ivhd->type != 0x10));
	facts_ivhds++;
	facts_images += ivhd->has_efr && ivhd->efr;
	facts_spare += ivhd->has_efr && ivhd->efr2 & 0x800;
	FACT("ivhd %02x %04x:%04x %llx cap %x flags %02x info %x feat %x",
	     ivhd->type, ivhd->segment, ivhd->devid, ivhd->base,
	     ivhd->cap_offset, ivhd->flags, ivhd->info, ivhd->features);
	if (ivhd->has_efr)
		FACT(" efr %llx %llx", ivhd->efr, ivhd->efr2);
	FACT("\n");
	return 0;
}

static int facts_acpi(void *ctx, const struct resv_ivrs_acpi *acpi)
{
	(void)ctx;
	/* The offset of an entry is above that of its IVHD. */
	facts_offset(acpi->offset, 22);
	HOLDS(acpi->hid[0] && !acpi->hid[RESV_IVRS_HID - 1]);
	HOLDS(!acpi->uid[RESV_IVRS_UID - 1]);
	FACT("acpi %04x:%04x '%s' '%s'\n", acpi->segment, acpi->devid,
	     acpi->hid, acpi->uid);
	return 0;
}

static int facts_ivmd(void *ctx, const struct resv_ivrs_ivmd *ivmd)
{
	(void)ctx;
	facts_offset(ivmd->offset, 32);
	HOLDS(ivmd->end >= ivmd->start);
	HOLDS(ivmd->devid_last >= ivmd->devid_first);
	HOLDS(ivmd->type >= 0x20 && ivmd->type <= 0x22);
	FACT("ivmd %04x:%04x-%04x %llx-%llx flags %x\n", ivmd->segment,
	     ivmd->devid_first, ivmd->devid_last, ivmd->start, ivmd->end,
	     ivmd->flags);
	return 0;
}

static int facts_ivrs(const u8 *table, size_t len)
{
	static const struct resv_ivrs_ops ops = {
		.header = facts_ivrs_header,
		.ivhd = facts_ivhd,
		.acpi = facts_acpi,
		.ivmd = facts_ivmd,
	};
	struct resv_parse_err err;
	enum resv_ht_range range;
	int ret;

	facts_begin(table, len);
	facts_ivhds = 0;
	facts_spare = 0;
	facts_images = 0;
	ret = resv_parse_ivrs(table, len, &ops, NULL, &err);
	facts_end(ret, &err);
	range = resv_ivrs_ht_range(table, len);
	HOLDS(range <= RESV_HT_FREE);
	/* In a table with faults, or without images, the range is unknown. */
	HOLDS(range == RESV_HT_UNKNOWN || (!ret && facts_images && table[36] & 1));
	HOLDS(range != RESV_HT_FREE || facts_spare);
	HOLDS(range != RESV_HT_TAKEN || facts_spare < facts_ivhds);
	return ret;
}
