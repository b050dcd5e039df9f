// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a tap makes a function of the IOMMU core refuse what it was asked: by another
 * first argument, a domain that can do nothing.
 *
 * iommu_map() looks at the domain's type before anything else and returns -EINVAL for
 * one that has no page tables (4.4 to 6.12, drivers/iommu/iommu.c; the function that
 * maps must be there, and is not called).  iommu_attach_group() returns an error for
 * one that no device can be attached to: -ENODEV (4.4 to 6.1), or -EINVAL as it is of
 * no driver (6.12).  Since v6.16 iommu_map() warns of such a domain; there, which is
 * only with native=ignore, it is one with tables, and an address that is not aligned.
 *
 * The functions read it after the handler has returned.  So it is not part of this
 * module, and is freed only if no task can be about to read it.
 */
#include <linux/iommu.h>
#include <linux/kmemleak.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "hook/refuse.h"
#include "hook/tap.h"
#include "hook/fault.h"

#define OPS_SIZE	sizeof(*((struct iommu_domain *)NULL)->ops)
#define OPS_MEMBER(bytes, member) \
	((void **)((bytes) + \
		   offsetof(typeof(*((struct iommu_domain *)NULL)->ops), member)))

/**
 * struct refuse_domains - what the functions are given
 * @domain: a map of it is refused with -EINVAL
 * @trial: a map of it is refused with -ENODEV, unless a tap gives @domain instead
 * @trial_ops: of @trial
 * @ops: of @domain, up to the end
 */
struct refuse_domains {
	struct iommu_domain domain;
	struct iommu_domain trial;
	char trial_ops[OPS_SIZE] __aligned(8);
	char ops[OPS_SIZE] __aligned(8);
};

static struct refuse_domains *domains;
static bool used;		/* by a map */
static bool stays;		/* for good: an attach may sleep with it in its hands */

/* Never called: before it would be, the domain was found to have no tables. */
static int __maybe_unused cannot(void)
{
	return -EINVAL;
}

static void set_pages(struct iommu_domain *domain, char *ops)
{
#ifdef RESV_HAVE_DOMAIN_PGSIZE
	domain->pgsize_bitmap = PAGE_SIZE;
#else
	*(unsigned long *)OPS_MEMBER(ops, pgsize_bitmap) = PAGE_SIZE;
#endif
	domain->ops = (void *)ops;
}

/**
 * resv_refuse_init() - make the domains
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_refuse_init(void)
{
	domains = resv_test_step("refusals") ? NULL :
					       kzalloc(sizeof(*domains), GFP_KERNEL);
	if (!domains)
		return -ENOMEM;
	set_pages(&domains->domain, domains->ops);
	set_pages(&domains->trial, domains->trial_ops);
#ifdef RESV_HAVE_DOMAIN_MAP
	*OPS_MEMBER(domains->ops, map) = cannot;
#endif
#ifdef RESV_HAVE_MAP_NOSYNC
	domains->domain.type = IOMMU_DOMAIN_UNMANAGED;
	*OPS_MEMBER(domains->ops, map_pages) = cannot;
	*OPS_MEMBER(domains->ops, unmap_pages) = cannot;
#endif
	return 0;
}

/*
 * Is no task about to read what it was given?
 *
 * Every handler has returned and so have all that ran without preemption
 * (unregister_kprobe()).  Where tasks can be preempted, one can be stopped between
 * the handler and its first look at the domain.  It has not gone to sleep there by
 * itself, which is what synchronize_rcu_tasks() waits for.  iommu_attach_group() does
 * sleep, on the group's mutex.
 */
static bool is_quiet(void)
{
	if (stays)
		return false;
	if (!used)
		return true;
#if defined(RESV_HAVE_RCU_TASKS) && defined(CONFIG_TASKS_RCU)
	synchronize_rcu_tasks();
	return true;
#else
	/* Since v5.5 it begins with might_sleep(), which can be a preemption. */
	return !IS_ENABLED(CONFIG_PREEMPT) && !RESV_HAVE(VFIO_IOVA_RANGE);
#endif
}

/**
 * resv_refuse_exit() - free the domains, if that is safe
 *
 * Else they are left, some hundred bytes, once for each time that this module is
 * unloaded after it has refused something.
 *
 * Context: no tap is in any more; may sleep for a grace period.
 */
void resv_refuse_exit(void)
{
	if (is_quiet())
		kfree(domains);
	else
		kmemleak_not_leak(domains);
	domains = NULL;
	used = false;
	stays = false;
}

/**
 * resv_refuse_is_trial() - is this the call of resv_refuse_trial()?
 * @domain: first argument of iommu_map()
 *
 * The tap has to refuse that one, too.
 *
 * Context: any.
 * Return: true if it is
 */
bool resv_refuse_is_trial(const struct iommu_domain *domain)
{
	return domains && domain == &domains->trial;
}

/**
 * resv_refuse_trial() - does the tap on iommu_map() make it refuse a map?
 * @hook: the place of that tap, which is being tested
 *
 * The map is refused in any case, but with another errno if the tap has refused it.
 *
 * Context: may sleep.
 * Return: the tap was called, and has refused it
 */
bool resv_refuse_trial(struct resv_hook *hook)
{
#if defined(RESV_HAVE_DOMAIN_MAP) && !defined(RESV_HAVE_MAP_GFP)
	u64 before = resv_hook_hits(hook);

	if (!domains || resv_test_step("self-test of maps"))
		return false;
	return iommu_map(&domains->trial, 0, 0, PAGE_SIZE, IOMMU_READ) == -EINVAL &&
	       resv_hook_hits(hook) != before;
#else
	/* There is no call that is refused without a word in the log; test mode only. */
	return domains;
#endif
}

/**
 * resv_refuse_map() - have iommu_map() return -EINVAL
 * @regs: at its entry
 *
 * Context: in the handler of a kprobe.
 */
void resv_refuse_map(struct pt_regs *regs)
{
	if (!resv_refuse_is_trial((void *)compat_argument(regs, 0)))
		WRITE_ONCE(used, true);
	compat_argument_set(regs, 0, (unsigned long)&domains->domain);
	if (RESV_HAVE(MAP_NOSYNC))
		compat_argument_set(regs, 1, compat_argument(regs, 1) | 1);
}

/**
 * resv_refuse_attach() - have iommu_attach_group() return an error
 * @regs: at its entry
 *
 * Context: in the handler of a kprobe.
 */
void resv_refuse_attach(struct pt_regs *regs)
{
	WRITE_ONCE(stays, true);
	compat_argument_set(regs, 0, (unsigned long)&domains->domain);
}
