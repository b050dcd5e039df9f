// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map checks, for kernels whose VFIO makes none (before v5.4), and explanations of
 * VFIO's refusals, for kernels whose VFIO checks maps (explain.c).
 *
 * The checks that VFIO makes since v5.4, this feature makes at the functions of the IOMMU
 * core that VFIO calls:
 *
 * - A map is refused that is not entirely inside one usable range of every group of its
 *   domain: by a copy of the driver's operations that VFIO's domains get (ops.c), or by a
 *   tap on iommu_map() where these cannot be copied.  VFIO maps piece by piece; if one
 *   piece is refused, it unmaps the earlier ones.
 * - A group with holes must not join a container that has maps there.  If VFIO already
 *   has a domain that suits a group, it puts the group on that and does not repeat the
 *   maps.  For a group with holes of its own, attach_dev() of the copy refuses that, or
 *   the tap on iommu_attach_group() makes it fail.  VFIO then gives the group a domain
 *   of its own and repeats all maps there (vfio_iommu_replay()) by iommu_map(); if one is
 *   refused, the attach fails.
 * - The usable ranges of a container are those that all its groups allow.
 *
 * rules.c has the rules and the verdicts, refused.c records the refused maps, and info.c
 * adds the usable ranges to VFIO's answer.  The tracker (group/attach.h) knows which
 * group is on which domain, in which container.  If a group was attached before the
 * tracker's taps were installed, its maps are not checked until it is released: after its
 * next reset a running guest must be able to map again what it has mapped.  Where domains
 * get a copy of their operations, the same holds for a group that is attached later to a
 * container that was opened before.
 *
 * switch_lock serializes changes of the parameters.  It is taken with no other lock held.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "source/native.h"
#include "source/ranges.h"
#include "source/status.h"
#include "model/words.h"
#include "group/attach.h"
#include "group/feature.h"
#include "group/group.h"
#include "hook/refuse.h"
#include "feature/check/check.h"
#include "feature/check/iommufd.h"
#include "feature/check/listen.h"
#include "feature/check/ops.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"
#include "feature/check/taps.h"

static bool running;		/* loaded: act on a new mode at once */
static bool written;		/* a parameter was written since the load began */
static bool explaining;		/* resv_explain_wanted() at the last change() */
static DEFINE_MUTEX(switch_lock);

static const char *const words[] = {
	[RESV_CHECK_ENFORCE] = "enforce",
	[RESV_CHECK_WARN] = "warn",
	[RESV_CHECK_OFF] = "off",
};

/* Under switch_lock: put a new mode of checks or explanations in force. */
static void change(void)
{
	explaining = resv_explain_wanted();
	resv_refused_log_anew();
	resv_check_taps_put();
	resv_groups_rescan();
}

/* Under switch_lock: a parameter was written, perhaps before the load is complete. */
static void act(void)
{
	if (running && written)
		change();
}

/* Hold the module, so that it cannot be unloaded in the middle of a switch. */
static int begin_switch(void)
{
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&switch_lock);
	return 0;
}

static void end_switch(void)
{
	written = true;
	act();
	mutex_unlock(&switch_lock);
	module_put(THIS_MODULE);
}

static int checks_set(const char *val, const struct kernel_param *kp)
{
	int i = resv_text_choice(val, words, ARRAY_SIZE(words)), ret;

	if (i < 0) {
		pr_err("checks=%.*s is invalid: use enforce, warn or off\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return i;
	}
	ret = begin_switch();
	if (ret)
		return ret;
	resv_check_set_mode(i);
	end_switch();
	return 0;
}

static int checks_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", words[resv_check_mode()]);
}

static const struct kernel_param_ops checks_ops = {
	.set = checks_set,
	.get = checks_get,
};

module_param_cb(checks, &checks_ops, NULL, 0644);
MODULE_PARM_DESC(checks, "map checks where VFIO has none (before 5.4): enforce = refuse maps that hit reserved regions (default), warn = only log them, off = no checks");

static const char *const explain_words[] = {
	[RESV_EXPLAIN_AUTO] = "auto",
	[RESV_EXPLAIN_ON] = "on",
	[RESV_EXPLAIN_OFF] = "off",
};

static int explain_set(const char *val, const struct kernel_param *kp)
{
	int i = resv_text_choice(val, explain_words, ARRAY_SIZE(explain_words)), ret;

	if (i < 0) {
		pr_err("explain=%.*s is invalid: use auto, on or off\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return i;
	}
	ret = begin_switch();
	if (ret)
		return ret;
	resv_explain_set_mode(i);
	end_switch();
	return 0;
}

static int explain_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n",
			 explain_words[resv_explain_mode()]);
}

static const struct kernel_param_ops explain_ops = {
	.set = explain_set,
	.get = explain_get,
};

module_param_cb(explain, &explain_ops, NULL, 0644);
MODULE_PARM_DESC(explain, "explanations where VFIO checks maps (5.4 and later): on = find out why it refuses a map or an attach, auto = only while a tracepoint of this module is enabled (default), off = none");

/* A tracepoint was enabled or disabled.  May sleep; the module is held. */
static void listeners_changed(void)
{
	mutex_lock(&switch_lock);
	if (resv_native_checks() && explaining != resv_explain_wanted()) {
		/* If it is too early, check_run() acts. */
		written = true;
		act();
	}
	mutex_unlock(&switch_lock);
}

static int check_init(void)
{
	int ret;

	mutex_lock(&switch_lock);
	written = false;
	mutex_unlock(&switch_lock);
	resv_attach_register(&resv_ops_client);
	resv_attach_register(&resv_rules_client);
	ret = resv_native_checks() ? 0 : resv_refuse_init();
	if (!ret)
		resv_listen_init(listeners_changed);
	return ret;
}

static void check_exit(void)
{
	resv_listen_exit();
	resv_rules_exit();
	resv_ops_exit();
	if (!resv_native_checks())
		resv_refuse_exit();
}

static void check_run(void)
{
	mutex_lock(&switch_lock);
	running = true;
	/* The parameter may have been written since the groups were looked at. */
	act();
	mutex_unlock(&switch_lock);
}

static bool check_wanted(enum resv_hook_mode hooks)
{
	return hooks != RESV_HOOKS_NONE &&
	       (resv_check_wanted() || resv_explain_wanted());
}

static void check_prepare(struct resv_facts *c)
{
	if (resv_native_checks()) {
		resv_check_taps_explain_get();
		c->checked = true;
		return;
	}
	c->checked = resv_rules_enforced(c->group, c->in_use,
					 resv_check_taps_get(c->group));
}

static int check_update(const struct resv_facts *c)
{
	const char *reason;

	if (resv_native_checks())
		return resv_explain_wanted() ? resv_rules_add(c->group) : 0;
	return resv_rules_update(c, resv_check_taps_maps(&reason) ==
				    RESV_TAP_WORKS);
}

static void check_removed(struct iommu_group *group, int id)
{
	resv_rules_remove(group);
}

static void ranges_status(struct resv_status *s, bool checks)
{
	const char *name = "iova-ranges", *broken = resv_check_taps_ranges();

	if (!checks)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"no map is refused, so every range is usable: see map-checks");
	else if (resv_ranges_mode() == RESV_RANGES_OFF)
		resv_status_add(s, name, RESV_STATUS_INERT, RESV_CHECK_RANGES_OFF);
	else if (broken)
		resv_status_unknown(s, name, broken);
	else
		resv_status_hooked(s, name, resv_tap_backend(&resv_check_tap_info),
				   "vfio_iommu_type1_ioctl: VFIO_IOMMU_GET_INFO returns them for containers opened from now on");
}

static void explain_status(struct resv_status *s, const char *name,
			   const char *reason, const char *how)
{
	if (resv_hooks_mode() == RESV_HOOKS_NONE)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"turned off by the parameter hooks=");
	else if (resv_explain_mode() == RESV_EXPLAIN_OFF)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"turned off by the parameter explain=");
	else if (!resv_explain_wanted())
		resv_status_add(s, name, RESV_STATUS_INERT,
				"off, because it slows down every map: set explain=on, or enable a tracepoint of this module");
	else if (reason)
		resv_status_unknown(s, name, reason);
	else
		resv_status_hooked(s, name, resv_tap_backend(&resv_check_tap_explain),
				   how);
}

static void explanations_status(struct resv_status *s)
{
	explain_status(s, "map-explanations", resv_check_taps_silent(),
		       "vfio_iommu_type1_ioctl: refused and the log give the reason when VFIO (type 1) refuses an attach, or a map of a group attached from now on");
	if (IS_ENABLED(CONFIG_IOMMUFD))
		explain_status(s, "iommufd-explanations",
			       resv_check_taps_iommufd_silent(),
			       "iopt_map_user_pages: the same for iommufd, and for its container");
}

static void check_status(struct resv_status *s)
{
	const char *name = "map-checks", *off = NULL, *how, *reason = NULL;
	enum resv_tap_state state;

	if (resv_native_checks()) {
		resv_status_add(s, name, RESV_STATUS_NATIVE,
				"VFIO refuses maps that hit a region or leave the aperture");
		resv_status_add(s, "iova-ranges", RESV_STATUS_NATIVE,
				"VFIO_IOMMU_GET_INFO returns them");
		explanations_status(s);
		return;
	}
	if (resv_check_mode() == RESV_CHECK_WARN)
		how = resv_check_probes_maps() ?
			"iommu_map: maps over reserved regions are only logged (checks=warn)" :
			"VFIO's domains: maps over reserved regions are only logged (checks=warn)";
	else
		how = resv_check_probes_maps() ?
			"iommu_map: maps that hit a region or leave the aperture are refused" :
			"VFIO's domains: maps that hit a region or leave the aperture are refused";
	state = resv_check_taps_maps(&reason);
	if (resv_hooks_mode() == RESV_HOOKS_NONE)
		off = "turned off by the parameter hooks=: VFIO accepts maps over reserved regions";
	else if (resv_check_mode() == RESV_CHECK_OFF)
		off = "turned off by the parameter checks=: VFIO accepts maps in reserved regions";
	else if (state == RESV_TAP_OUT)
		off = "no group has been seen yet";
	if (off)
		resv_status_add(s, name, RESV_STATUS_INERT, off);
	else if (state == RESV_TAP_INERT)
		resv_status_unknown(s, name, reason);
	else
		resv_status_hooked(s, name,
				   resv_check_probes_maps() ?
				   resv_tap_backend(&resv_check_tap_map) : "ops", how);
	ranges_status(s, !off && state != RESV_TAP_INERT);
}

static const struct resv_tap *const taps[] = {
	&resv_check_tap_map,
	&resv_check_tap_info,
	&resv_check_tap_explain,
	&resv_check_tap_attach,
	&resv_check_tap_claim,
	&resv_check_tap_device,
#ifdef RESV_HAVE_VFIO_IOMMUFD
	&resv_iommufd_tap_detach,
	&resv_iommufd_tap_unbind,
	&resv_iommufd_tap_regions,
	&resv_iommufd_tap_attach,
	&resv_iommufd_tap_bind,
	&resv_iommufd_tap_block,
	&resv_iommufd_tap_map,
#ifdef IOMMU_IOAS_MAP_FILE
	&resv_iommufd_tap_map_file,
#endif
#endif
};

static ssize_t refused_show(struct iommu_group *group, char *buf)
{
	/* VFIO refuses by itself, and no tap sees it. */
	if (resv_native_checks() && !resv_check_taps_explain())
		return -ENODATA;
	return resv_refused_show(group, buf);
}

static const struct resv_feature_file files[] = {
	/* It names processes, which a reader may not be allowed to see. */
	{ .name = "refused", .mode = 0400, .show = refused_show },
};

/* The feature, for the table of main.c. */
const struct resv_feature resv_feature_check = {
	.name = "map-checks",
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.files = files,
	.nr_files = ARRAY_SIZE(files),
	.init = check_init,
	.exit = check_exit,
	.run = check_run,
	.wanted = check_wanted,
	.prepare = check_prepare,
	.update = check_update,
	.removed = check_removed,
	.status = check_status,
};
