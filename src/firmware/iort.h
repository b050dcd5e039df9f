/* SPDX-License-Identifier: GPL-2.0-only */
/* Parser of the ACPI IORT table (Arm IO Remapping Table, DEN 0049). */
#ifndef RESV_FIRMWARE_IORT_H
#define RESV_FIRMWARE_IORT_H

#include "model/base.h"

#define RESV_IORT_ITS_GROUP	0
#define RESV_IORT_NAMED		1
#define RESV_IORT_ROOT_COMPLEX	2
#define RESV_IORT_SMMU		3	/* SMMUv1 and v2 */
#define RESV_IORT_SMMU_V3	4
#define RESV_IORT_PMCG		5
#define RESV_IORT_RMR		6

#define RESV_IORT_MAP_SINGLE	1	/* flag of an id mapping */

/* Flags of an RMR node. */
#define RESV_IORT_RMR_REMAP_PERMITTED	1	/* direct-relaxable */
#define RESV_IORT_RMR_PRIVILEGED	2
#define RESV_IORT_RMR_ATTR(flags)	(((flags) >> 2) & 0xff)

/**
 * struct resv_iort_maps - the id mappings of a node
 * @p: the mappings inside the table, bounds checked by the parser
 * @nr: number of mappings left
 *
 * Valid as long as the table is. Walk a copy with resv_iort_next_map().
 */
struct resv_iort_maps {
	const u8 *p;
	u32 nr;
};

/**
 * struct resv_iort_map - one id mapping
 * @input_base: first input id
 * @output_base: first output id
 * @count: number of ids minus one, as the table has it; both base + @count
 *	fit in 32 bits
 * @parent: offset in the table of the node that the ids go to
 * @flags: RESV_IORT_MAP_*
 */
struct resv_iort_map {
	u32 input_base;
	u32 output_base;
	u32 count;
	u32 parent;
	u32 flags;
};

/**
 * struct resv_iort_descs - the memory ranges of an RMR node
 * @p: the ranges inside the table, bounds checked by the parser
 * @nr: number of ranges left
 *
 * Valid as long as the table is. Walk a copy with resv_iort_next_desc().
 */
struct resv_iort_descs {
	const u8 *p;
	u32 nr;
};

/**
 * struct resv_iort_node - one node; the type tells which members are set
 * @offset: offset of the node in the table, to which @parent of a mapping refers
 * @type: RESV_IORT_*
 * @revision: revision of the node's format
 * @id: identifier, 0 on tables before revision E.b
 * @maps: id mappings; always empty for ITS groups and SMMUs
 * @base: SMMUs: physical address of the registers
 * @span: SMMUv1/2: bytes of registers
 * @model: SMMUs: implementation
 * @smmu_flags: SMMUs: flags
 * @segment: root complex: PCI segment
 * @ats: root complex: ATS attribute
 * @limit_bits: root complex of revision 1 and up, named component: number
 *	of address bits; 0 if unknown
 * @name: named component: path in the ACPI namespace, @name_len characters,
 *	not zero-terminated
 * @name_len: named component: length of the path
 * @its: ITS group: @nr_its identifiers, read them with resv_iort_its()
 * @nr_its: ITS group: number of ITSs
 * @rmr_flags: RMR: RESV_IORT_RMR_*
 * @descs: RMR: memory range descriptors, walk them with
 *	resv_iort_next_desc()
 */
struct resv_iort_node {
	size_t offset;
	u8 type;
	u8 revision;
	u32 id;
	struct resv_iort_maps maps;
	u64 base;
	u64 span;
	u32 model;
	u32 smmu_flags;
	u32 segment;
	u32 ats;
	u8 limit_bits;
	const char *name;
	size_t name_len;
	const u8 *its;
	u32 nr_its;
	u32 rmr_flags;
	struct resv_iort_descs descs;
};

/**
 * struct resv_iort_desc - one memory range of an RMR node
 * @start: first address, as the table has it
 * @end: last address, inclusive
 * @aligned: start and length are multiples of 64 KiB, as the specification
 *	requires; the kernel rounds others to its pages, see
 *	resv_iort_round_desc()
 */
struct resv_iort_desc {
	u64 start;
	u64 end;
	bool aligned;
};

/**
 * struct resv_iort_ops - receivers of the nodes found, each may be NULL
 * @node: one node of a type listed above; others are skipped
 *
 * A value other than 0 stops the parser, which returns it.
 */
struct resv_iort_ops {
	int (*node)(void *ctx, const struct resv_iort_node *node);
};

int resv_parse_iort(const void *table, size_t len,
		    const struct resv_iort_ops *ops, void *ctx,
		    struct resv_parse_err *err);

bool resv_iort_next_map(struct resv_iort_maps *maps,
			struct resv_iort_map *map);
bool resv_iort_next_desc(struct resv_iort_descs *descs,
			 struct resv_iort_desc *desc);
void resv_iort_round_desc(struct resv_iort_desc *desc, u64 page_size);

/**
 * resv_iort_its() - identifier of one ITS of a group
 * @node: a node of type RESV_IORT_ITS_GROUP
 * @i: which one, less than @node->nr_its
 *
 * Return: the identifier
 */
static inline u32 resv_iort_its(const struct resv_iort_node *node, u32 i)
{
	return resv_le32(node->its + 4 * (size_t)i);
}

/**
 * struct resv_iort_rmr - memory that streams of one SMMU must reach 1:1
 * @offset: offset of the RMR node in the table
 * @smmu_offset: offset of the node of the SMMU
 * @smmu_base: physical address of the registers of the SMMU
 * @smmu_type: RESV_IORT_SMMU or RESV_IORT_SMMU_V3
 * @flags: RESV_IORT_RMR_*
 * @sid_first: first stream id
 * @sid_last: last stream id, inclusive
 * @start: first address, rounded the way the kernel rounds it
 * @end: last address, inclusive
 */
struct resv_iort_rmr {
	size_t offset;
	size_t smmu_offset;
	u64 smmu_base;
	u8 smmu_type;
	u32 flags;
	u32 sid_first;
	u32 sid_last;
	u64 start;
	u64 end;
};

int resv_iort_each_rmr(const void *table, size_t len, u64 page_size,
		       int (*fn)(void *ctx, const struct resv_iort_rmr *rmr),
		       void *ctx, struct resv_parse_err *err);

#endif /* RESV_FIRMWARE_IORT_H */
