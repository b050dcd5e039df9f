// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the MADT parser. */

#include "target.h"
#include "facts_madt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	facts_madt(data, size);
	return 0;
}
