/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"
#include "firmware/madt.h"

static int facts_doorbell(void *ctx, const struct resv_madt_doorbell *doorbell)
{
	size_t bytes = 24;
	u64 reg = 0;

	(void)ctx;
	switch (doorbell->type) {
	case 13:
		reg = 0x40;
		break;
	case 15:
		bytes = 20;
		reg = 0x10040;
		break;
	default:
		HOLDS(doorbell->type == 30);
		break;
	}
	facts_offset(doorbell->offset, bytes);
	HOLDS(doorbell->base);
	HOLDS(doorbell->doorbell >= doorbell->base);
	HOLDS(doorbell->doorbell - doorbell->base == reg);
	FACT("@%zu type %u base %llx doorbell %llx\n", doorbell->offset,
	     doorbell->type, doorbell->base, doorbell->doorbell);
	return 0;
}

static int facts_madt(const u8 *table, size_t len)
{
	struct resv_parse_err err;
	int ret;

	facts_begin(table, len);
	ret = resv_parse_madt(table, len, facts_doorbell, NULL, &err);
	facts_end(ret, &err);
	return ret;
}
