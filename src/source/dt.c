// SPDX-License-Identifier: GPL-2.0-only
/*
 * `iommu-addresses` of the device tree: a device names a node under /reserved-memory
 * in its memory-region property.  The node gives addresses of that device which must
 * stay free or be mapped 1:1.  The kernel reports them since v6.3
 * (of_iommu_get_resv_regions()).
 */
#include <linux/of.h>
#include <linux/of_address.h>
#include "compat/compat.h"
#include "firmware/dt.h"
#include "source/source.h"

struct dt_walk {
	struct resv_facts *c;
	struct device *dev;
	struct device_node *memory;	/* the reserved-memory node */
	int name;
};

/* Get the number of cells of a range, as the parent bus of the device defines it. */
static int dt_cells(void *ctx, u32 phandle, unsigned int *na, unsigned int *ns)
{
	struct device_node *np = of_find_node_by_phandle(phandle);
	int ret = -ENOENT;

	if (!np)
		return ret;
	*na = of_n_addr_cells(np);
	*ns = of_n_size_cells(np);
	of_node_put(np);
	return 0;
}

/* Are the addresses equal to those of the memory?  Then they must stay mapped 1:1. */
static bool same_as_memory(const struct device_node *memory, u64 start, u64 end)
{
	struct resource res;

	return !of_address_to_resource((struct device_node *)memory, 0, &res) &&
	       res.start == start && res.end == end;
}

static int dt_entry(void *ctx, u32 phandle, u64 start, u64 end)
{
	struct dt_walk *walk = ctx;
	struct device_node *np = of_find_node_by_phandle(phandle);
	bool ours = np == walk->dev->of_node;
	enum resv_type type;

	of_node_put(np);
	if (!ours)
		return 0;
	type = same_as_memory(walk->memory, start, end) ? RESV_DIRECT :
							  RESV_RESERVED;
	/* A kernel that does not know the property does not list the region. */
	if (!RESV_HAVE(OF_RESV_REGIONS))
		return resv_facts_advise(walk->c, walk->name, start, end, type,
					   RESV_ORIGIN_DT);
	return resv_facts_claim(walk->c, walk->name, start, end, type,
				  RESV_ORIGIN_DT);
}

static int dt_device(struct resv_facts *c, struct device *dev)
{
	static const struct resv_dt_ops ops = {
		.cells = dt_cells,
		.entry = dt_entry,
	};
	struct dt_walk walk = { .c = c, .dev = dev };
	struct resv_parse_err err;
	const void *prop;
	int i, len, ret;

	if (!dev->of_node)
		return 0;
	walk.name = resv_facts_name(c, dev_name(dev));
	if (walk.name < 0)
		return walk.name;
	for (i = 0; ; i++) {
		walk.memory = of_parse_phandle(dev->of_node, "memory-region", i);
		if (!walk.memory)
			break;
		ret = 0;
		prop = of_get_property(walk.memory, "iommu-addresses", &len);
		if (prop && len > 0) {
			ret = resv_parse_dt(prop, len, &ops, &walk, &err);
			if (err.count && c->first)
				dev_warn(dev, "%pOF: iommu-addresses: %s at offset 0x%zx, the rest of it is ignored\n",
					 walk.memory, err.what, err.offset);
		}
		of_node_put(walk.memory);
		if (ret == -ENOMEM)
			return ret;
	}
	return 0;
}

static void dt_status(struct resv_status *f)
{
	resv_status_add(f, "iommu-addresses",
			of_have_populated_dt() ? RESV_STATUS_ADDED : RESV_STATUS_INERT,
			 of_have_populated_dt() ?
			 "origin of regions from the device tree" :
			 "machine has no device tree");
}

const struct resv_source resv_source_dt = {
	.name = "dt",
	.device = dt_device,
	.status = dt_status,
};
