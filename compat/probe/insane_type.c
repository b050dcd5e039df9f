// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control: a function of another type.  If this compiles, callbacks and arguments of
 * any type are accepted, and two probes that distinguish interfaces by their types both
 * succeed.
 */
#include "probe.h"

static int probe_of_another_type(long *arg)
{
	return *arg != 0;
}

PROBE(void, probe_insane_type, (int (**callback)(char *arg)))
{
	*callback = probe_of_another_type;
}
