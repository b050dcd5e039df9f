// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI doorbells in VFIO's domains: the feature and its tap.
 *
 * map.c maps the doorbells.  Only kernels for Arm before v4.11 need this; there the taps
 * of this feature are installed unless hooks=none.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include "source/native.h"
#include "source/source.h"
#include "source/status.h"
#include "compat/regs.h"
#include "group/attach.h"
#include "group/feature.h"
#include "hook/mode.h"
#include "hook/tap.h"
#include "feature/doorbell/doorbell.h"
#include "feature/doorbell/map.h"

#if RESV_DOORBELL_MAPS
static bool compose_enter(struct resv_call *call)
{
	if (!resv_doorbell_compose((u32)compat_argument(call->regs, 0),
				   (void *)compat_argument(call->regs, 1)))
		resv_call_lost(call, 1);
	return true;
}

/* (interrupt, struct msi_msg *) */
static const struct resv_tap tap_compose = {
	.symbol = "iommu_dma_map_msi_msg",
	.module = "",
	.enter = compose_enter,
	.loss = "interrupts of VFIO devices get lost",
};

static const struct resv_tap *const taps[] = { &tap_compose };

static int doorbell_init(void)
{
	resv_attach_register(&resv_doorbell_client);
	return 0;
}

static void doorbell_exit(void)
{
	resv_doorbell_exit();
}

static bool doorbell_wanted(enum resv_hook_mode hooks)
{
	return hooks != RESV_HOOKS_NONE;
}

static int doorbell_in_force(enum resv_hook_mode hooks)
{
	if (hooks != RESV_HOOKS_NONE || !resv_doorbell_any())
		return 0;
	pr_err("hooks: this module maps the interrupts of VFIO devices: stop the virtual machines first\n");
	return -EBUSY;
}

static bool get_taps(void)
{
	if (resv_hooks_mode() == RESV_HOOKS_NONE) {
		resv_attach_unwatch(&resv_doorbell_client, NULL);
		return false;
	}
	return resv_attach_watch(&resv_doorbell_client, false) &&
	       resv_tap_get(&tap_compose, 0, NULL);
}

static void doorbell_prepare(struct resv_facts *c)
{
	bool mapped = get_taps();

	/* If the kernel makes the list, the feature "window" sets @movable. */
	if (c->own_list)
		c->movable = mapped && resv_sources_bound_windows();
}

static int doorbell_update(const struct resv_facts *c)
{
	return resv_doorbell_add(c->group);
}

static void doorbell_removed(struct iommu_group *group, int id)
{
	resv_doorbell_remove(group);
}
#endif

/* Report the state of the taps, on kernels where this module has to map doorbells. */
static void maps_status(struct resv_status *s, const char *name)
{
#if RESV_DOORBELL_MAPS
	const char *reason = resv_attach_broken(false);
	enum resv_tap_state state = reason ? RESV_TAP_INERT :
					     resv_tap_state(&tap_compose, &reason);

	if (state == RESV_TAP_OUT)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"no group has been seen yet");
	else if (state == RESV_TAP_INERT)
		resv_status_unknown(s, name, reason);
	else
		resv_status_hooked(s, name, "kprobe",
				   "iommu_dma_map_msi_msg: doorbells are mapped in the MSI window when an interrupt is set up");
#endif
}

static void doorbell_status(struct resv_status *s)
{
	const char *name = "msi-cookies";

	if (!IS_ENABLED(CONFIG_ARM64))
		return;
	if (resv_native_cookies())
		resv_status_add(s, name, RESV_STATUS_NATIVE,
				"the kernel maps MSI doorbells for VFIO");
	else if (!IS_ENABLED(CONFIG_KPROBES))
		resv_status_add(s, name, RESV_STATUS_INERT,
				"this kernel has no kprobes: interrupts of VFIO devices get lost");
	else if (resv_hooks_mode() == RESV_HOOKS_NONE)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"turned off by the parameter hooks=: interrupts of VFIO devices get lost");
	else
		maps_status(s, name);
}

/* The feature, for the table of main.c. */
const struct resv_feature resv_feature_doorbell = {
	.name = "msi-cookies",
#if RESV_DOORBELL_MAPS
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.init = doorbell_init,
	.exit = doorbell_exit,
	.wanted = doorbell_wanted,
	.in_force = doorbell_in_force,
	.prepare = doorbell_prepare,
	.update = doorbell_update,
	.removed = doorbell_removed,
#endif
	.status = doorbell_status,
};
