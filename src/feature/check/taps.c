// SPDX-License-Identifier: GPL-2.0-only
/*
 * The taps of map checks: on iommu_map(), and at the return of VFIO's ioctl.
 *
 * Where VFIO checks maps itself, there are only taps that explain its refusals.
 *
 * VFIO calls iommu_map() for every piece of memory that it maps.  Where VFIO's domains can
 * have a copy of their operations (ops.c), the copy checks the map, and there is no tap.
 * Otherwise the tap checks it, for the domains of all groups.  To refuse a map, the tap
 * gives iommu_map() a domain that refuses all maps (hook/refuse.h).  Neither takes a lock
 * unless the map may be forbidden.
 *
 * taps_lock serializes resv_check_taps_get(), which installs the taps when the registry
 * looks at a group, and changes of the parameters, which remove them.  It nests inside
 * the lock of a group's entry; the locks of the tracker and of the hooks nest inside it.
 */
#include <linux/bug.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "group/attach.h"
#include "hook/mode.h"
#include "hook/refuse.h"
#include "source/native.h"
#include "source/ranges.h"
#include "feature/check/check.h"
#include "feature/check/device.h"
#include "feature/check/explain.h"
#include "feature/check/info.h"
#include "feature/check/iommufd.h"
#include "feature/check/ops.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"
#include "feature/check/spaces.h"
#include "feature/check/taps.h"

static DEFINE_MUTEX(taps_lock);
static bool taps_wanted;	/* set when the taps are got, cleared when they are put */

static bool map_enter(struct resv_call *call)
{
	struct pt_regs *regs = call->regs;
	const struct iommu_domain *domain = (void *)compat_argument(regs, 0);

	if (resv_refuse_is_trial(domain) ||
	    (!resv_ops_checks(domain) &&
	     resv_refuses_map(domain, compat_argument(regs, 1), compat_argument(regs, 3),
			      (int)compat_argument(regs, 4))))
		resv_refuse_map(regs);
	return true;
}

static bool map_test(struct resv_hook *hook, struct iommu_group *group)
{
	return resv_refuse_trial(hook);
}

static bool info_enter(struct resv_call *call)
{
	BUILD_BUG_ON(sizeof(struct resv_info_call) > RESV_TAP_DATA);
	return resv_info_begin(call->data,
			       (void *)compat_argument(call->regs, 0),
			       compat_argument(call->regs, 1),
			       compat_argument(call->regs, 2));
}

static void info_leave(struct resv_call *call)
{
	if (!compat_result(call->regs) && !resv_info_end(call->data))
		resv_call_lost(call, 1);
}

static bool explain_enter(struct resv_call *call)
{
	BUILD_BUG_ON(sizeof(struct resv_explain_call) > RESV_TAP_DATA);
	return resv_explain_begin(call->data,
				  (void *)compat_argument(call->regs, 0),
				  compat_argument(call->regs, 1),
				  compat_argument(call->regs, 2));
}

static void explain_leave(struct resv_call *call)
{
	int ret = compat_result(call->regs);

	if (unlikely(ret < 0) && !resv_explain_end(call->data, ret))
		resv_call_lost(call, 1);
}

static bool attach_enter(struct resv_call *call)
{
	struct resv_explain_attach *attach = call->data;

	BUILD_BUG_ON(sizeof(*attach) > RESV_TAP_DATA);
	attach->container = (void *)compat_argument(call->regs, 0);
	attach->group = (void *)compat_argument(call->regs, 1);
	return true;
}

static bool claim_enter(struct resv_call *call)
{
	struct resv_explain_attach *attach = call->data;

	attach->container = NULL;
	attach->group = (void *)compat_argument(call->regs, 0);
	return true;
}

static void attach_leave(struct resv_call *call)
{
	int ret = compat_result(call->regs);

	if (ret < 0)
		resv_explain_attach(call->data, ret);
}

static bool device_enter(struct resv_call *call)
{
	BUILD_BUG_ON(sizeof(struct resv_device_call) > RESV_TAP_DATA);
	return resv_device_begin(call->data,
				 (void *)compat_argument(call->regs, 0),
				 compat_argument(call->regs, 1));
}

static void device_leave(struct resv_call *call)
{
	int ret = compat_result(call->regs);

	if (ret < 0)
		resv_device_end(call->data, ret);
}

/* (struct iommu_domain *, IOVA, physical address, size, protection) */
const struct resv_tap resv_check_tap_map = {
	.symbol = "iommu_map",
	.module = "",
	.enter = map_enter,
	.test = map_test,
	.any_group = true,
	.failed = "it does not refuse a test map (inlined, or probes are turned off)",
	.loss = "maps over reserved regions are not refused",
};

/* (VFIO's container, command, argument) */
const struct resv_tap resv_check_tap_info = {
	.symbol = "vfio_iommu_type1_ioctl",
	.module = "vfio_iommu_type1",
	.at_return = true,
	.data_size = sizeof(struct resv_info_call),
	.enter = info_enter,
	.leave = info_leave,
	.loss = "VFIO does not report usable ranges",
};

/* (VFIO's container, command, argument) */
const struct resv_tap resv_check_tap_explain = {
	.symbol = "vfio_iommu_type1_ioctl",
	.module = "vfio_iommu_type1",
	.at_return = true,
	.data_size = sizeof(struct resv_explain_call),
	.enter = explain_enter,
	.leave = explain_leave,
	.loss = "maps that VFIO refuses are not explained",
};

/* (VFIO's container, struct iommu_group *, ...) */
const struct resv_tap resv_check_tap_attach = {
	.symbol = "vfio_iommu_type1_attach_group",
	.module = "vfio_iommu_type1",
	.at_return = true,
	.data_size = sizeof(struct resv_explain_attach),
	.enter = attach_enter,
	.leave = attach_leave,
	.loss = "attaches that VFIO refuses are not explained",
};

/* (struct iommu_group *, owner) */
const struct resv_tap resv_check_tap_claim = {
	.symbol = "iommu_group_claim_dma_owner",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct resv_explain_attach),
	.enter = claim_enter,
	.leave = attach_leave,
	.loss = "groups that VFIO refuses are not explained",
};

/* (struct file *, command, argument) */
const struct resv_tap resv_check_tap_device = {
	.symbol = "vfio_group_fops_unl_ioctl",
	.module = "vfio",
	.at_return = true,
	.data_size = sizeof(struct resv_device_call),
	.enter = device_enter,
	.leave = device_leave,
	.loss = "devices that VFIO does not open are not explained",
};

static const struct resv_tap *const explaining[] = {
	&resv_check_tap_explain,
	&resv_check_tap_attach,
	&resv_check_tap_device,
	/* Since v5.19 VFIO calls it when it takes a group into a container. */
#ifdef RESV_HAVE_CLAIM_DMA_OWNER
	&resv_check_tap_claim,
#endif
};

/* For iommufd, if the kernel has it.  Taps on ends come before taps on beginnings. */
static const struct resv_tap *const explaining_iommufd[] = {
#ifdef RESV_HAVE_VFIO_IOMMUFD
	&resv_iommufd_tap_detach,
	&resv_iommufd_tap_unbind,
	&resv_iommufd_tap_regions,
	&resv_iommufd_tap_attach,
	&resv_iommufd_tap_bind,
	/* Only kernels with both kinds of files, of devices and of groups, block a group. */
#if IS_ENABLED(CONFIG_VFIO_DEVICE_CDEV) && IS_ENABLED(CONFIG_VFIO_GROUP)
	&resv_iommufd_tap_block,
#endif
	&resv_iommufd_tap_map,
#ifdef IOMMU_IOAS_MAP_FILE
	&resv_iommufd_tap_map_file,
#endif
#endif
	NULL
};

#define NR_IOMMUFD	(ARRAY_SIZE(explaining_iommufd) - 1)

/* Remove readers of the tracker's objects before the tracker's own taps. */
static void put_taps(const char *reason)
{
	resv_tap_put(&resv_check_tap_map, reason);
	resv_tap_put(&resv_check_tap_info, reason);
	resv_tap_put_all(explaining_iommufd, NR_IOMMUFD, reason);
	resv_tap_put_all(explaining, ARRAY_SIZE(explaining), reason);
	/* The parameters have changed already, so nothing is pinned from now on. */
	resv_attach_unpin(RESV_CHECK_INDEX);
	resv_spaces_forget();
	/* From now on no domain is pointed to a copy. */
	resv_check_set_way(false, false);
	resv_attach_unwatch(&resv_rules_client, reason);
	resv_rules_pause();
	taps_wanted = false;
}

/*
 * Without the tracker's taps on attaches the verdicts cannot be trusted, so no maps are
 * checked.  Without those on containers VFIO's answer lacks the ranges, and no domain
 * would get a copy of its operations (see ops.c), so the tap on iommu_map() checks.  The
 * copies come first: a container that is seen to open gets copies for all its domains.
 */
static bool get_taps(struct iommu_group *group)
{
	bool copied;

	taps_wanted = true;
	if (!resv_attach_watch(&resv_rules_client, false))
		return false;
	copied = resv_ops_prepare(group);
	if (copied)
		resv_check_set_way(true, resv_check_probes_maps());
	resv_attach_watch(&resv_rules_client, true);
	if (!copied || resv_attach_broken(true))
		resv_check_set_way(resv_check_copies_ops(), true);
	if (resv_ranges_mode() == RESV_RANGES_OFF)
		resv_tap_put(&resv_check_tap_info, RESV_CHECK_RANGES_OFF);
	else
		resv_tap_get(&resv_check_tap_info, 0, NULL);
	return !resv_check_probes_maps() || resv_tap_get(&resv_check_tap_map, 0, NULL);
}

/**
 * resv_check_taps_get() - install the taps of the checks, if checks are wanted
 * @group: live group that is looked at, its mutex not held
 *
 * Context: under the lock of a group's entry; may sleep.
 * Return: true if maps are checked
 */
bool resv_check_taps_get(struct iommu_group *group)
{
	bool works = false;

	mutex_lock(&taps_lock);
	if (resv_hooks_mode() == RESV_HOOKS_NONE) {
		if (taps_wanted)
			put_taps(NULL);
	} else if (resv_check_wanted()) {
		works = get_taps(group);
	}
	mutex_unlock(&taps_lock);
	return works;
}

/**
 * resv_check_taps_explain_get() - install the taps that explain VFIO's refusals, if wanted
 *
 * Context: under the lock of a group's entry; may sleep.
 */
void resv_check_taps_explain_get(void)
{
	bool wanted;

	mutex_lock(&taps_lock);
	wanted = resv_hooks_mode() != RESV_HOOKS_NONE && resv_explain_wanted();
	if (!wanted && taps_wanted)
		put_taps(NULL);
	if (wanted) {
		/* Address spaces may have changed unseen while the taps were out. */
		if (!taps_wanted)
			resv_spaces_forget();
		taps_wanted = true;
		/* Containers are needed to find the groups of a map. */
		resv_attach_watch(&resv_rules_client, true);
		resv_tap_get_all(explaining, ARRAY_SIZE(explaining), NULL);
		resv_tap_get_all(explaining_iommufd, NR_IOMMUFD, NULL);
	}
	mutex_unlock(&taps_lock);
}

static const char *why_silent(const struct resv_tap *const *all, unsigned int nr)
{
	const char *reason = NULL;
	unsigned int i;

	for (i = 0; !reason && i < nr; i++)
		switch (resv_tap_state(all[i], &reason)) {
		case RESV_TAP_INERT:
			break;
		case RESV_TAP_OUT:
			reason = "no group has been looked at since explanations were turned on";
			break;
		default:
			reason = NULL;
		}
	return reason;
}

/**
 * resv_check_taps_silent() - why are VFIO's refusals not explained?
 *
 * Context: may sleep.
 * Return: the reason; NULL if they are, or will be when VFIO's module is loaded
 */
const char *resv_check_taps_silent(void)
{
	return resv_attach_broken(false) ?: resv_attach_broken(true) ?:
	       why_silent(explaining, ARRAY_SIZE(explaining));
}

/**
 * resv_check_taps_iommufd_silent() - why are iommufd's refusals not explained?
 *
 * Context: may sleep.
 * Return: the reason; NULL if they are, or will be when the modules are loaded
 */
const char *resv_check_taps_iommufd_silent(void)
{
	if (!NR_IOMMUFD)
		return "unknown interface of this kernel's iommufd or VFIO";
	return why_silent(explaining_iommufd, NR_IOMMUFD);
}

/**
 * resv_check_taps_explain() - are refusals of VFIO or iommufd explained?
 *
 * Context: may sleep.
 * Return: true if they are
 */
bool resv_check_taps_explain(void)
{
	return resv_hooks_mode() != RESV_HOOKS_NONE && resv_explain_wanted() &&
	       (!resv_check_taps_silent() || !resv_check_taps_iommufd_silent());
}

/**
 * resv_check_taps_put() - remove the taps if a parameter turned them off
 *
 * Context: may sleep for grace periods.
 */
void resv_check_taps_put(void)
{
	mutex_lock(&taps_lock);
	if (taps_wanted && !resv_check_wanted() && !resv_native_checks())
		put_taps("turned off by the parameter checks=");
	if (taps_wanted && !resv_explain_wanted() && resv_native_checks())
		put_taps("turned off by the parameter explain=");
	mutex_unlock(&taps_lock);
}

/**
 * resv_check_taps_maps() - state of the taps that check maps
 * @reason: set to the reason if one of them is inert
 *
 * Context: may sleep.
 * Return: RESV_TAP_WORKS if maps are checked
 */
enum resv_tap_state resv_check_taps_maps(const char **reason)
{
	*reason = resv_attach_broken(false);
	if (!*reason && resv_check_copies_ops())
		*reason = resv_attach_broken(true);
	if (*reason)
		return RESV_TAP_INERT;
	return resv_check_copies_ops() ? RESV_TAP_WORKS :
					 resv_tap_state(&resv_check_tap_map, reason);
}

/**
 * resv_check_taps_ranges() - why does VFIO not report usable ranges?
 *
 * Context: may sleep.
 * Return: the reason; NULL if it does, or will when its module is loaded
 */
const char *resv_check_taps_ranges(void)
{
	const char *reason = resv_attach_broken(true);

	if (!reason && resv_tap_state(&resv_check_tap_info, &reason) !=
		       RESV_TAP_INERT)
		reason = NULL;
	return reason;
}
