// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a tap makes a function of the IOMMU core fail: it replaces the first argument by
 * a dummy domain.
 *
 * iommu_map() checks the domain's type first and returns -EINVAL for a domain without
 * page tables (4.4 to 6.12, drivers/iommu/iommu.c; the domain's map callback must be
 * set, but is not called).  iommu_attach_group() returns an error for a domain that no
 * device can be attached to: -ENODEV (4.4 to 6.1), or -EINVAL because the domain
 * belongs to no driver (6.12).  Since v6.16 iommu_map() warns about a domain without
 * page tables; there, where maps are refused only with native=ignore, the dummy has
 * page tables, and the tap passes a misaligned address.
 *
 * The functions read the dummy after the handler has returned.  So it is allocated, not
 * part of this module, and is freed only if no task can be about to read it.
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
 * struct refuse_domains - the dummy domains
 * @domain: iommu_map() returns -EINVAL for it
 * @trial: iommu_map() returns -ENODEV for it, unless a tap passes @domain instead
 * @trial_ops: ops of @trial
 * @ops: ops of @domain
 */
struct refuse_domains {
	struct iommu_domain domain;
	struct iommu_domain trial;
	char trial_ops[OPS_SIZE] __aligned(8);
	char ops[OPS_SIZE] __aligned(8);
};

static struct refuse_domains *domains;
static bool used;		/* a map was given the dummy */
static bool stays;		/* leak them: an attach may sleep while it uses one */

/* Never called: iommu_map() returns before it uses the callback. */
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
 * resv_refuse_init() - allocate the dummy domains
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
 * Can the dummies be freed, because no task is about to read them?
 *
 * unregister_kprobe() has waited for every handler and every section without preemption.
 * In a preemptible kernel a task can be preempted between the handler and its first read
 * of the domain.  synchronize_rcu_tasks() waits for such a task, because it does not
 * sleep voluntarily there.  iommu_attach_group() does sleep, on the group's mutex.
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
	/* Since v5.5 iommu_map() begins with might_sleep(), which can reschedule. */
	return !IS_ENABLED(CONFIG_PREEMPT) && !RESV_HAVE(VFIO_IOVA_RANGE);
#endif
}

/**
 * resv_refuse_exit() - free the dummy domains, if that is safe
 *
 * Otherwise it leaks them: some hundred bytes each time that this module is unloaded
 * after it has refused something.
 *
 * Context: no tap is installed any more; may sleep for a grace period.
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
 * resv_refuse_is_trial() - did resv_refuse_trial() make this call?
 * @domain: first argument of iommu_map()
 *
 * The tap has to refuse that call, too.
 *
 * Context: any.
 * Return: true if it did
 */
bool resv_refuse_is_trial(const struct iommu_domain *domain)
{
	return domains && domain == &domains->trial;
}

/**
 * resv_refuse_trial() - does the tap on iommu_map() make it refuse a map?
 * @hook: the place of that tap, which is being tested
 *
 * iommu_map() fails in any case, but with another errno if the tap has refused the map.
 *
 * Context: may sleep.
 * Return: true if the tap was called and refused the map
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
	/*
	 * The kernel would log each refused call, so test nothing
	 * (native=ignore).
	 */
	return domains;
#endif
}

/**
 * resv_refuse_map() - make iommu_map() return -EINVAL
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
 * resv_refuse_attach() - make iommu_attach_group() return an error
 * @regs: at its entry
 *
 * Context: in the handler of a kprobe.
 */
void resv_refuse_attach(struct pt_regs *regs)
{
	WRITE_ONCE(stays, true);
	compat_argument_set(regs, 0, (unsigned long)&domains->domain);
}
