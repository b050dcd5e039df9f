// SPDX-License-Identifier: GPL-2.0-only
/* Parser of the device tree property `iommu-addresses`. */

#include "firmware/dt.h"

/* OF_MAX_ADDR_CELLS in drivers/of/address.c */
#define DT_MAX_CELLS	4

/*
 * Read a number of up to 64 bits. If an address has three cells, the first one
 * gives space and function on a PCI bus, and is not part of the address (IEEE
 * 1275 PCI bus binding, section 2.2.1.1). The kernel drops it as well
 * (of_read_number() shifts it out).
 */
static u64 resv_dt_number(const u8 *p, unsigned int cells)
{
	u64 value = 0;

	for (; cells; cells--, p += 4)
		value = value << 32 | resv_be32(p);
	return value;
}

/**
 * resv_parse_dt() - parse an `iommu-addresses` property
 * @prop: the value of the property
 * @len: its length in bytes
 * @ops: gives the number of cells, and receives the entries
 * @ctx: given to both callbacks
 * @err: cleared, then the first fault and the number of faults
 *
 * Each entry is a phandle, an address and a length. The addresses are those
 * of the bus of the device; the kernel passes them through `dma-ranges` up to
 * the root (of_translate_dma_region(), since 6.3), which is an identity
 * wherever that property is missing or empty.
 *
 * When the kernel looks for the entries of one device, it reads the cells of
 * other devices' entries as phandles (of_iommu_get_resv_regions()), so a
 * number that happens to equal a phandle misleads it. This parser knows the
 * size of each entry before it reads the next one.
 *
 * The parser skips an entry of zero length, one that wraps and one with an
 * unsupported number of cells.
 *
 * Return: 0; -EBADMSG if the property has faults, after the receiver got all
 * valid entries; else what @ops->entry returned.
 */
int resv_parse_dt(const void *prop, size_t len, const struct resv_dt_ops *ops,
		  void *ctx, struct resv_parse_err *err)
{
	size_t offset = 0, entry;
	unsigned int na, ns;
	const u8 *p = prop;
	u64 start, bytes;
	u32 phandle;
	int ret;

	memset(err, 0, sizeof(*err));
	while (offset < len) {
		if (len - offset < 4) {
			resv_parse_fault(err, "property ends inside a cell",
					 offset);
			break;
		}
		phandle = resv_be32(p + offset);
		na = 0;
		ns = 0;
		if (ops->cells(ctx, phandle, &na, &ns) < 0) {
			resv_parse_fault(err, "unknown phandle", offset);
			break;
		}
		if (!na || na > DT_MAX_CELLS || !ns || ns > DT_MAX_CELLS) {
			resv_parse_fault(err, "impossible number of cells",
					 offset);
			break;
		}
		entry = 4 * (size_t)(1 + na + ns);
		if (entry > len - offset) {
			resv_parse_fault(err, "entry extends past the end", offset);
			break;
		}
		/* No bus has sizes or addresses beyond 64 bits. */
		if (na > 3 || ns > 2) {
			resv_parse_fault(err, "unsupported number of cells",
					 offset);
			offset += entry;
			continue;
		}

		start = resv_dt_number(p + offset + 4, na);
		bytes = resv_dt_number(p + offset + 4 + 4 * (size_t)na, ns);
		if (!bytes) {
			resv_parse_fault(err, "entry has zero length", offset);
		} else if (bytes - 1 > ULLONG_MAX - start) {
			resv_parse_fault(err, "entry wraps", offset);
		} else {
			ret = ops->entry(ctx, phandle, start,
					 start + (bytes - 1));
			if (ret)
				return ret;
		}
		offset += entry;
	}
	return err->count ? -EBADMSG : 0;
}
