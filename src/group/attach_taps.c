// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events of the attachment tracker: taps on the functions that VFIO's type 1 and
 * iommufd call.  See attach.c for the order of the calls and for the invariants of the
 * objects that the taps change.
 *
 * iommufd calls, by mainline's drivers/iommu/iommufd/{device,fault}.c:
 *
 *   v6.2, v6.3	iommu_attach_group(), iommu_detach_group()
 *   v6.4		also iommu_group_replace_domain(), which v6.15 removed
 *   v6.11		for a domain that handles page faults: iommu_attach_group_handle(),
 *			iommu_detach_group_handle(), iommu_replace_group_handle()
 *   v6.15		only these; so does Debian's v6.12.118, where the older function has
 *			no callers (read in its source, and seen)
 *
 * All are in drivers/iommu/iommu.c and exported only to iommufd, so the compiler cannot
 * inline them unless it links both as one program (LTO).  None of them calls another one
 * or iommu_attach_group(): they share __iommu_attach_group() and
 * __iommu_group_set_domain().  iommu_group_replace_domain() and
 * iommu_replace_group_handle() have the group as first argument, the others the domain.
 *
 * Each may fail, as iommu_attach_group() may.  No later event shows that: iommufd has no
 * bracket, and the domain may have other groups.  So taps see the returns as well.  If a
 * replacement fails, the group stays on its previous domain.  If an attach fails, another
 * user may have the group (EBUSY), which the registry finds when it looks again.
 *
 * Attaches of a PASID (iommu_attach_device_pasid()) do not matter here: they do not change
 * the domain of the group.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "group/attach.h"
#include "group/attach_table.h"
#include "group/attach_taps.h"
#include "hook/refuse.h"
#include "hook/tap.h"
#include "source/native.h"

#define TYPE1	"vfio_iommu_type1"
#define LOSS	"attachments are not tracked: maps are not checked, and MSI windows cannot be moved"
#define LOSS_CONTAINERS	"VFIO does not report usable ranges"
#define LOSS_IOMMUFD	"attachments by iommufd are seen only when a group is looked at"

static bool enter_join(struct resv_call *call)
{
	const void *address = (void *)compat_argument(call->regs, 0);
	const struct iommu_group *group = (void *)compat_argument(call->regs, 1);
	struct resv_attach_container *c;
	struct resv_attach_group *g;
	unsigned long flags;
	bool lost = false;

	resv_attach_ready_container();
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	c = resv_attach_container_find(address);
	if (!c) {
		c = resv_attach_make_container(address);
		/* While no client watches there is no stock, and only the bracket matters. */
		lost = !c && resv_attach_watching;
	}
	if (g) {
		resv_attach_leave_domain(g);
		if (g->container != c) {
			resv_attach_leave_container(g);
			g->container = c;
			if (c)
				list_add_tail(&g->by_container, &c->groups);
		}
		resv_attach_set_state(g, RESV_ATTACH_ATTACHING);
		g->task = current;
		g->first = NULL;
		g->unmapped = true;
	} else if (c) {
		c->known = false;
	}
	resv_attach_unlock(flags);
	if (lost)
		resv_call_lost(call, 1);
	return true;
}

/* Keep the group for the handler of the return. */
static bool enter_joined(struct resv_call *call)
{
	const struct iommu_group **group = call->data;

	*group = (void *)compat_argument(call->regs, 1);
	return true;
}

static void leave_joined(struct resv_call *call)
{
	const struct iommu_group **group = call->data;
	bool done = !compat_result(call->regs);
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(*group);
	if (g && resv_attach_by_vfio(g)) {
		/* VFIO attached it without a domain, so it has no IOMMU. */
		if (done && !g->first && !g->domain && g->container)
			g->container->has_noiommu = true;
		resv_attach_tell_over(g);
		if (g->domain) {
			resv_attach_set_state(g, g->domain->container ?
				  RESV_ATTACH_ATTACHED : RESV_ATTACH_UNSEEN);
		} else {
			resv_attach_set_state(g, RESV_ATTACH_FREE);
			resv_attach_leave_container(g);
		}
	}
	resv_attach_unlock(flags);
	resv_attach_tell_after();
}

/* Return: false if the tap has to make the attach fail */
static bool attach(struct resv_attach_group *g, const struct iommu_domain *domain,
		   unsigned int *pins, bool *lost)
{
	struct resv_attach_domain *d = resv_attach_domain_find(domain);
	bool by_vfio = resv_attach_by_vfio(g);

	g->barred = NULL;
	/*
	 * The tracker cannot miss the end of a kept domain.  If the first domain of a bracket
	 * is kept, the domain was not made for this attach: an earlier call was missed.
	 */
	if (by_vfio && !g->first && !(d && d->kept)) {
		if (d)
			*pins += resv_attach_drop_stale(d);
		d = NULL;
		g->first = domain;
	}
	/* Nor would clients know the container that the tracker had no memory for. */
	if (!d && (!by_vfio || g->container || resv_attach_may_lose(g)))
		d = resv_attach_make_domain(domain, by_vfio && domain == g->first ?
				g->container : NULL);
	if (!d && by_vfio && !resv_attach_may_lose(g)) {
		*lost = true;
		return false;
	}
	if (!d) {
		resv_attach_leave_domain(g);
		resv_attach_set_unseen(g);
		*lost = true;
		return true;
	}
	/* VFIO shares a domain only inside one container, so an event was missed. */
	if (by_vfio && d->container && d->container != g->container) {
		d->container->known = false;
		if (g->container)
			g->container->known = false;
	}
	if (by_vfio && !resv_attach_allowed(g, d)) {
		/* The owner of a kept domain refuses the attach in the driver's place. */
		if (!d->kept)
			return false;
		g->barred = domain;
		return true;
	}
	resv_attach_leave_domain(g);
	g->domain = d;
	list_add_tail(&g->by_domain, &d->groups);
	if (!by_vfio)
		resv_attach_set_state(g, RESV_ATTACH_ATTACHED);
	resv_attach_tell_attached(g, d);
	return true;
}

static bool enter_attach(struct resv_call *call)
{
	const struct iommu_domain *domain = (void *)compat_argument(call->regs, 0);
	const struct iommu_group *group = (void *)compat_argument(call->regs, 1);
	bool allowed = true, lost = false;
	struct resv_attach_group *g;
	unsigned int pins = 0;
	unsigned long flags;

	resv_attach_ready_domain();
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g && resv_attach_watching)
		allowed = attach(g, domain, &pins, &lost);
	resv_attach_unlock(flags);
	resv_attach_put_pins(pins);
	if (lost)
		resv_call_lost(call, 1);
	if (!allowed)
		resv_refuse_attach(call->regs);
	resv_attach_tell_after();
	return true;
}

/*
 * int iommu_replace_group_handle(struct iommu_group *group, struct iommu_domain *domain,
 *				  struct iommu_attach_handle *handle)
 * int iommu_group_replace_domain(struct iommu_group *group, struct iommu_domain *domain)
 */
static bool enter_replace(struct resv_call *call)
{
	const struct iommu_group *group = (void *)compat_argument(call->regs, 0);
	const struct iommu_domain *domain = (void *)compat_argument(call->regs, 1);
	struct resv_attach_group *g;
	unsigned int pins = 0;
	unsigned long flags;
	bool lost = false;

	/* The kernel refuses NULL and changes nothing. */
	if (!domain)
		return true;
	resv_attach_ready_domain();
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g && resv_attach_watching) {
		g->left = g->domain ? g->domain->domain : NULL;
		attach(g, domain, &pins, &lost);
	}
	resv_attach_unlock(flags);
	resv_attach_put_pins(pins);
	if (lost)
		resv_call_lost(call, 1);
	resv_attach_tell_after();
	return true;
}

/**
 * struct attaching - a call by which iommufd attaches a group
 * @group: the group
 * @domain: the domain to attach it to
 */
struct attaching {
	const struct iommu_group *group;
	const struct iommu_domain *domain;
};

static bool enter_attaching(struct resv_call *call)
{
	struct attaching *a = call->data;

	a->domain = (void *)compat_argument(call->regs, 0);
	a->group = (void *)compat_argument(call->regs, 1);
	return true;
}

static bool enter_replacing(struct resv_call *call)
{
	struct attaching *a = call->data;

	a->group = (void *)compat_argument(call->regs, 0);
	a->domain = (void *)compat_argument(call->regs, 1);
	return a->domain;
}

/* With the tracker's lock held.  @back: the domain that the group is still on, or NULL */
static void attach_failed(struct resv_attach_group *g, struct resv_attach_domain *back)
{
	resv_attach_leave_domain(g);
	if (!back) {
		resv_attach_set_unseen(g);
		return;
	}
	g->domain = back;
	list_add_tail(&g->by_domain, &back->groups);
	resv_attach_set_state(g, RESV_ATTACH_ATTACHED);
	resv_attach_tell_attached(g, back);
}

static void leave(const struct resv_call *call, bool replace)
{
	const struct attaching *a = call->data;
	struct resv_attach_group *g;
	unsigned long flags;

	if (likely(!compat_result(call->regs)))
		return;
	flags = resv_attach_lock();
	g = resv_attach_group_find(a->group);
	/* If it is on another domain, the tap missed the entry of this call. */
	if (g && resv_attach_watching && g->domain && g->domain->domain == a->domain)
		attach_failed(g, replace && g->left ?
			      resv_attach_domain_find(g->left) : NULL);
	resv_attach_unlock(flags);
	resv_attach_tell_after();
}

static void leave_attaching(struct resv_call *call)
{
	leave(call, false);
}

static void leave_replacing(struct resv_call *call)
{
	leave(call, true);
}

#ifdef RESV_TEST
static unsigned int detach_ms;
module_param_named(test_detach_ms, detach_ms, uint, 0644);
MODULE_PARM_DESC(test_detach_ms, "milliseconds to wait between seeing a detach and the detach");

/* mdelay() takes longer where the CPU itself loses time, as in a VM. */
static void test_detach(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), READ_ONCE(detach_ms));

	while (ktime_before(ktime_get(), end))
		cpu_relax();
}
#else
static void test_detach(void)
{
}
#endif

static bool enter_detach(struct resv_call *call)
{
	const struct iommu_domain *domain = (void *)compat_argument(call->regs, 0);
	const struct iommu_group *group = (void *)compat_argument(call->regs, 1);
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g && resv_attach_watching) {
		bool unseen = resv_attach_state(g) == RESV_ATTACH_UNSEEN;

		resv_attach_leave_domain(g);
		g->left = domain;
		g->left_at = jiffies;
		/* Inside the bracket VFIO goes on to attach it to another domain. */
		if (!resv_attach_by_vfio(g)) {
			resv_attach_leave_container(g);
			resv_attach_set_state(g, RESV_ATTACH_FREE);
		}
		if (unseen)
			resv_attach_tell_seen_free(g);
	}
	resv_attach_unlock(flags);
	resv_attach_tell_after();
	test_detach();
	return true;
}

/**
 * resv_attach_domain_freed() - the kernel is about to free a domain
 * @domain: the domain
 *
 * The tap calls it, and the owner of a kept domain, in case the tap did not see the call.
 *
 * Context: any; not under the lock.
 * Return: number of references on this module that the caller has to put by
 * resv_attach_put_pins()
 */
unsigned int resv_attach_domain_freed(const struct iommu_domain *domain)
{
	struct resv_attach_container *c;
	struct resv_attach_group *g, *next;
	struct resv_attach_domain *d;
	unsigned int pins = 0;
	unsigned long flags;

	/* Stay on this CPU until after(), as in a tap. */
	preempt_disable();
	flags = resv_attach_lock();
	d = resv_attach_domain_find(domain);
	if (d) {
		c = d->container;
		/* Groups are still on it if the attach failed: VFIO then detaches nothing. */
		list_for_each_entry_safe(g, next, &d->groups, by_domain) {
			resv_attach_leave_domain(g);
			if (resv_attach_by_vfio(g))
				continue;
			resv_attach_leave_container(g);
			resv_attach_set_state(g, RESV_ATTACH_FREE);
		}
		pins = resv_attach_drop_domain(d);
		if (c && !c->known && list_empty(&c->groups) &&
		    list_empty(&c->domains))
			resv_attach_drop_container(c);
	}
	resv_attach_unlock(flags);
	resv_attach_tell_after();
	preempt_enable();
	return pins;
}

static bool enter_free(struct resv_call *call)
{
	resv_attach_put_pins(resv_attach_domain_freed((void *)compat_argument(call->regs, 0)));
	return true;
}

/* VFIO has allocated a container, or failed to. */
static void leave_open(struct resv_call *call)
{
	void *address = compat_result_pointer(call->regs);
	struct resv_attach_container *c;
	unsigned long flags;

	if (IS_ERR_OR_NULL(address))
		return;
	resv_attach_ready_container();
	flags = resv_attach_lock();
	/* Drop a stale object: the end of an earlier container here was missed. */
	c = resv_attach_container_find(address);
	if (c)
		resv_attach_drop_container(c);
	c = resv_attach_make_container(address);
	if (c)
		c->known = resv_attach_watching;
	resv_attach_unlock(flags);
	if (!c)
		resv_call_lost(call, 1);
}

static bool enter_release(struct resv_call *call)
{
	const void *address = (void *)compat_argument(call->regs, 0);
	struct resv_attach_container *c;
	unsigned long flags;

	flags = resv_attach_lock();
	c = resv_attach_container_find(address);
	if (c)
		resv_attach_drop_container(c);
	resv_attach_unlock(flags);
	return true;
}

#if COMPAT_HAS_OPS_COPY
static void free_nothing(struct iommu_domain *domain)
{
}

/*
 * Where domains have a copy of their operations (feature/check/ops.c), no tap is on the way
 * of maps.  So a call of iommu_domain_free() tests whether taps work at all: probes are
 * turned off for all functions at once.
 */
static bool free_test(struct resv_hook *hook, struct iommu_group *group)
{
	static const struct iommu_ops ops = { .domain_free = free_nothing };
	struct iommu_domain domain = { .ops = &ops };
	u64 before = resv_hook_hits(hook);

	if (resv_native_checks())
		return true;
	iommu_domain_free(&domain);
	return resv_hook_hits(hook) != before;
}
#else
#define free_test	NULL
#endif

static const struct resv_tap free_tap = {
	.symbol = "iommu_domain_free",
	.module = "",
	.enter = enter_free,
	.test = free_test,
	.any_group = true,
	.failed = "the end of a domain is not seen by it (inlined, or probes are turned off)",
	.again = resv_attach_outage,
	.loss = LOSS,
};

static const struct resv_tap detach_tap = {
	.symbol = "iommu_detach_group",
	.module = "",
	.enter = enter_detach,
	.again = resv_attach_outage,
	.loss = LOSS,
};

static const struct resv_tap attach_tap = {
	.symbol = "iommu_attach_group",
	.module = "",
	.enter = enter_attach,
	.again = resv_attach_outage,
	.loss = LOSS,
};

static const struct resv_tap joined_tap = {
	.symbol = "vfio_iommu_type1_attach_group",
	.module = TYPE1,
	.at_return = true,
	.data_size = sizeof(struct iommu_group *),
	.enter = enter_joined,
	.leave = leave_joined,
	.again = resv_attach_outage,
	.loss = LOSS,
};

static const struct resv_tap join_tap = {
	.symbol = "vfio_iommu_type1_attach_group",
	.module = TYPE1,
	.enter = enter_join,
	.again = resv_attach_outage,
	.loss = LOSS,
};

static const struct resv_tap release_tap = {
	.symbol = "vfio_iommu_type1_release",
	.module = TYPE1,
	.enter = enter_release,
	.again = resv_attach_outage,
	.loss = LOSS_CONTAINERS,
};

static const struct resv_tap open_tap = {
	.symbol = "vfio_iommu_type1_open",
	.module = TYPE1,
	.at_return = true,
	.leave = leave_open,
	.again = resv_attach_outage,
	.loss = LOSS_CONTAINERS,
};

static const struct resv_tap detach_handle_tap = {
	.symbol = "iommu_detach_group_handle",
	.module = "",
	.enter = enter_detach,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

static const struct resv_tap replaced_tap = {
	.symbol = "iommu_group_replace_domain",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct attaching),
	.enter = enter_replacing,
	.leave = leave_replacing,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

static const struct resv_tap replace_tap = {
	.symbol = "iommu_group_replace_domain",
	.module = "",
	.enter = enter_replace,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

static const struct resv_tap replaced_handle_tap = {
	.symbol = "iommu_replace_group_handle",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct attaching),
	.enter = enter_replacing,
	.leave = leave_replacing,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

static const struct resv_tap replace_handle_tap = {
	.symbol = "iommu_replace_group_handle",
	.module = "",
	.enter = enter_replace,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

static const struct resv_tap attached_handle_tap = {
	.symbol = "iommu_attach_group_handle",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct attaching),
	.enter = enter_attaching,
	.leave = leave_attaching,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

static const struct resv_tap attach_handle_tap = {
	.symbol = "iommu_attach_group_handle",
	.module = "",
	.enter = enter_attach,
	.again = resv_attach_outage,
	.loss = LOSS_IOMMUFD,
};

/* Ends come first: every attach whose beginning the taps see is also seen to end. */
const struct resv_tap *const resv_attach_taps[] = {
	&free_tap, &detach_tap, &attach_tap, &joined_tap, &join_tap,
};

/* From these the tracker knows that it has seen all groups of a container. */
const struct resv_tap *const resv_attach_container_taps[] = {
	&release_tap, &open_tap,
};

/* Only the bracket, see resv_attach_when_free(). */
const struct resv_tap *const resv_attach_bracket_taps[] = {
	&joined_tap, &join_tap,
};

/* Installed only where the kernel has all these functions; see watch_iommufd(). */
const struct resv_tap *const resv_attach_handle_taps[] = {
	&detach_handle_tap, &replaced_handle_tap, &replace_handle_tap,
	&attached_handle_tap, &attach_handle_tap,
};

const struct resv_tap *const resv_attach_replace_taps[] = {
	&replaced_tap, &replace_tap,
};
