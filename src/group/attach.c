// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is attached to what: groups, domains, and VFIO's containers.
 *
 * Taps on the functions that VFIO's type 1 calls tell each event:
 *
 *   vfio_iommu_type1_open()                     a container begins
 *   vfio_iommu_type1_attach_group()             a group joins it: the bracket opens
 *     iommu_attach_group(new domain, group)
 *     iommu_detach_group(new domain, group)     only if the container has a domain
 *     iommu_attach_group(its domain, group)     that suits the group, too
 *     iommu_domain_free(new domain)
 *   ... returns                                 the bracket closes
 *   iommu_detach_group(), iommu_domain_free()   the group leaves
 *   vfio_iommu_type1_release()                  the container ends
 *
 * Others who attach a group (iommufd before v6.15, vDPA) have no bracket and no
 * container.
 *
 * Invariants:
 *
 * 1. A group is on at most one domain, and a domain is in at most one container.
 * 2. A domain's object lives from the first attach that is seen to
 *    iommu_domain_free().  VFIO allocates a domain for each attach, so if the first
 *    domain of a bracket has an object already, an event was missed: that object
 *    goes, and its container is not known any more.
 * 3. RESV_ATTACH_ATTACHING lasts as long as the bracket.  A task is compared with
 *    resv_attach_group.task only inside of it.
 * 4. The place of a domain's cookie is fixed from its first attach until it is freed.
 * 5. An effect on a domain holds this module by resv_attach_domain.pins.
 * 6. When any tap was out, nothing from before counts: the epoch is raised, and an
 *    object of an older one is RESV_ATTACH_UNSEEN until its group is seen free.  Only
 *    domains with pins are kept over that, until all their groups were seen free.
 *
 * Locks: watch_lock, a mutex, is held while taps come and go and while clients
 * register; the lock of the hooks is taken under it.  table_lock guards all objects
 * and the spare ones.  It is a raw spinlock, because handlers of taps run with
 * preemption off, also on PREEMPT_RT.  Under it nothing is allocated, printed or
 * copied to a process, and nothing is called that sleeps or is hooked.  Every event
 * takes the time of the objects that it touches.  The table of domains can also be
 * searched under rcu_read_lock(): an object is used again after a grace period only.
 *
 * Memory: handlers take objects from stocks.  A group that is attached takes two domains
 * (its own and the one of the container) and one container, so that many are in stock
 * for each group.  Domains come back after a grace period only, and nothing limits
 * those of iommufd: a handler that finds less than half allocates, and a worker fills up
 * again.  On PREEMPT_RT, where a handler may not allocate, a group for which the stock
 * has nothing left is RESV_ATTACH_UNSEEN, which is counted as missed.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "group/attach.h"
#include "hook/mode.h"
#include "hook/refuse.h"
#include "hook/stock.h"
#include "hook/tap.h"

#define TYPE1	"vfio_iommu_type1"
#define LOSS	"who is attached to what is not known: maps are not checked, and MSI windows cannot be moved"
#define LOSS_CONTAINERS	"VFIO does not tell usable ranges"

/* Objects in stock for each group, and for all of them together. */
#define DOMAINS_PER_GROUP	2
#define SPARE_DOMAINS		8
#define SPARE_CONTAINERS	8

/**
 * struct spares - objects of one kind that are not in use
 * @size: of one, in bytes; its first member is a struct hlist_node
 * @list: of these
 * @nr: on @list
 * @wanted: to be on @list; more than all groups that can be attached at once take
 */
struct spares {
	size_t size;
	struct hlist_head list;
	unsigned int nr;
	unsigned int wanted;
};

static struct spares spare_domains = {
	.size = sizeof(struct resv_attach_domain),
};

static struct spares spare_containers = {
	.size = sizeof(struct resv_attach_container),
};

static void fill_up(struct work_struct *work);
static DECLARE_WORK(fill_up_work, fill_up);

static DEFINE_RAW_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(groups, 8);
static DEFINE_HASHTABLE(domains, 8);
static DEFINE_HASHTABLE(containers, 6);
static unsigned int nr_groups;
static unsigned int epoch;
static bool watching;			/* every tap of an attach is in */
static bool bracketed;			/* the bracket was in when it was wanted last */

static DEFINE_MUTEX(watch_lock);
static const struct resv_attach_client *clients[RESV_ATTACH_CLIENTS];
static unsigned long wanted;		/* clients that watch, by index */
static unsigned long wanted_containers;

static void tell_attached(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->attached)
			clients[i]->attached(g, d);
}

static void tell_detached(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->detached)
			clients[i]->detached(g, d);
}

static void tell_freed(struct resv_attach_domain *d)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->freed)
			clients[i]->freed(d);
}

static void tell_over(struct resv_attach_group *g)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->over)
			clients[i]->over(g);
}

static void tell_unseen(struct resv_attach_group *g)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->unseen)
			clients[i]->unseen(g);
}

static void tell_seen_free(struct resv_attach_group *g)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->seen_free)
			clients[i]->seen_free(g);
}

#ifdef RESV_TEST
static const struct task_struct *lock_holder;

static void set_holder(const struct task_struct *task)
{
	WRITE_ONCE(lock_holder, task);
}
#else
static void set_holder(const struct task_struct *task)
{
}
#endif

/* Without the lock. */
static void tell_after(void)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->after)
			clients[i]->after();
}

/**
 * resv_attach_lock() - hold all objects still
 *
 * Context: any.  Interrupts are off until resv_attach_unlock().
 * Return: what resv_attach_unlock() wants
 */
unsigned long resv_attach_lock(void)
	__acquires(&table_lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	set_holder(current);
	return flags;
}

/**
 * resv_attach_unlock() - the opposite of resv_attach_lock()
 * @flags: what that returned
 *
 * Context: any.
 */
void resv_attach_unlock(unsigned long flags)
	__releases(&table_lock)
{
	set_holder(NULL);
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

#ifdef RESV_TEST
/**
 * resv_attach_assert_unlocked() - user memory is about to be used, or the like
 *
 * Context: any.
 */
void resv_attach_assert_unlocked(void)
{
	WARN_ON_ONCE(READ_ONCE(lock_holder) == current);
}
#endif

/**
 * resv_attach_group_find() - the object of a group
 * @group: the group; only compared
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if the registry does not know the group
 */
struct resv_attach_group *resv_attach_group_find(const struct iommu_group *group)
{
	struct resv_attach_group *g;

	hash_for_each_possible(groups, g, node, (unsigned long)group)
		if (g->group == group)
			return g;
	return NULL;
}

/**
 * resv_attach_domain_find() - the object of a domain
 * @domain: the domain; only compared
 *
 * Context: under resv_attach_lock() or rcu_read_lock().
 * Return: the object, or NULL if no attach to that domain was seen
 */
struct resv_attach_domain *
resv_attach_domain_find(const struct iommu_domain *domain)
{
	struct resv_attach_domain *d;

	hash_for_each_possible_rcu_notrace(domains, d, node,
					   (unsigned long)domain)
		if (d->domain == domain)
			return d;
	return NULL;
}

/**
 * resv_attach_container_find() - the object of a container
 * @address: what VFIO's type 1 goes by; only compared
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if no event of that container was seen
 */
struct resv_attach_container *resv_attach_container_find(const void *address)
{
	struct resv_attach_container *c;

	hash_for_each_possible(containers, c, node, (unsigned long)address)
		if (c->address == address)
			return c;
	return NULL;
}

/**
 * resv_attach_state() - what is known of a group now
 * @g: object of the group
 *
 * Context: under resv_attach_lock().
 * Return: its state, which is RESV_ATTACH_UNSEEN if it was set in an older epoch
 */
enum resv_attach_state resv_attach_state(const struct resv_attach_group *g)
{
	return g->epoch == epoch ? g->state : RESV_ATTACH_UNSEEN;
}

/**
 * resv_attach_pin() - hold this module until a domain is freed
 * @d: object of the domain
 *
 * Context: under resv_attach_lock().
 * Return: false if this module is being unloaded, so that it is too late
 */
bool resv_attach_pin(struct resv_attach_domain *d)
{
	if (!try_module_get(THIS_MODULE))
		return false;
	d->pins++;
	return true;
}

/* Spare objects. */

/* With table_lock held. */
static void put_spare(struct spares *spares, struct hlist_node *spare)
{
	hlist_add_head(spare, &spares->list);
	if (++spares->nr > 2 * spares->wanted)
		queue_work(system_highpri_wq, &fill_up_work);
}

/* With table_lock held.  Return: an object that is all zero, or NULL */
static void *get_spare(struct spares *spares)
{
	struct hlist_node *spare = spares->list.first;

	if (!spare)
		return NULL;
	hlist_del(spare);
	spares->nr--;
	return memset(spare, 0, spares->size);
}

static void add_spare(struct spares *spares, struct hlist_node *spare)
{
	unsigned long flags = resv_attach_lock();

	put_spare(spares, spare);
	resv_attach_unlock(flags);
}

/* In a handler, without the lock: have an object for it. */
static void ready_spare(struct spares *spares)
{
	struct hlist_node *spare;

	if (READ_ONCE(spares->nr) >= READ_ONCE(spares->wanted) / 2)
		return;
	if (!RESV_NO_ATOMIC_ALLOC) {
		spare = kzalloc(spares->size, GFP_ATOMIC | __GFP_NOWARN);
		if (spare)
			add_spare(spares, spare);
	}
	queue_work(system_highpri_wq, &fill_up_work);
}

/* Return: 0 or -ENOMEM */
static int fill_spares(struct spares *spares, unsigned int wanted)
{
	struct hlist_node *spare;
	unsigned long flags;

	WRITE_ONCE(spares->wanted, wanted);
	while (READ_ONCE(spares->nr) < wanted) {
		spare = kzalloc(spares->size, GFP_KERNEL);
		if (!spare)
			return -ENOMEM;
		add_spare(spares, spare);
	}
	while (READ_ONCE(spares->nr) > wanted) {
		flags = resv_attach_lock();
		spare = get_spare(spares);
		resv_attach_unlock(flags);
		kfree(spare);
	}
	return 0;
}

static int fill_stock(void)
{
	unsigned int nr = READ_ONCE(nr_groups);

	return fill_spares(&spare_domains,
			   DOMAINS_PER_GROUP * nr + SPARE_DOMAINS) ?:
	       fill_spares(&spare_containers, nr + SPARE_CONTAINERS);
}

static void fill_up(struct work_struct *work)
{
	mutex_lock(&watch_lock);
	if (wanted)
		fill_stock();
	mutex_unlock(&watch_lock);
}

/* Objects.  All of this section is called with table_lock held. */

static struct resv_attach_domain *make_domain(const struct iommu_domain *domain,
					      struct resv_attach_container *c)
{
	struct resv_attach_domain *d;

	BUILD_BUG_ON(offsetof(struct resv_attach_domain, node));
	d = get_spare(&spare_domains);
	if (!d)
		return NULL;
	INIT_LIST_HEAD(&d->groups);
	INIT_LIST_HEAD(&d->by_container);
	d->domain = domain;
	d->container = c;
	if (c)
		list_add(&d->by_container, &c->domains);
	hash_add_rcu(domains, &d->node, (unsigned long)domain);
	return d;
}

static void reuse_domain(struct rcu_head *rcu)
{
	struct resv_attach_domain *d =
		container_of(rcu, struct resv_attach_domain, rcu);

	add_spare(&spare_domains, &d->node);
}

/* Return: how many references on this module are to be put, without the lock */
static unsigned int drop_domain(struct resv_attach_domain *d)
{
	unsigned int pins = d->pins;

	tell_freed(d);
	d->pins = 0;
	list_del_init(&d->by_container);
	d->container = NULL;
	hash_del_rcu(&d->node);
	call_rcu(&d->rcu, reuse_domain);
	return pins;
}

static struct resv_attach_container *make_container(const void *address)
{
	struct resv_attach_container *c;

	BUILD_BUG_ON(offsetof(struct resv_attach_container, node));
	c = get_spare(&spare_containers);
	if (!c)
		return NULL;
	INIT_LIST_HEAD(&c->groups);
	INIT_LIST_HEAD(&c->domains);
	c->address = address;
	hash_add(containers, &c->node, (unsigned long)address);
	return c;
}

static void drop_container(struct resv_attach_container *c)
{
	struct resv_attach_domain *d, *next_d;
	struct resv_attach_group *g, *next_g;

	list_for_each_entry_safe(g, next_g, &c->groups, by_container) {
		list_del_init(&g->by_container);
		g->container = NULL;
	}
	list_for_each_entry_safe(d, next_d, &c->domains, by_container) {
		list_del_init(&d->by_container);
		d->container = NULL;
	}
	hash_del(&c->node);
	put_spare(&spare_containers, &c->node);
}

/* The group is in no container any more; one that nobody opened ends with that. */
static void leave_container(struct resv_attach_group *g)
{
	struct resv_attach_container *c = g->container;

	if (!c)
		return;
	list_del_init(&g->by_container);
	g->container = NULL;
	if (!c->known && list_empty(&c->groups) && list_empty(&c->domains))
		drop_container(c);
}

static void leave_domain(struct resv_attach_group *g)
{
	if (!g->domain)
		return;
	tell_detached(g, g->domain);
	list_del_init(&g->by_domain);
	g->domain = NULL;
}

static void set_state(struct resv_attach_group *g, enum resv_attach_state state)
{
	g->state = state;
	g->epoch = epoch;
	if (state != RESV_ATTACH_ATTACHING) {
		g->task = NULL;
		g->first = NULL;
		g->unmapped = false;
	}
}

static void set_unseen(struct resv_attach_group *g)
{
	set_state(g, RESV_ATTACH_UNSEEN);
	tell_unseen(g);
}

/* An event of this domain was missed: who is on it is not known. */
static unsigned int drop_stale_domain(struct resv_attach_domain *d)
{
	struct resv_attach_group *g, *next;

	if (d->container)
		d->container->known = false;
	list_for_each_entry_safe(g, next, &d->groups, by_domain) {
		leave_domain(g);
		set_unseen(g);
	}
	return drop_domain(d);
}

static void put_pins(unsigned int pins)
{
	while (pins--)
		module_put(THIS_MODULE);
}

static bool is_attaching(const struct resv_attach_group *g)
{
	return resv_attach_state(g) == RESV_ATTACH_ATTACHING &&
	       g->task == current;
}

/* Events. */

static bool enter_join(struct resv_call *call)
{
	const void *address = (void *)compat_argument(call->regs, 0);
	const struct iommu_group *group = (void *)compat_argument(call->regs, 1);
	struct resv_attach_container *c;
	struct resv_attach_group *g;
	unsigned long flags;
	bool lost = false;

	if (READ_ONCE(watching))
		ready_spare(&spare_containers);
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	c = resv_attach_container_find(address);
	if (!c) {
		c = make_container(address);
		/* Without the stock of clients only the bracket is of interest. */
		lost = !c && watching;
	}
	if (g) {
		leave_domain(g);
		if (g->container != c) {
			leave_container(g);
			g->container = c;
			if (c)
				list_add_tail(&g->by_container, &c->groups);
		}
		set_state(g, RESV_ATTACH_ATTACHING);
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

/* The return handler gets the group from here. */
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
	if (g && is_attaching(g)) {
		/* VFIO wanted no domain for it: it has no IOMMU. */
		if (done && !g->first && g->container)
			g->container->has_noiommu = true;
		tell_over(g);
		if (g->domain) {
			set_state(g, g->domain->container ?
				  RESV_ATTACH_ATTACHED : RESV_ATTACH_UNSEEN);
		} else {
			set_state(g, RESV_ATTACH_FREE);
			leave_container(g);
		}
	}
	resv_attach_unlock(flags);
	tell_after();
}

/* Return: false if a client does not allow it */
static bool attach(struct resv_attach_group *g, const struct iommu_domain *domain,
		   unsigned int *pins, bool *lost)
{
	struct resv_attach_domain *d = resv_attach_domain_find(domain);
	bool by_vfio = is_attaching(g);
	unsigned int i;

	if (by_vfio && !g->first) {
		if (d)
			*pins += drop_stale_domain(d);
		d = NULL;
		g->first = domain;
	}
	if (!d)
		d = make_domain(domain, by_vfio && domain == g->first ?
				g->container : NULL);
	if (!d) {
		leave_domain(g);
		set_unseen(g);
		*lost = true;
		return true;
	}
	/* VFIO joins the domains of one container only. */
	if (by_vfio && d->container && d->container != g->container) {
		d->container->known = false;
		if (g->container)
			g->container->known = false;
	}
	for (i = 0; by_vfio && i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->may_attach &&
		    !clients[i]->may_attach(g, d))
			return false;
	leave_domain(g);
	g->domain = d;
	list_add_tail(&g->by_domain, &d->groups);
	if (!by_vfio)
		set_state(g, RESV_ATTACH_ATTACHED);
	tell_attached(g, d);
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

	if (READ_ONCE(watching))
		ready_spare(&spare_domains);
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g && watching)
		allowed = attach(g, domain, &pins, &lost);
	resv_attach_unlock(flags);
	put_pins(pins);
	if (lost)
		resv_call_lost(call, 1);
	if (!allowed)
		resv_refuse_attach(call->regs);
	tell_after();
	return true;
}

static bool enter_detach(struct resv_call *call)
{
	const struct iommu_group *group = (void *)compat_argument(call->regs, 1);
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g && watching) {
		bool unseen = resv_attach_state(g) == RESV_ATTACH_UNSEEN;

		leave_domain(g);
		/* Inside of the bracket VFIO goes on to another domain. */
		if (!is_attaching(g)) {
			leave_container(g);
			set_state(g, RESV_ATTACH_FREE);
		}
		if (unseen)
			tell_seen_free(g);
	}
	resv_attach_unlock(flags);
	tell_after();
	return true;
}

static bool enter_free(struct resv_call *call)
{
	const struct iommu_domain *domain = (void *)compat_argument(call->regs, 0);
	struct resv_attach_container *c;
	struct resv_attach_group *g, *next;
	struct resv_attach_domain *d;
	unsigned int pins = 0;
	unsigned long flags;

	flags = resv_attach_lock();
	d = resv_attach_domain_find(domain);
	if (d) {
		c = d->container;
		/* The attach has failed, and VFIO had nothing to detach. */
		list_for_each_entry_safe(g, next, &d->groups, by_domain) {
			leave_domain(g);
			if (is_attaching(g))
				continue;
			leave_container(g);
			set_state(g, RESV_ATTACH_FREE);
		}
		pins = drop_domain(d);
		if (c && !c->known && list_empty(&c->groups) &&
		    list_empty(&c->domains))
			drop_container(c);
	}
	resv_attach_unlock(flags);
	put_pins(pins);
	tell_after();
	return true;
}

/* VFIO has made a container, or has no memory for one. */
static void leave_open(struct resv_call *call)
{
	void *address = compat_result_pointer(call->regs);
	struct resv_attach_container *c;
	unsigned long flags;

	if (IS_ERR_OR_NULL(address))
		return;
	if (READ_ONCE(watching))
		ready_spare(&spare_containers);
	flags = resv_attach_lock();
	/* One at this address whose end was missed. */
	c = resv_attach_container_find(address);
	if (c)
		drop_container(c);
	c = make_container(address);
	if (c)
		c->known = watching;
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
		drop_container(c);
	resv_attach_unlock(flags);
	return true;
}

static void outage(void);

static const struct resv_tap free_tap = {
	.symbol = "iommu_domain_free",
	.module = "",
	.enter = enter_free,
	.again = outage,
	.loss = LOSS,
};

static const struct resv_tap detach_tap = {
	.symbol = "iommu_detach_group",
	.module = "",
	.enter = enter_detach,
	.again = outage,
	.loss = LOSS,
};

static const struct resv_tap attach_tap = {
	.symbol = "iommu_attach_group",
	.module = "",
	.enter = enter_attach,
	.again = outage,
	.loss = LOSS,
};

static const struct resv_tap joined_tap = {
	.symbol = "vfio_iommu_type1_attach_group",
	.module = TYPE1,
	.at_return = true,
	.data_size = sizeof(struct iommu_group *),
	.enter = enter_joined,
	.leave = leave_joined,
	.again = outage,
	.loss = LOSS,
};

static const struct resv_tap join_tap = {
	.symbol = "vfio_iommu_type1_attach_group",
	.module = TYPE1,
	.enter = enter_join,
	.again = outage,
	.loss = LOSS,
};

static const struct resv_tap release_tap = {
	.symbol = "vfio_iommu_type1_release",
	.module = TYPE1,
	.enter = enter_release,
	.again = outage,
	.loss = LOSS_CONTAINERS,
};

static const struct resv_tap open_tap = {
	.symbol = "vfio_iommu_type1_open",
	.module = TYPE1,
	.at_return = true,
	.leave = leave_open,
	.again = outage,
	.loss = LOSS_CONTAINERS,
};

/* In this order: the end of everything that is seen to begin is seen, too. */
static const struct resv_tap *const attach_taps[] = {
	&free_tap, &detach_tap, &attach_tap, &joined_tap, &join_tap,
};

/* Needed to know that all groups of a container are known. */
static const struct resv_tap *const container_taps[] = {
	&release_tap, &open_tap,
};

/* The bracket alone, see resv_attach_when_free(). */
static const struct resv_tap *const bracket_taps[] = {
	&joined_tap, &join_tap,
};

/* Events may have been missed: nothing from before counts. */
static void outage(void)
{
	struct resv_attach_container *c;
	struct resv_attach_domain *d;
	struct resv_attach_group *g;
	unsigned int pins = 0, bkt;
	struct hlist_node *tmp;
	unsigned long flags;

	flags = resv_attach_lock();
	epoch++;
	WRITE_ONCE(bracketed, false);
	hash_for_each_safe(containers, bkt, tmp, c, node)
		drop_container(c);
	hash_for_each(groups, bkt, g, node) {
		g->task = NULL;
		g->first = NULL;
		if (g->domain && !g->domain->pins)
			leave_domain(g);
		tell_unseen(g);
	}
	hash_for_each_safe(domains, bkt, tmp, d, node)
		if (!d->pins)
			pins += drop_domain(d);
	resv_attach_unlock(flags);
	put_pins(pins);
}

/**
 * resv_attach_register() - have a client that is asked and told
 * @client: the client; its index is free
 *
 * Context: while this module is being loaded, before any tap is in.
 */
void resv_attach_register(const struct resv_attach_client *client)
{
	clients[client->index] = client;
}

/**
 * resv_attach_watch() - a client needs to know who is attached to what
 * @client: the client
 * @containers: and which groups a container has
 *
 * A tap whose module is not loaded yet is no obstacle: nobody can attach before.
 *
 * Context: may sleep.
 * Return: true if all is seen from now on
 */
bool resv_attach_watch(const struct resv_attach_client *client, bool containers)
{
	bool all, retry;
	unsigned int i;

	mutex_lock(&watch_lock);
	/* A tap may have failed for lack of memory when it was wanted last. */
	retry = !test_bit(client->index, &wanted);
	for (i = 0; retry && i < ARRAY_SIZE(attach_taps); i++)
		resv_tap_retry(attach_taps[i]);
	__set_bit(client->index, &wanted);
	if (containers)
		__set_bit(client->index, &wanted_containers);
	all = !fill_stock() &&
	      resv_tap_get_all(attach_taps, ARRAY_SIZE(attach_taps), NULL);
	if (wanted_containers)
		resv_tap_get_all(container_taps, ARRAY_SIZE(container_taps),
				 NULL);
	/* Who attached while a tap was out is not known. */
	if (all != watching) {
		WRITE_ONCE(watching, all);
		outage();
	}
	mutex_unlock(&watch_lock);
	return all;
}

/**
 * resv_attach_unwatch() - a client does not need to know any more
 * @client: the client
 * @reason: what the file "hooks" says of the taps that go; static text
 *
 * Context: sleeps for grace periods.  Nothing that the client has in force depends on
 *	events.
 */
void resv_attach_unwatch(const struct resv_attach_client *client,
			 const char *reason)
{
	unsigned int i;

	mutex_lock(&watch_lock);
	__clear_bit(client->index, &wanted);
	__clear_bit(client->index, &wanted_containers);
	for (i = ARRAY_SIZE(container_taps); !wanted_containers && i--; )
		resv_tap_put(container_taps[i], reason);
	if (!wanted && watching) {
		/* Before the first tap goes, so that no half of an event counts. */
		WRITE_ONCE(watching, false);
		outage();
	}
	/* The bracket, too: the next change looks twice, see have_bracket(). */
	for (i = ARRAY_SIZE(attach_taps); !wanted && i--; )
		resv_tap_put(attach_taps[i], reason);
	if (!wanted)
		WRITE_ONCE(bracketed, false);
	mutex_unlock(&watch_lock);
}

/**
 * resv_attach_mode_changed() - another mode of the hooks is in force
 *
 * Puts the bracket, which have_bracket() has without any client, in the mode "none".
 *
 * Context: sleeps for grace periods; no group is being looked at in the mode before.
 */
void resv_attach_mode_changed(void)
{
	unsigned int i;

	if (resv_hooks_mode() != RESV_HOOKS_NONE)
		return;
	mutex_lock(&watch_lock);
	for (i = ARRAY_SIZE(bracket_taps); !wanted && i--; )
		resv_tap_put(bracket_taps[i], NULL);
	if (!wanted)
		WRITE_ONCE(bracketed, false);
	mutex_unlock(&watch_lock);
}

/**
 * resv_attach_broken() - why events are not seen
 * @containers: of containers, else of attaches
 *
 * Context: may sleep.
 * Return: the reason of a tap that does not work, or NULL if there is none
 */
const char *resv_attach_broken(bool containers)
{
	const struct resv_tap *const *taps = containers ? container_taps :
							  attach_taps;
	unsigned int nr = containers ? ARRAY_SIZE(container_taps) :
				       ARRAY_SIZE(attach_taps);
	const char *reason;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (resv_tap_state(taps[i], &reason) == RESV_TAP_INERT)
			return reason;
	return NULL;
}

/**
 * struct when_free - what resv_attach_when_free() is to do
 * @group: the group
 * @fn: to be called
 * @data: for @fn
 */
struct when_free {
	const struct iommu_group *group;
	int (*fn)(void *data);
	void *data;
};

/* Under the group's mutex.  One domain is attached to all devices of a group. */
static int first_device(struct device *dev, void *data)
{
	struct when_free *when = data;

	if (compat_domain_is_users(compat_iommu_get_domain_for_dev(dev)) ||
	    resv_attach_group_busy(when->group))
		return -EBUSY;
	return (when->fn ? when->fn(when->data) : 0) ?: 1;
}

/*
 * Have the bracket of VFIO's attach, where it is needed.
 *
 * Return: false if an attach may be under way whose bracket was not seen to open
 */
static bool have_bracket(void)
{
	bool before;

	if (RESV_HAVE(CLAIM_DMA_OWNER))
		return true;
	mutex_lock(&watch_lock);
	before = READ_ONCE(bracketed);
	WRITE_ONCE(bracketed, resv_tap_get_all(bracket_taps,
					       ARRAY_SIZE(bracket_taps), NULL));
	before &= READ_ONCE(bracketed);
	mutex_unlock(&watch_lock);
	return before;
}

/**
 * resv_attach_when_free() - change what a group lists, if nobody has it
 * @group: live group, its mutex not held
 * @fn: makes the change, and returns 0 or an errno; called once at most, with the group's
 *	mutex held
 * @data: for @fn
 *
 * VFIO asks for the list of a group when it attaches the group, and for the lists of
 * the groups that stay whenever it detaches another one (vfio_iommu_resv_refresh()).  So
 * what is on the list must not change while a container has the group.  Both a change
 * and iommu_attach_group() hold the group's mutex: an attach that comes later finds the
 * new list.
 *
 * When VFIO finds that a container has a domain already that suits a group, it takes
 * the group off the new domain and puts it on that one; it has read the list before.
 * Kernels that block a group which VFIO has opened show that by the domain in between.
 * On other kernels the group looks free for some microseconds, so there the bracket of
 * the attach is watched from the first change on.  The first change itself looks twice,
 * as an attach may be under way that began before.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if somebody has the group; -ENODEV if it has no device any more; or
 * what @fn returned
 */
int resv_attach_when_free(struct iommu_group *group, int (*fn)(void *data),
			  void *data)
{
	struct when_free when = { .group = group, .data = data };
	int ret = 1;

	if (!have_bracket()) {
		ret = iommu_group_for_each_dev(group, &when, first_device);
		usleep_range(5000, 10000);
	}
	when.fn = fn;
	if (ret > 0)
		ret = iommu_group_for_each_dev(group, &when, first_device);
	return ret > 0 ? 0 : ret ?: -ENODEV;
}

/**
 * resv_attach_group_busy() - is VFIO attaching the group just now?
 * @group: the group; only compared
 *
 * Context: any.
 * Return: true if it is
 */
bool resv_attach_group_busy(const struct iommu_group *group)
{
	struct resv_attach_group *g;
	unsigned long flags;
	bool busy;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	busy = g && resv_attach_state(g) == RESV_ATTACH_ATTACHING;
	resv_attach_unlock(flags);
	return busy;
}

/**
 * resv_attach_add() - the registry has found a group
 * @group: the group
 * @id: its number
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_attach_add(struct iommu_group *group, int id)
{
	struct resv_attach_group *g;
	unsigned long flags;
	int ret = 0;

	/* One of a group that had this address, whose end was missed. */
	resv_attach_remove(group);
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	g->group = group;
	g->id = id;
	g->state = RESV_ATTACH_UNSEEN;
	INIT_LIST_HEAD(&g->by_container);
	INIT_LIST_HEAD(&g->by_domain);
	mutex_lock(&watch_lock);
	flags = resv_attach_lock();
	g->epoch = epoch;
	hash_add(groups, &g->node, (unsigned long)group);
	nr_groups++;
	resv_attach_unlock(flags);
	if (wanted)
		ret = fill_stock();
	mutex_unlock(&watch_lock);
	if (ret)
		resv_attach_remove(group);
	return ret;
}

/**
 * resv_attach_remove() - a group is no more
 * @group: the group; only compared
 *
 * A domain that it was on stays known until that is freed.
 *
 * Context: may sleep; clients have taken their data out.
 */
void resv_attach_remove(const struct iommu_group *group)
{
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g) {
		leave_domain(g);
		leave_container(g);
		hash_del(&g->node);
		nr_groups--;
	}
	resv_attach_unlock(flags);
	if (g)
		kfree_rcu(g, rcu);
}

/* With table_lock held.  Return: references on this module to be put */
static unsigned int settle(struct resv_attach_group *g, bool attached)
{
	enum resv_attach_state state = resv_attach_state(g);
	struct resv_attach_domain *d = g->domain;

	if (attached) {
		/* Its attach was not seen. */
		if (state == RESV_ATTACH_FREE)
			set_unseen(g);
		return 0;
	}
	if (state != RESV_ATTACH_UNSEEN)
		return 0;
	leave_domain(g);
	leave_container(g);
	set_state(g, RESV_ATTACH_FREE);
	tell_seen_free(g);
	/* The end of a domain was missed that effects were pinned to. */
	return d && list_empty(&d->groups) ? drop_domain(d) : 0;
}

/**
 * resv_attach_settle() - the registry has looked at a group
 * @group: the group
 * @attached: a domain of somebody who maps by himself was attached to it then
 *
 * Context: under the lock of the group's entry; may sleep.
 */
void resv_attach_settle(const struct iommu_group *group, bool attached)
{
	struct resv_attach_group *g;
	unsigned int pins = 0;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		pins = settle(g, attached);
	resv_attach_unlock(flags);
	put_pins(pins);
	tell_after();
}

/**
 * resv_attach_exit() - free everything
 *
 * Context: no tap is in, the registry has removed every group; may sleep.
 */
void resv_attach_exit(void)
{
	struct resv_attach_container *c;
	struct resv_attach_domain *d;
	struct hlist_node *tmp;
	unsigned long flags;
	unsigned int bkt;

	flags = resv_attach_lock();
	hash_for_each_safe(containers, bkt, tmp, c, node)
		drop_container(c);
	hash_for_each_safe(domains, bkt, tmp, d, node)
		drop_domain(d);
	resv_attach_unlock(flags);
	/* reuse_domain() must not run any more, nor what it queues. */
	rcu_barrier();
	cancel_work_sync(&fill_up_work);
	fill_spares(&spare_domains, 0);
	fill_spares(&spare_containers, 0);
	wanted = 0;
	wanted_containers = 0;
	watching = false;
}
