// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the parser of iommu-addresses. */

#include "target.h"
#include "facts_dt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	facts_dt(data, size);
	return 0;
}
