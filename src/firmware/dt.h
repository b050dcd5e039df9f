/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parser of the device tree property `iommu-addresses` (dt-schema,
 * reserved-memory/reserved-memory.yaml).
 */
#ifndef RESV_FIRMWARE_DT_H
#define RESV_FIRMWARE_DT_H

#include "model/base.h"

/**
 * struct resv_dt_ops - how to read the property and where to put it
 * @cells: get the number of cells of an address and of a size of the device
 *	with this phandle: #address-cells and #size-cells of its parent bus (for
 *	a PCI device these are 3 and 2). A negative value, e.g. because there is
 *	no such device, stops the parser: it cannot know where the next entry
 *	starts.
 * @entry: one range of addresses of that device. A value other than 0 stops
 *	the parser, which returns it.
 */
struct resv_dt_ops {
	int (*cells)(void *ctx, u32 phandle, unsigned int *na,
		     unsigned int *ns);
	int (*entry)(void *ctx, u32 phandle, u64 start, u64 end);
};

int resv_parse_dt(const void *prop, size_t len, const struct resv_dt_ops *ops,
		  void *ctx, struct resv_parse_err *err);

#endif /* RESV_FIRMWARE_DT_H */
