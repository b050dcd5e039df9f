// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the DMAR parser. */

#include "target.h"
#include "facts_dmar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	facts_dmar(data, size);
	return 0;
}
