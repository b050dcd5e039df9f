// SPDX-License-Identifier: GPL-2.0-only
/*
 * How groups and features follow the mode of the hooks.
 *
 * A feature has no tap in a mode that it does not want.  When the mode changes, this file
 * waits for tasks that began to look at a group in the old mode, and then puts the taps
 * of features that want none in the new mode.
 */
#include <linux/kernel.h>
#include "group/attach.h"
#include "group/feature.h"
#include "group/registry.h"
#include "hook/mode.h"
#include "hook/tap.h"

/* Would this mode end something that is in force? */
static int in_force(enum resv_hook_mode mode)
{
	const struct resv_feature *f;
	unsigned int i;
	int ret;

	/* Wait for changes that began in the old mode, so that features count them. */
	resv_groups_quiesce();
	for (i = 0; (f = resv_feature_at(i)); i++) {
		ret = f->in_force ? f->in_force(mode) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

/* Put the taps in reverse order: readers of a table before its writers. */
static void put_taps(const struct resv_feature *f)
{
	unsigned int i = f->nr_taps;

	while (i--)
		/* The tap of the livepatch stays as long as the livepatch. */
		if (!f->taps[i]->livepatch)
			resv_tap_put(f->taps[i], NULL);
}

static void mode_changed(void)
{
	enum resv_hook_mode mode = resv_hooks_mode();
	const struct resv_feature *f;
	unsigned int i;

	resv_groups_quiesce();
	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->wanted && !f->wanted(mode))
			put_taps(f);
	resv_attach_mode_changed();
}

static const struct resv_hooks_owner owner = {
	.rescan = resv_groups_rescan,
	.rescan_soon = resv_groups_rescan_soon,
	.in_force = in_force,
	.mode_changed = mode_changed,
};

/**
 * resv_owner_init() - connect groups and features to the mode of the hooks
 *
 * Context: once, before a group is looked at.
 */
void resv_owner_init(void)
{
	resv_hooks_set_owner(&owner);
}
