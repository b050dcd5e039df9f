// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: is_livepatch_module() distinguishes livepatches from other modules.
 * Upstream: v4.7.
 */
#include <linux/module.h>
#include "probe.h"

PROBE(bool, probe_klp_module, (struct module *mod))
{
	return is_livepatch_module(mod);
}
