/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"
#include "firmware/dt.h"

/*
 * The phandle tells how many cells: 0xAS.. with A address and S size cells.
 * 0xff...... is unknown.
 */
static int facts_dt_cells(void *ctx, u32 phandle, unsigned int *na,
			  unsigned int *ns)
{
	(void)ctx;
	if (phandle >> 24 == 0xff)
		return -ENOENT;
	*na = phandle >> 28;
	*ns = phandle >> 24 & 0xf;
	return 0;
}

static int facts_dt_entry(void *ctx, u32 phandle, u64 start, u64 end)
{
	unsigned int na = phandle >> 28, ns = phandle >> 24 & 0xf;
	size_t *entries = ctx;

	HOLDS(na >= 1 && na <= 3 && ns >= 1 && ns <= 2);
	HOLDS(end >= start);
	if (na == 1)
		HOLDS(start >> 32 == 0);
	if (ns == 1)
		HOLDS(end - start < 1ULL << 32);
	/* Entries do not overlap, and each has at least 12 bytes. */
	HOLDS(++*entries <= facts_len / 12);
	FACT("%08x %llx-%llx\n", phandle, start, end);
	return 0;
}

static int facts_dt(const u8 *prop, size_t len)
{
	static const struct resv_dt_ops ops = {
		.cells = facts_dt_cells,
		.entry = facts_dt_entry,
	};
	struct resv_parse_err err;
	size_t entries = 0;
	int ret;

	facts_begin(prop, len);
	ret = resv_parse_dt(prop, len, &ops, &entries, &err);
	facts_end(ret, &err);
	return ret;
}
