// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter "ranges": makes VFIO's ranges end where the IOMMU's do.
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
 * The only state is in the parameters, which are set at load and never change.
 */
#include <linux/bug.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "firmware/vtd.h"
#include "model/words.h"
#include "source/native.h"
#include "source/source.h"
#include "group/group.h"
#include "group/snapshot.h"
#include "feature/reach/reach.h"

static const char *const words[] = { "kernel", "cut" };
static bool cut;

static int ranges_set(const char *val, const struct kernel_param *kp)
{
	int i = resv_text_choice(val, words, ARRAY_SIZE(words));

	if (i < 0) {
		pr_err("ranges=%.*s is invalid: use kernel or cut\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return i;
	}
	cut = i;
	return 0;
}

static int ranges_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", words[cut]);
}

static const struct kernel_param_ops ranges_ops = {
	.set = ranges_set,
	.get = ranges_get,
};

module_param_cb(ranges, &ranges_ops, NULL, 0444);
MODULE_PARM_DESC(ranges, "VFIO's ranges that reach beyond the IOMMU (Intel, 5.4 to 5.10.8): kernel = leave them (default), cut = end them where the IOMMU ends");

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
	if (cut)
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

static bool reach_wanted(enum resv_hook_mode mode)
{
	return mode != RESV_HOOKS_NONE && (cut || test_claim) && possible();
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

	if (!cut && resv_aperture_overstated())
		resv_status_add(s, name, RESV_STATUS_INERT,
				"VFIO's ranges reach to 57 bits, but the IOMMU does not: a map beyond resv/usable fails with EFAULT; load the module with ranges=cut");
	if (!cut)
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
	.wanted = reach_wanted,
	.prepare = reach_prepare,
	.status = reach_status,
};
