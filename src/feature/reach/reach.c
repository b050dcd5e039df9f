// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter "ranges", and its value "cut": makes VFIO's ranges end where the IOMMU's do.
 *
 * Right after VFIO has attached a group, it asks its domain for the geometry.  The answer
 * decides which ranges VFIO_IOMMU_GET_INFO reports and which maps VFIO allows.  The Intel
 * driver before v5.11 and 5.10.9 leaves a placeholder of 57 bits in the domain (see
 * resv_vtd_claim_end()).  With ranges=cut the tap at the return of iommu_attach_group()
 * replaces the placeholder by the last address that the IOMMU can map, as later drivers
 * do.  From then on VFIO's ranges are right, and VFIO refuses a map beyond them with
 * EINVAL.
 *
 * The tap replaces only a placeholder that the hardware contradicts, so it does nothing
 * on any other kernel.  The end that the tap writes stays right for as long as the domain
 * lives, even if this module is unloaded, so the tap holds no reference on the module.
 * If the tap misses a return ("hooks" counts it), VFIO's ranges are the kernel's.
 *
 * The value "off" is for kernels whose VFIO reports no ranges; see get_taps() in
 * feature/check/taps.c.
 *
 * The only state is in the parameters.  switch_lock serializes changes of "ranges".  It is
 * taken with no other lock held.
 */
#include <linux/bug.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "firmware/vtd.h"
#include "model/words.h"
#include "source/native.h"
#include "source/ranges.h"
#include "source/source.h"
#include "group/group.h"
#include "group/snapshot.h"
#include "feature/reach/reach.h"

static const char *const words[] = {
	[RESV_RANGES_KERNEL] = "kernel",
	[RESV_RANGES_CUT] = "cut",
	[RESV_RANGES_OFF] = "off",
};

static DEFINE_MUTEX(switch_lock);
static bool running;		/* loaded: act on a new value at once */
static bool written;		/* the parameter was written since the load began */

/* Under switch_lock: looks at groups get the taps and put them. */
static void act(void)
{
	if (running && written)
		resv_groups_rescan();
}

static int ranges_set(const char *val, const struct kernel_param *kp)
{
	int i = resv_text_choice(val, words, ARRAY_SIZE(words));

	if (i < 0) {
		pr_err("ranges=%.*s is invalid: use kernel, cut or off\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return i;
	}
	/* This module must not be unloaded in the middle of a switch. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&switch_lock);
	resv_ranges_set_mode(i);
	written = true;
	act();
	mutex_unlock(&switch_lock);
	module_put(THIS_MODULE);
	return 0;
}

static int ranges_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", words[resv_ranges_mode()]);
}

static const struct kernel_param_ops ranges_ops = {
	.set = ranges_set,
	.get = ranges_get,
};

module_param_cb(ranges, &ranges_ops, NULL, 0644);
MODULE_PARM_DESC(ranges, "usable ranges that VFIO reports: kernel = those of the kernel, or of this module before 5.4 (default), cut = end them where the IOMMU ends (Intel, 5.4 to 5.10.8), off = none before 5.4, which makes maps of single pages cheaper");

static bool is_cut(void)
{
	return resv_ranges_mode() == RESV_RANGES_CUT;
}

/**
 * struct attach - one call of iommu_attach_group()
 * @domain: first argument
 * @group: second argument
 */
struct attach {
	struct iommu_domain *domain;
	const struct iommu_group *group;
};

#ifdef RESV_TEST
static bool test_claim;
module_param(test_claim, bool, 0444);
MODULE_PARM_DESC(test_claim, "domains claim 57 bits after an attach, as those of the Intel driver before v5.11");

/* Overwrite the right end, which the driver has written, with the placeholder. */
static void imitate(struct iommu_domain *domain)
{
	if (test_claim)
		compat_domain_set_end(domain, RESV_VTD_PLACEHOLDER);
}
#else
#define test_claim	false
static void imitate(struct iommu_domain *domain)
{
}
#endif

/* Can this kernel have a domain with the placeholder? */
static bool possible(void)
{
	return IS_ENABLED(CONFIG_X86) && RESV_HAVE(DOMAIN_ALLOC_BUS) &&
	       RESV_HAVE(DOMAIN_GEOMETRY) && resv_native_checks();
}

/* Return: last address that the IOMMU maps for a domain with the placeholder, or 0 */
static u64 claim_end(const struct iommu_group *group)
{
	struct resv_snapshot *snapshot;
	u64 end;

	snapshot = resv_group_snapshot((struct kobject *)group);
	if (!snapshot)
		return 0;
	end = snapshot->claim_end;
	resv_snapshot_put(snapshot);
	return end;
}

static bool attach_enter(struct resv_call *call)
{
	struct attach *attach = call->data;

	BUILD_BUG_ON(sizeof(*attach) > RESV_TAP_DATA);
	attach->domain = (void *)compat_argument(call->regs, 0);
	attach->group = (void *)compat_argument(call->regs, 1);
	return attach->domain->type == IOMMU_DOMAIN_UNMANAGED;
}

/* The caller of iommu_attach_group() keeps the domain and the group alive. */
static void attach_leave(struct resv_call *call)
{
	const struct attach *attach = call->data;
	u64 start, end, has;

	if (compat_result(call->regs))
		return;
	has = claim_end(attach->group);
	if (!has)
		return;
	imitate(attach->domain);
	if (!compat_domain_geometry(attach->domain, &start, &end) ||
	    end != RESV_VTD_PLACEHOLDER)
		return;
	resv_aperture_note_overstated();
	if (is_cut())
		compat_domain_set_end(attach->domain, has);
}

/* (struct iommu_domain *, struct iommu_group *) */
static const struct resv_tap attach_tap = {
	.symbol = "iommu_attach_group",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct attach),
	.enter = attach_enter,
	.leave = attach_leave,
	.loss = "VFIO's ranges may reach beyond the IOMMU",
};

static const struct resv_tap *const taps[] = { &attach_tap };

static int reach_init(void)
{
	mutex_lock(&switch_lock);
	written = false;
	mutex_unlock(&switch_lock);
	return 0;
}

static void reach_run(void)
{
	mutex_lock(&switch_lock);
	running = true;
	/* The parameter may have been written since the groups were looked at. */
	act();
	mutex_unlock(&switch_lock);
}

static bool reach_wanted(enum resv_hook_mode mode)
{
	return mode != RESV_HOOKS_NONE && (is_cut() || test_claim) && possible();
}

static void reach_prepare(struct resv_facts *c)
{
	if (reach_wanted(resv_hooks_mode()))
		resv_tap_get(&attach_tap, 0, NULL);
	else
		resv_tap_put(&attach_tap, NULL);
}

static void reach_status(struct resv_status *s)
{
	const char *name = "iova-ranges-end", *reason = NULL;

	if (!is_cut() && resv_aperture_overstated())
		resv_status_add(s, name, RESV_STATUS_INERT,
				"VFIO's ranges reach to 57 bits, but the IOMMU does not: a map beyond resv/usable fails with EFAULT; load the module with ranges=cut");
	if (!is_cut())
		return;
	if (!possible())
		resv_status_add(s, name, RESV_STATUS_NATIVE,
				"no domain of this kernel claims more address bits than its IOMMU has");
	else if (resv_hooks_mode() == RESV_HOOKS_NONE)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"turned off by the parameter hooks=");
	else if (resv_tap_state(&attach_tap, &reason) == RESV_TAP_INERT)
		resv_status_unknown(s, name, reason);
	else if (!resv_aperture_overstated())
		resv_status_add(s, name, RESV_STATUS_NATIVE,
				"no domain has been seen that claims more address bits than its IOMMU has");
	else
		resv_status_hooked(s, name, resv_tap_backend(&attach_tap),
				   "iommu_attach_group: VFIO's ranges end where the IOMMU does, for groups attached from now on");
}

/* The feature, for the table of main.c. */
const struct resv_feature resv_feature_reach = {
	.name = "iova-ranges-end",
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.init = reach_init,
	.run = reach_run,
	.wanted = reach_wanted,
	.prepare = reach_prepare,
	.status = reach_status,
};
