// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parser of the ACPI IORT table.
 *
 * The layouts are those of Arm DEN 0049, issue E.d and later, sections 3 and
 * 3.1; they did not change from one issue to the next but grew at the end.
 */

#include "firmware/iort.h"

/* Number and offset of the nodes and 4 reserved bytes follow the header. */
#define IORT_FIXED		48

/* Type, length, revision, identifier, number and offset of mappings. */
#define IORT_NODE_FIXED		16
#define IORT_ITS_FIXED		20
#define IORT_NAMED_FIXED	29
#define IORT_RC_FIXED		32
#define IORT_SMMU_FIXED		60
#define IORT_SMMU_V3_FIXED	60
#define IORT_RMR_FIXED		28

#define IORT_MAP_SIZE		20
#define IORT_DESC_SIZE		20

/*
 * First table revision (issue E.d) with today's RMR nodes;
 * iort_find_rmrs() in drivers/acpi/arm64/iort.c requires it as well.
 */
#define IORT_RMR_REVISION	5

/*
 * Each range of memory applies to each range of streams, so a node of 64 KiB
 * could make millions of facts. Real nodes make a handful.
 */
#define IORT_RMR_MAX_PAIRS	4096

/* The next mapping, valid or not. */
static bool resv_iort_raw_map(struct resv_iort_maps *maps,
			      struct resv_iort_map *map)
{
	const u8 *p = maps->p;

	if (!maps->nr)
		return false;
	map->input_base = resv_le32(p);
	map->count = resv_le32(p + 4);
	map->output_base = resv_le32(p + 8);
	map->parent = resv_le32(p + 12);
	map->flags = resv_le32(p + 16);
	maps->p += IORT_MAP_SIZE;
	maps->nr--;
	return true;
}

static bool resv_iort_map_valid(const struct resv_iort_map *map)
{
	return map->count <= ~map->input_base &&
	       map->count <= ~map->output_base;
}

/**
 * resv_iort_next_map() - take the next id mapping of a node
 * @maps: the mappings that are left; moved behind the mapping that is returned
 * @map: filled in
 *
 * This skips mappings whose ids wrap; the parser has counted them as faults.
 *
 * Return: true, or false at the end.
 */
bool resv_iort_next_map(struct resv_iort_maps *maps,
			struct resv_iort_map *map)
{
	while (resv_iort_raw_map(maps, map))
		if (resv_iort_map_valid(map))
			return true;
	return false;
}

/* The next descriptor. Returns 0 if it is valid, 1 if it is not, -1 at the end. */
static int resv_iort_raw_desc(struct resv_iort_descs *descs,
			      struct resv_iort_desc *desc, const char **what)
{
	const u8 *p = descs->p;
	u64 bytes;

	if (!descs->nr)
		return -1;
	descs->p += IORT_DESC_SIZE;
	descs->nr--;

	desc->start = resv_le64(p);
	bytes = resv_le64(p + 8);
	if (!bytes) {
		*what = "RMR range has zero length";
		return 1;
	}
	if (bytes - 1 > ULLONG_MAX - desc->start) {
		*what = "RMR range wraps";
		return 1;
	}
	desc->end = desc->start + (bytes - 1);
	desc->aligned = !((desc->start | bytes) & 0xffff);
	return 0;
}

/**
 * resv_iort_next_desc() - take the next memory range of an RMR node
 * @descs: the ranges that are left; moved behind the range that is returned
 * @desc: filled in
 *
 * This skips ranges that are empty or wrap; the parser has counted them as
 * faults. Ranges may overlap: the kernel only warns
 * (iort_rmr_desc_check_overlap()).
 *
 * Return: true, or false at the end.
 */
bool resv_iort_next_desc(struct resv_iort_descs *descs,
			 struct resv_iort_desc *desc)
{
	const char *what;
	int ret;

	do {
		ret = resv_iort_raw_desc(descs, desc, &what);
	} while (ret > 0);
	return !ret;
}

/**
 * resv_iort_round_desc() - round a range as the kernel does
 * @desc: the range
 * @page_size: PAGE_SIZE of the kernel, a power of two
 *
 * Ranges must be multiples of 64 KiB so that every page size can map them.
 * The kernel accepts other ranges and extends them to its own pages
 * (iort_rmr_alloc() in drivers/acpi/arm64/iort.c).
 */
void resv_iort_round_desc(struct resv_iort_desc *desc, u64 page_size)
{
	if (desc->aligned)
		return;
	desc->start &= ~(page_size - 1);
	desc->end |= page_size - 1;
}

/* Find the id mappings of a node, and check that they are inside the node. */
static bool resv_iort_maps(struct resv_iort_node *node, const u8 *p,
			   size_t len, struct resv_parse_err *err)
{
	u32 nr = resv_le32(p + 8), start = resv_le32(p + 12);
	struct resv_iort_maps walk;
	struct resv_iort_map map;

	if (!nr)
		return true;
	if (start < IORT_NODE_FIXED || start > len ||
	    nr > (len - start) / IORT_MAP_SIZE) {
		resv_parse_fault(err, "id mappings are outside of the node",
				 node->offset);
		return false;
	}
	node->maps.p = p + start;
	node->maps.nr = nr;

	walk = node->maps;
	while (resv_iort_raw_map(&walk, &map))
		if (!resv_iort_map_valid(&map))
			resv_parse_fault(err, "id mapping wraps",
					 node->offset);
	return true;
}

static bool resv_iort_its_group(struct resv_iort_node *node, const u8 *p,
				size_t len, struct resv_parse_err *err)
{
	if (len < IORT_ITS_FIXED) {
		resv_parse_fault(err, "ITS group is too short", node->offset);
		return false;
	}
	node->nr_its = resv_le32(p + 16);
	if (node->nr_its > (len - IORT_ITS_FIXED) / 4) {
		resv_parse_fault(err, "ITS group extends past its end",
				 node->offset);
		return false;
	}
	node->its = p + IORT_ITS_FIXED;
	return true;
}

static bool resv_iort_named(struct resv_iort_node *node, const u8 *p,
			    size_t len, struct resv_parse_err *err)
{
	const char *name = (const char *)p + IORT_NAMED_FIXED;
	const char *end = NULL;

	if (len > IORT_NAMED_FIXED)
		end = memchr(name, 0, len - IORT_NAMED_FIXED);
	if (!end) {
		resv_parse_fault(err, "named component has no name",
				 node->offset);
		return false;
	}
	node->limit_bits = p[28];
	node->name = name;
	node->name_len = (size_t)(end - name);
	return resv_iort_maps(node, p, len, err);
}

static bool resv_iort_root_complex(struct resv_iort_node *node, const u8 *p,
				   size_t len, struct resv_parse_err *err)
{
	if (len < IORT_RC_FIXED) {
		resv_parse_fault(err, "root complex is too short",
				 node->offset);
		return false;
	}
	node->ats = resv_le32(p + 24);
	node->segment = resv_le32(p + 28);
	/* The limit was added in revision 1, see rc_dma_get_range() in iort.c. */
	if (node->revision >= 1 && len > IORT_RC_FIXED)
		node->limit_bits = p[32];
	return resv_iort_maps(node, p, len, err);
}

static bool resv_iort_smmu(struct resv_iort_node *node, const u8 *p,
			   size_t len, struct resv_parse_err *err)
{
	if (len < IORT_SMMU_FIXED) {
		resv_parse_fault(err, "SMMU is too short", node->offset);
		return false;
	}
	node->base = resv_le64(p + 16);
	node->span = resv_le64(p + 24);
	node->model = resv_le32(p + 32);
	node->smmu_flags = resv_le32(p + 36);
	return true;
}

static bool resv_iort_smmu_v3(struct resv_iort_node *node, const u8 *p,
			      size_t len, struct resv_parse_err *err)
{
	/* Revision 0 ends here; later ones add proximity and device id index. */
	if (len < IORT_SMMU_V3_FIXED) {
		resv_parse_fault(err, "SMMUv3 is too short", node->offset);
		return false;
	}
	node->base = resv_le64(p + 16);
	node->smmu_flags = resv_le32(p + 24);
	node->model = resv_le32(p + 40);
	return true;
}

static bool resv_iort_rmr(struct resv_iort_node *node, const u8 *p, size_t len,
			  struct resv_parse_err *err)
{
	struct resv_iort_descs walk;
	struct resv_iort_desc desc;
	const char *what;
	u32 nr, start;
	int ret;

	if (len < IORT_RMR_FIXED) {
		resv_parse_fault(err, "RMR is too short", node->offset);
		return false;
	}
	node->rmr_flags = resv_le32(p + 16);
	nr = resv_le32(p + 20);
	start = resv_le32(p + 24);
	if (nr && (start < IORT_NODE_FIXED || start > len ||
		   nr > (len - start) / IORT_DESC_SIZE)) {
		resv_parse_fault(err, "RMR ranges are outside of the node",
				 node->offset);
		return false;
	}
	/* The kernel skips such nodes too: iort_node_get_rmr_info(). */
	if (!resv_le32(p + 8)) {
		resv_parse_fault(err, "RMR has no id mapping", node->offset);
		return false;
	}
	if ((u64)nr * resv_le32(p + 8) > IORT_RMR_MAX_PAIRS) {
		resv_parse_fault(err, "RMR has too many pairs", node->offset);
		return false;
	}
	if (!resv_iort_maps(node, p, len, err))
		return false;
	if (!nr)
		return true;

	node->descs.p = p + start;
	node->descs.nr = nr;
	walk = node->descs;
	for (;;) {
		ret = resv_iort_raw_desc(&walk, &desc, &what);
		if (ret < 0)
			break;
		if (ret)
			resv_parse_fault(err, what, node->offset);
	}
	return true;
}

/**
 * resv_parse_iort() - find the nodes
 * @table: the table, with its ACPI header
 * @len: bytes that may be read
 * @ops: receivers
 * @ctx: given to the receivers
 * @err: cleared, then the first fault and the number of faults
 *
 * The parser skips a bad node by its length; if the length itself is bad, it
 * cannot find the rest of the table. It skips nodes of unknown type and PMCG
 * nodes, and in tables before revision 5 also RMR nodes. A bad mapping or
 * range is a fault, but the parser still reports its node.
 *
 * The parser does not read the id mappings of SMMU and ITS group nodes; those
 * of an SMMU are for its own interrupts.
 *
 * Return: 0; -EBADMSG if the table has faults, after the receivers got all
 * valid nodes; else what a receiver returned.
 */
int resv_parse_iort(const void *table, size_t len,
		    const struct resv_iort_ops *ops, void *ctx,
		    struct resv_parse_err *err)
{
	struct resv_iort_node node;
	const u8 *t = table, *p;
	size_t offset, sub;
	bool good;
	u32 left;
	int ret;

	memset(err, 0, sizeof(*err));
	len = resv_acpi_length(t, len, "IORT", IORT_FIXED, err);
	if (!len)
		return -EBADMSG;

	left = resv_le32(t + 36);
	offset = resv_le32(t + 40);
	if (left && (offset < IORT_FIXED || offset > len)) {
		resv_parse_fault(err, "nodes are outside of the table", 40);
		return -EBADMSG;
	}

	for (; left; left--, offset += sub) {
		p = t + offset;
		if (len - offset < IORT_NODE_FIXED) {
			resv_parse_fault(err, "node is truncated", offset);
			break;
		}
		sub = resv_le16(p + 1);
		if (sub < IORT_NODE_FIXED) {
			resv_parse_fault(err, "node has no length", offset);
			break;
		}
		if (sub > len - offset) {
			resv_parse_fault(err, "node extends past the end", offset);
			break;
		}

		memset(&node, 0, sizeof(node));
		node.offset = offset;
		node.type = p[0];
		node.revision = p[3];
		node.id = resv_le32(p + 4);

		switch (node.type) {
		case RESV_IORT_ITS_GROUP:
			good = resv_iort_its_group(&node, p, sub, err);
			break;
		case RESV_IORT_NAMED:
			good = resv_iort_named(&node, p, sub, err);
			break;
		case RESV_IORT_ROOT_COMPLEX:
			good = resv_iort_root_complex(&node, p, sub, err);
			break;
		case RESV_IORT_SMMU:
			good = resv_iort_smmu(&node, p, sub, err);
			break;
		case RESV_IORT_SMMU_V3:
			good = resv_iort_smmu_v3(&node, p, sub, err);
			break;
		case RESV_IORT_RMR:
			good = t[8] >= IORT_RMR_REVISION &&
			       resv_iort_rmr(&node, p, sub, err);
			break;
		default:
			good = false;
			break;
		}
		if (good && ops->node) {
			ret = ops->node(ctx, &node);
			if (ret)
				return ret;
		}
	}
	return err->count ? -EBADMSG : 0;
}

/* Where an SMMU is, in the table and in memory. */
struct resv_iort_place {
	size_t offset;
	u64 base;
	u8 type;
};

struct resv_iort_walk {
	struct resv_iort_place *smmu;
	unsigned int nr, cap;
	u64 page_size;
	int (*fn)(void *ctx, const struct resv_iort_rmr *rmr);
	void *ctx;
	struct resv_parse_err *err;
};

/* First pass: collect the SMMUs, in the order of their offsets. */
static int resv_iort_collect_smmu(void *ctx, const struct resv_iort_node *node)
{
	struct resv_iort_walk *walk = ctx;
	struct resv_iort_place *smmu;
	unsigned int cap;

	if (node->type != RESV_IORT_SMMU && node->type != RESV_IORT_SMMU_V3)
		return 0;

	if (walk->nr == walk->cap) {
		/* A table of 4 GiB has fewer than 2^27 nodes. */
		cap = walk->cap ? walk->cap * 2 : 4;
		smmu = resv_realloc(walk->smmu, cap * sizeof(*smmu));
		if (!smmu)
			return -ENOMEM;
		walk->smmu = smmu;
		walk->cap = cap;
	}
	smmu = &walk->smmu[walk->nr++];
	smmu->offset = node->offset;
	smmu->base = node->base;
	smmu->type = node->type;
	return 0;
}

static const struct resv_iort_place *
resv_iort_find_smmu(const struct resv_iort_walk *walk, size_t offset)
{
	unsigned int lo = 0, hi = walk->nr, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (walk->smmu[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == walk->nr || walk->smmu[lo].offset != offset)
		return NULL;
	return &walk->smmu[lo];
}

/* Second pass: report every range of every RMR node for every mapping of the node. */
static int resv_iort_emit_rmr(void *ctx, const struct resv_iort_node *node)
{
	struct resv_iort_maps maps = node->maps;
	const struct resv_iort_walk *walk = ctx;
	const struct resv_iort_place *smmu;
	struct resv_iort_descs descs;
	struct resv_iort_desc desc;
	struct resv_iort_rmr rmr;
	struct resv_iort_map map;
	int ret;

	if (node->type != RESV_IORT_RMR)
		return 0;

	while (resv_iort_next_map(&maps, &map)) {
		smmu = resv_iort_find_smmu(walk, map.parent);
		if (!smmu) {
			resv_parse_fault(walk->err, "RMR maps to no SMMU",
					 node->offset);
			continue;
		}
		descs = node->descs;
		while (resv_iort_next_desc(&descs, &desc)) {
			resv_iort_round_desc(&desc, walk->page_size);
			rmr.offset = node->offset;
			rmr.smmu_offset = smmu->offset;
			rmr.smmu_base = smmu->base;
			rmr.smmu_type = smmu->type;
			rmr.flags = node->rmr_flags;
			rmr.sid_first = map.output_base;
			rmr.sid_last = map.output_base + map.count;
			rmr.start = desc.start;
			rmr.end = desc.end;
			ret = walk->fn(walk->ctx, &rmr);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/**
 * resv_iort_each_rmr() - report which streams of which SMMU need which memory 1:1
 * @table: the table, with its ACPI header
 * @len: bytes that may be read
 * @page_size: PAGE_SIZE of the kernel, see resv_iort_round_desc()
 * @fn: called for each memory range of each range of stream ids. A value
 *	other than 0 stops the walk.
 * @ctx: given to @fn
 * @err: cleared, then the first fault and the number of faults
 *
 * iort_iommu_rmr_get_resv_regions() of kernel 6.0 and later reports the same
 * to an SMMU driver for a device with a stream id in that range. The kernel
 * skips PCI devices unless the firmware forbids renumbering their buses (_DSM
 * function 5), because otherwise the stream ids may be wrong.
 *
 * Return: 0; -EBADMSG if the table has faults, after @fn got all valid ranges; -ENOMEM;
 * else what @fn returned.
 */
int resv_iort_each_rmr(const void *table, size_t len, u64 page_size,
		       int (*fn)(void *ctx, const struct resv_iort_rmr *rmr),
		       void *ctx, struct resv_parse_err *err)
{
	const struct resv_iort_ops collect = { resv_iort_collect_smmu };
	const struct resv_iort_ops emit = { resv_iort_emit_rmr };
	struct resv_iort_walk walk;
	int ret;

	memset(&walk, 0, sizeof(walk));
	walk.page_size = page_size;
	walk.fn = fn;
	walk.ctx = ctx;
	walk.err = err;

	ret = resv_parse_iort(table, len, &collect, &walk, err);
	if (!ret || ret == -EBADMSG)
		ret = resv_parse_iort(table, len, &emit, &walk, err);
	resv_free(walk.smmu);
	return ret;
}
