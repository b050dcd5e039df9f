// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the IVRS parser. */

#include "target.h"
#include "facts_ivrs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	facts_ivrs(data, size);
	return 0;
}
