/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"
#include "firmware/dmar.h"

static void facts_scopes(struct resv_dmar_scopes scopes)
{
	struct resv_dmar_scope scope;
	unsigned int i;
	size_t left;

	facts_inside(scopes.p, scopes.len);
	left = scopes.len;
	while (resv_dmar_next_scope(&scopes, &scope)) {
		HOLDS(scopes.len < left);
		left = scopes.len;
		facts_inside(scope.path, 2 * (size_t)scope.depth);
		FACT("  scope %u id %u bus %02x", scope.type, scope.id,
		     scope.bus);
		for (i = 0; i < scope.depth; i++) {
			u8 devfn = resv_dmar_path(&scope, i);

			FACT(" %02x.%x", devfn >> 3, devfn & 7);
		}
		FACT("\n");
	}
	/* The parser has checked all scopes before it reports the structure. */
	HOLDS(!scopes.len);
}

static int facts_dmar_header(void *ctx, unsigned int width, u8 flags)
{
	(void)ctx;
	HOLDS(width >= 1 && width <= 256);
	HOLDS(!facts_last);
	FACT("width %u flags %02x\n", width, flags);
	return 0;
}

static int facts_drhd(void *ctx, const struct resv_dmar_drhd *drhd)
{
	(void)ctx;
	facts_offset(drhd->offset, 16);
	HOLDS(drhd->size >= 4096 && !(drhd->size & (drhd->size - 1)));
	HOLDS(drhd->base + (drhd->size - 1) >= drhd->base);
	FACT("drhd %04x %llx+%llx%s\n", drhd->segment, drhd->base, drhd->size,
	     drhd->include_all ? " all" : "");
	facts_scopes(drhd->scopes);
	return 0;
}

static int facts_rmrr(void *ctx, const struct resv_dmar_rmrr *rmrr)
{
	(void)ctx;
	facts_offset(rmrr->offset, 24);
	HOLDS(rmrr->end >= rmrr->start);
	FACT("rmrr %04x %llx-%llx\n", rmrr->segment, rmrr->start, rmrr->end);
	facts_scopes(rmrr->scopes);
	return 0;
}

static int facts_dmar(const u8 *table, size_t len)
{
	static const struct resv_dmar_ops ops = {
		.header = facts_dmar_header,
		.drhd = facts_drhd,
		.rmrr = facts_rmrr,
	};
	struct resv_parse_err err;
	int ret;

	facts_begin(table, len);
	ret = resv_parse_dmar(table, len, &ops, NULL, &err);
	facts_end(ret, &err);
	return ret;
}
