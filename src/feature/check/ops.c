// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks maps without a tap on iommu_map(): in a copy of the domain's operations.
 *
 * Every map of the machine runs into a tap on iommu_map(), also the maps of host drivers,
 * and the tap stops working when somebody turns probes off.  So the tap on
 * iommu_attach_group() points each domain that VFIO has made to a copy of the driver's
 * operations, in which this file replaces what can be refused:
 *
 *   map()          refuses what the verdict on the domain forbids
 *   attach_dev()   refuses a group that may not join the domain
 *   domain_free()  ends the use of the copy, if the tap on iommu_domain_free() did not
 *
 * Each of them calls the driver's function.  All other functions of the copy are the
 * driver's.  Domains that VFIO did not make keep the driver's operations.
 *
 * Invariants:
 *
 * - There is one copy for each original.  VFIO puts a group on a domain that the container
 *   has already if both domains have the same operations, which is so with the copy if it
 *   was so with the original.  The copy is made when the registry looks at a group, so taps
 *   allocate nothing.
 * - Domains keep the driver's operations if the tracker does not know their container from
 *   its opening on, and none of its domains has a copy: the guest may be older than the
 *   checks, and its domains have them.  A group that it gets later shares these domains,
 *   and is not checked.
 * - A copy is complete before it is on the list.  Afterwards only its pgsize_bitmap can
 *   change, as that of the original does.  Copies are freed when this module is unloaded.
 * - A domain points to a copy if and only if resv_attach_domain.kept is set.  It then
 *   owns one of the pins on this module.  While this module is being loaded, no domain
 *   is pointed to a copy: if the load failed, the pin would not keep the module.
 * - domain->ops changes twice, under the tracker's lock.  Once when VFIO calls
 *   iommu_attach_group() for the first group, while no other task knows the domain.  And
 *   once when iommu_domain_free() begins: VFIO maps nothing there and attaches nothing to
 *   it any more, so no task is in a function of the copy, and none enters one later.
 *   That is why the pin can be put at once.
 * - Only a task in domain_free() of the copy is in this module while its domain no longer
 *   needs the pin: for the few instructions between queueing the worker and the return.
 *   The worker waits for them before it puts the pin.  Where nothing can wait for them,
 *   the pin is not put, and this module stays until the next boot.
 *
 * Locks: ops_lock, a mutex, is held while copies are made; it nests inside the lock of a
 * group's entry and taps_lock.  Taps read the list of copies under the tracker's lock.
 * checked_map() takes no lock, as the core calls map() in any context.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "compat/compat.h"
#include "compat/iommu.h"
#include "group/attach.h"
#include "hook/fault.h"
#include "feature/check/check.h"
#include "feature/check/ops.h"
#include "feature/check/refused.h"

#if COMPAT_HAS_OPS_COPY

/**
 * struct ops_copy - a copy of a driver's operations
 * @node: in the list of copies
 * @original: the driver's operations
 * @before: content of @original when it was copied
 * @ops: the copy
 */
struct ops_copy {
	struct list_head node;
	const struct iommu_ops *original;
	struct iommu_ops before;
	struct iommu_ops ops;
};

static LIST_HEAD(copies);
static DEFINE_MUTEX(ops_lock);
static atomic_t late_pins = ATOMIC_INIT(0);

static void checked_domain_free(struct iommu_domain *domain);

/*
 * The copy that a domain points to, which has its domain_free() from this file.
 *
 * Return: NULL if the domain has the driver's operations again.  In a function of the copy
 * that must not happen, but if it did, container_of() would lead to memory of the driver.
 */
static struct ops_copy *copy_in(const struct iommu_domain *domain)
{
	const struct iommu_ops *ops = READ_ONCE(domain->ops);

	if (unlikely(ops->domain_free != checked_domain_free))
		return NULL;
	return container_of(ops, struct ops_copy, ops);
}

/* The driver's operations of a domain, whether or not it points to a copy. */
static const struct iommu_ops *original_of(const struct iommu_domain *domain)
{
	const struct ops_copy *copy = copy_in(domain);

	return likely(copy) ? copy->original : READ_ONCE(domain->ops);
}

#ifdef RESV_HAVE_OPS_MAP_GFP
static int checked_map(struct iommu_domain *domain, unsigned long iova,
		       phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	if (resv_refuses_map(domain, iova, size, prot))
		return -EINVAL;
	return original_of(domain)->map(domain, iova, paddr, size, prot, gfp);
}
#else
static int checked_map(struct iommu_domain *domain, unsigned long iova,
		       phys_addr_t paddr, size_t size, int prot)
{
	if (resv_refuses_map(domain, iova, size, prot))
		return -EINVAL;
	return original_of(domain)->map(domain, iova, paddr, size, prot);
}
#endif

/*
 * Before v4.6 the page sizes are in the operations, and the SMMU drivers set them in
 * attach_dev(), by the format of the tables.
 */
static void update_page_sizes(struct ops_copy *copy)
{
#ifndef RESV_HAVE_DOMAIN_PGSIZE
	WRITE_ONCE(copy->ops.pgsize_bitmap, READ_ONCE(copy->original->pgsize_bitmap));
#endif
}

/* The core holds the group's mutex from this attach until its end. */
static int checked_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct ops_copy *copy = copy_in(domain);
	int ret;

	/* The same error as for a domain that no device can be attached to. */
	if (resv_attach_is_barred(domain, dev->iommu_group))
		return -ENODEV;
	ret = original_of(domain)->attach_dev(domain, dev);
	if (copy)
		update_page_sizes(copy);
	return ret;
}

/*
 * Wait until every task that has queued the worker has left checked_domain_free().
 *
 * From there on it does not sleep, except for the locks of the workqueue on PREEMPT_RT.
 *
 * Return: false if nothing can wait for such tasks
 */
static bool wait_for_leavers(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT) || IS_ENABLED(CONFIG_PREEMPT_RT_FULL))
		return false;
#if defined(RESV_HAVE_RCU_TASKS) && defined(CONFIG_TASKS_RCU)
	synchronize_rcu_tasks();
	return true;
#else
	if (IS_ENABLED(CONFIG_PREEMPT) || IS_ENABLED(CONFIG_PREEMPTION))
		return false;
	synchronize_rcu();
	return true;
#endif
}

static void put_late_pins(struct work_struct *work)
{
	unsigned int pins = atomic_xchg(&late_pins, 0);

	if (pins && wait_for_leavers())
		resv_attach_put_pins(pins);
}

static DECLARE_WORK(late_work, put_late_pins);

static void checked_domain_free(struct iommu_domain *domain)
{
	const struct iommu_ops *original = original_of(domain);
	unsigned int pins = resv_attach_domain_freed(domain);

	original->domain_free(domain);
	atomic_add(pins, &late_pins);
	schedule_work(&late_work);
}

/**
 * resv_ops_checks() - are the maps of a domain checked by its operations?
 * @domain: live domain
 *
 * Context: any.
 * Return: true if the domain points to a copy
 */
bool resv_ops_checks(const struct iommu_domain *domain)
{
	return copy_in(domain);
}

static struct ops_copy *copy_of(const struct iommu_ops *original)
{
	struct ops_copy *copy;

	list_for_each_entry(copy, &copies, node)
		if (copy->original == original)
			return copy;
	return NULL;
}

/* Has the driver not changed its operations since they were copied? */
static bool is_current(const struct ops_copy *copy)
{
	struct iommu_ops now;

	memcpy(&now, copy->original, sizeof(now));
	/*
	 * arm_smmu_device_probe() and arm_smmu_device_hw_probe() of SMMUv3 add the page sizes
	 * of each SMMU.  Since v4.6 a domain has its own, from the bus's operations.
	 */
	now.pgsize_bitmap = copy->before.pgsize_bitmap;
	return !memcmp(&now, &copy->before, sizeof(now));
}

/* Is @d a domain that VFIO has just made for @g, and that gets a copy? */
static bool is_wanted(const struct resv_attach_group *g, const struct resv_attach_domain *d)
{
	return resv_check_copies_ops() && g->data[RESV_CHECK_INDEX] &&
	       d->domain == g->first && d->container &&
	       (d->container->known || resv_attach_container_keeps(d->container));
}

/* With checks=enforce a domain is not attached whose maps cannot be checked. */
static bool may_attach(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	const struct ops_copy *copy;

	if (resv_check_mode() != RESV_CHECK_ENFORCE || !is_wanted(g, d) || d->kept)
		return true;
	copy = copy_of(d->domain->ops);
	return copy && is_current(copy);
}

static void keep(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	struct iommu_domain *domain = (struct iommu_domain *)d->domain;
	struct ops_copy *copy;

	if (!is_wanted(g, d) || domain->type != IOMMU_DOMAIN_UNMANAGED ||
	    THIS_MODULE->state != MODULE_STATE_LIVE)
		return;
	copy = copy_of(domain->ops);
	if (!copy || !is_current(copy) || !resv_attach_pin(d))
		return;
	d->kept = true;
	update_page_sizes(copy);
	/* Another task can have made the copy: domains point only to complete ones. */
	smp_store_release(&domain->ops, (const struct iommu_ops *)&copy->ops);
}

/*
 * VFIO is about to attach the first group to @d.  If @d gets no copy, nobody checks what
 * the guest maps there, as with a guest that is older than the checks.
 */
static void attached(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	if (d->kept || d->domain != g->first || !d->container)
		return;
	keep(g, d);
	if (!d->kept && resv_check_copies_ops())
		d->container->known = false;
}

static void freed(struct resv_attach_domain *d)
{
	struct iommu_domain *domain = (struct iommu_domain *)d->domain;
	const struct ops_copy *copy;

	if (!d->kept)
		return;
	d->kept = false;
	/* Look the copy up: another domain at this address would not point to one. */
	list_for_each_entry(copy, &copies, node)
		if (domain->ops == &copy->ops) {
			WRITE_ONCE(domain->ops, copy->original);
			break;
		}
}

/* A client of the tracker without data[].  The rules' client has the taps installed. */
const struct resv_attach_client resv_ops_client = {
	.index = RESV_OPS_INDEX,
	.may_attach = may_attach,
	.attached = attached,
	.freed = freed,
};

/* Under ops_lock.  Return: false if there is no memory */
static bool make_copy(const struct iommu_ops *original)
{
	struct ops_copy *copy = resv_test_step("operations") ? NULL :
						kzalloc(sizeof(*copy), GFP_KERNEL);
	unsigned long flags;

	if (!copy)
		return false;
	copy->original = original;
	memcpy(&copy->before, original, sizeof(copy->before));
	memcpy(&copy->ops, &copy->before, sizeof(copy->ops));
	copy->ops.map = checked_map;
	copy->ops.attach_dev = checked_attach_dev;
	copy->ops.domain_free = checked_domain_free;
	flags = resv_attach_lock();
	list_add(&copy->node, &copies);
	resv_attach_unlock(flags);
	return true;
}

/* Under ops_lock, which suffices to read the list: find operations without a copy. */
static int find_new(struct device *dev, void *data)
{
	const struct iommu_ops *ops = dev->bus ? dev->bus->iommu_ops : NULL;
	const struct iommu_ops **found = data;
	const struct ops_copy *copy;

	if (!ops)
		return 0;
	copy = copy_of(ops);
	if (copy && is_current(copy))
		return 0;
	*found = ops;
	if (copy || !ops->map || !ops->attach_dev || !ops->domain_free)
		return -EOPNOTSUPP;
	return 1;
}

/**
 * resv_ops_prepare() - make the copies for domains that VFIO will make for a group
 * @group: live group, its mutex not held
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: false if there is no memory, or the driver's operations cannot be copied
 */
bool resv_ops_prepare(struct iommu_group *group)
{
	const struct iommu_ops *found;
	int ret;

	mutex_lock(&ops_lock);
	do
		ret = iommu_group_for_each_dev(group, &found, find_new);
	while (ret > 0 && make_copy(found));
	mutex_unlock(&ops_lock);
	return !ret;
}

/**
 * resv_ops_exit() - free the copies
 *
 * Context: no domain points to a copy, and no tap is installed; may sleep.
 */
void resv_ops_exit(void)
{
	struct ops_copy *copy, *next;

	flush_work(&late_work);
	list_for_each_entry_safe(copy, next, &copies, node)
		kfree(copy);
	INIT_LIST_HEAD(&copies);
}
#else
const struct resv_attach_client resv_ops_client = {
	.index = RESV_OPS_INDEX,
};

bool resv_ops_checks(const struct iommu_domain *domain)
{
	return false;
}

bool resv_ops_prepare(struct iommu_group *group)
{
	return false;
}

void resv_ops_exit(void)
{
}
#endif
