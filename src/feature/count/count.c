// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the calls of a function of a module, in test builds only: a test uses it to see
 * what happens to a place whose module is loaded and unloaded.
 *
 * The tap is filled in before it is given to the engine, and does not change after that.
 */
#include "feature/count/count.h"
#include "hook/fault.h"

static struct resv_tap tap = {
	.loss = "calls are not counted",
};

static const struct resv_tap *const taps[] = { &tap };

static bool count_wanted(enum resv_hook_mode mode)
{
	return mode != RESV_HOOKS_NONE;
}

static int count_init(void)
{
	resv_test_module_symbol(&tap.module, &tap.symbol);
	return 0;
}

static void count_prepare(struct resv_facts *c)
{
	if (tap.symbol)
		resv_tap_get(&tap, 0, NULL);
}

const struct resv_feature resv_feature_count = {
	.name = "count",
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.init = count_init,
	.wanted = count_wanted,
	.prepare = count_prepare,
};
