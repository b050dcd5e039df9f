// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the IORT parser. */

#include "target.h"
#include "facts_iort.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	facts_iort(data, size);
	return 0;
}
