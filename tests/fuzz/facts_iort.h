/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"
#include "firmware/iort.h"

#define FACTS_PAGE	4096ULL

static void facts_maps(struct resv_iort_maps maps)
{
	struct resv_iort_map map;
	u32 left = maps.nr;

	if (!maps.nr)
		return;
	facts_inside(maps.p, 20 * (size_t)maps.nr);
	while (resv_iort_next_map(&maps, &map)) {
		HOLDS(maps.nr < left);
		left = maps.nr;
		HOLDS(map.input_base + map.count >= map.input_base);
		HOLDS(map.output_base + map.count >= map.output_base);
		FACT("  map %x-%x to %x at %u%s\n", map.input_base,
		     map.input_base + map.count, map.output_base, map.parent,
		     map.flags & RESV_IORT_MAP_SINGLE ? " single" : "");
	}
}

static void facts_descs(struct resv_iort_descs descs)
{
	struct resv_iort_desc desc, rounded;
	u32 left = descs.nr;

	if (!descs.nr)
		return;
	facts_inside(descs.p, 20 * (size_t)descs.nr);
	while (resv_iort_next_desc(&descs, &desc)) {
		HOLDS(descs.nr < left);
		left = descs.nr;
		HOLDS(desc.end >= desc.start);
		rounded = desc;
		resv_iort_round_desc(&rounded, FACTS_PAGE);
		HOLDS(rounded.start <= desc.start && rounded.end >= desc.end);
		HOLDS(!(rounded.start & (FACTS_PAGE - 1)));
		HOLDS((rounded.end & (FACTS_PAGE - 1)) == FACTS_PAGE - 1);
		HOLDS(!desc.aligned || (rounded.start == desc.start &&
					rounded.end == desc.end));
		FACT("  range %llx-%llx%s\n", desc.start, desc.end,
		     desc.aligned ? "" : " unaligned");
	}
}

static int facts_node(void *ctx, const struct resv_iort_node *node)
{
	u32 i;

	(void)ctx;
	facts_offset(node->offset, 16);
	FACT("@%zu ", node->offset);
	switch (node->type) {
	case RESV_IORT_ITS_GROUP:
		facts_inside(node->its, 4 * (size_t)node->nr_its);
		FACT("its");
		for (i = 0; i < node->nr_its; i++)
			FACT(" %u", resv_iort_its(node, i));
		FACT("\n");
		HOLDS(!node->maps.nr);
		break;
	case RESV_IORT_NAMED:
		facts_inside(node->name, node->name_len + 1);
		HOLDS(strlen(node->name) == node->name_len);
		FACT("named %s bits %u\n", node->name, node->limit_bits);
		break;
	case RESV_IORT_ROOT_COMPLEX:
		FACT("root %x ats %x bits %u\n", node->segment, node->ats,
		     node->limit_bits);
		break;
	case RESV_IORT_SMMU:
		FACT("smmu %llx+%llx model %u flags %x\n", node->base,
		     node->span, node->model, node->smmu_flags);
		HOLDS(!node->maps.nr);
		break;
	case RESV_IORT_SMMU_V3:
		FACT("smmuv3 %llx model %u flags %x\n", node->base,
		     node->model, node->smmu_flags);
		HOLDS(!node->maps.nr);
		break;
	case RESV_IORT_RMR:
		FACT("rmr flags %x\n", node->rmr_flags);
		facts_descs(node->descs);
		break;
	default:
		HOLDS(!"a node of a type that is not told");
	}
	if (node->type != RESV_IORT_RMR)
		HOLDS(!node->descs.nr);
	facts_maps(node->maps);
	return 0;
}

/* Does a mapping of the node at @offset lead to the node at @parent? */
static bool facts_leads_to(size_t offset, size_t parent)
{
	const u8 *p = facts_table + offset, *map;
	u32 nr = resv_le32(p + 8);

	for (map = p + resv_le32(p + 12); nr; nr--, map += 20)
		if (resv_le32(map + 12) == parent)
			return true;
	return false;
}

static int facts_rmr(void *ctx, const struct resv_iort_rmr *rmr)
{
	(void)ctx;
	HOLDS(rmr->end >= rmr->start);
	HOLDS(rmr->sid_last >= rmr->sid_first);
	HOLDS(rmr->offset < facts_len && rmr->smmu_offset < facts_len);
	HOLDS(facts_leads_to(rmr->offset, rmr->smmu_offset));
	/* The parser's facts about the SMMU equal those in the table. */
	HOLDS(facts_table[rmr->smmu_offset] == rmr->smmu_type);
	HOLDS(facts_table[rmr->offset] == RESV_IORT_RMR);
	HOLDS(rmr->smmu_type == RESV_IORT_SMMU ||
	      rmr->smmu_type == RESV_IORT_SMMU_V3);
	HOLDS(resv_le64(facts_table + rmr->smmu_offset + 16) ==
	      rmr->smmu_base);
	FACT("rmr of %llx sid %x-%x %llx-%llx%s\n", rmr->smmu_base,
	     rmr->sid_first, rmr->sid_last, rmr->start, rmr->end,
	     rmr->flags & RESV_IORT_RMR_REMAP_PERMITTED ? " relaxable" : "");
	return 0;
}

static int facts_iort(const u8 *table, size_t len)
{
	static const struct resv_iort_ops ops = { .node = facts_node };
	struct resv_parse_err err, err_rmr;
	int ret, ret_rmr;

	facts_begin(table, len);
	ret = resv_parse_iort(table, len, &ops, NULL, &err);
	facts_end(ret, &err);

	/* The second walk finds the same faults and perhaps some more. */
	ret_rmr = resv_iort_each_rmr(table, len, FACTS_PAGE, facts_rmr, NULL,
				     &err_rmr);
	HOLDS(ret_rmr == 0 || ret_rmr == -EBADMSG);
	HOLDS(!ret_rmr == !err_rmr.count);
	HOLDS(err_rmr.count >= err.count);
	HOLDS(err_rmr.offset <= facts_len);
	if (err_rmr.count > err.count)
		FACT("%u faults, first at %zu: %s\n", err_rmr.count,
		     err_rmr.offset, err_rmr.what);
	return ret;
}
