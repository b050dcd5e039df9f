// SPDX-License-Identifier: GPL-2.0-only
/* Negative control: compiles, and modpost must refuse it on any kernel. */
#include "probe.h"

int resv_symbol_that_nobody_exports(void);

PROBE(int, probe_insane_link, (void))
{
	return resv_symbol_that_nobody_exports();
}
