// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects of the attachment tracker, and its clients.  See attach.c for their
 * invariants and locks.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "group/attach.h"
#include "group/attach_table.h"
#include "hook/fault.h"
#include "hook/spares.h"

/* Spare objects for each group, and in addition for all groups together. */
#define DOMAINS_PER_GROUP	2
#define SPARE_DOMAINS		8
#define SPARE_CONTAINERS	8

/* No detach takes longer than this. */
#define DETACH_JIFFIES	(5 * HZ)

static struct resv_spares spare_domains = {
	.size = sizeof(struct resv_attach_domain),
};

static struct resv_spares spare_containers = {
	.size = sizeof(struct resv_attach_container),
};

static DEFINE_RAW_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(groups, 8);
static DEFINE_HASHTABLE(domains, 8);
static DEFINE_HASHTABLE(containers, 6);
static unsigned int nr_groups;
static unsigned int epoch;
static const struct resv_attach_client *clients[RESV_ATTACH_CLIENTS];

bool resv_attach_watching;
bool resv_attach_bracketed;

/**
 * resv_attach_tell_attached() - tell all clients that a group is on a domain
 * @g: the group
 * @d: g->domain
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_tell_attached(struct resv_attach_group *g, struct resv_attach_domain *d)
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

/**
 * resv_attach_tell_over() - tell all clients that VFIO's attach of a group is over
 * @g: the group
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_tell_over(struct resv_attach_group *g)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->over)
			clients[i]->over(g);
}

static void resv_attach_tell_unseen(struct resv_attach_group *g)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->unseen)
			clients[i]->unseen(g);
}

/**
 * resv_attach_tell_seen_free() - tell all clients that a group was UNSEEN, and is free
 * @g: the group
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_tell_seen_free(struct resv_attach_group *g)
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

/**
 * resv_attach_tell_after() - tell all clients that the event is over
 *
 * Context: preemption has been off since the event began; not under the lock.
 */
void resv_attach_tell_after(void)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->after)
			clients[i]->after();
}

/**
 * resv_attach_lock() - take the lock that protects all objects
 *
 * Context: any.  Interrupts are off until resv_attach_unlock().
 * Return: flags for resv_attach_unlock()
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
 * resv_attach_unlock() - release the lock of resv_attach_lock()
 * @flags: returned by resv_attach_lock()
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
 * resv_attach_assert_unlocked() - warn if the current task holds the tracker's lock
 *
 * Called before accesses to user memory and other operations that the lock forbids.
 *
 * Context: any.
 */
void resv_attach_assert_unlocked(void)
{
	WARN_ON_ONCE(READ_ONCE(lock_holder) == current);
}
#endif

/**
 * resv_attach_group_find() - find the object of a group
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
 * resv_attach_group_numbered() - find the object of a group by the group's number
 * @id: the number
 *
 * This searches all groups, so use it only after a failure.
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if the registry does not know the group
 */
struct resv_attach_group *resv_attach_group_numbered(int id)
{
	struct resv_attach_group *g;
	unsigned int i;

	hash_for_each(groups, i, g, node)
		if (g->id == id)
			return g;
	return NULL;
}

/**
 * resv_attach_domain_find() - find the object of a domain
 * @domain: the domain; only compared
 *
 * Context: under resv_attach_lock() or rcu_read_lock().
 * Return: the object, or NULL if the tracker saw no attach to that domain
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
 * resv_attach_container_find() - find the object of a container
 * @address: address that VFIO's type 1 passes for it; only compared
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if the tracker saw no event of that container
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
 * resv_attach_container_keeps() - has a container a domain that is kept?
 * @c: the container
 *
 * VFIO frees its domains before the container, so as long as one is kept, the address of
 * the container is not that of another one.
 *
 * Context: under resv_attach_lock().
 * Return: true if it has
 */
bool resv_attach_container_keeps(const struct resv_attach_container *c)
{
	const struct resv_attach_domain *d;

	list_for_each_entry(d, &c->domains, by_container)
		if (d->kept)
			return true;
	return false;
}

/**
 * resv_attach_state() - the present state of a group
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
 * Return: false if this module is already being unloaded
 */
bool resv_attach_pin(struct resv_attach_domain *d)
{
	if (!try_module_get(THIS_MODULE))
		return false;
	d->pins++;
	return true;
}

/**
 * resv_attach_pin_once() - hold this module at most once for a client and a domain
 * @d: object of the domain
 * @index: index of the client
 *
 * As resv_attach_pin(), for an effect that a client has once on a domain.
 *
 * Context: under resv_attach_lock().
 * Return: false if this module is already being unloaded
 */
bool resv_attach_pin_once(struct resv_attach_domain *d, unsigned int index)
{
	if (test_bit(index, &d->pinned_by))
		return true;
	if (!resv_attach_pin(d))
		return false;
	__set_bit(index, &d->pinned_by);
	return true;
}

/**
 * resv_attach_allowed() - do all clients allow an attach?
 * @g: the group
 * @d: the domain that VFIO is about to put it on
 *
 * Context: under resv_attach_lock().
 * Return: false if a client refuses the attach
 */
bool resv_attach_allowed(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->may_attach &&
		    !clients[i]->may_attach(g, d))
			return false;
	return true;
}

/**
 * resv_attach_may_lose() - do all clients allow an attach that they are not told of?
 * @g: the group that VFIO is about to attach; there is no memory for its domain's object
 *
 * Context: under resv_attach_lock().
 * Return: false if a client refuses the attach
 */
bool resv_attach_may_lose(const struct resv_attach_group *g)
{
	unsigned int i;

	for (i = 0; i < RESV_ATTACH_CLIENTS; i++)
		if (clients[i] && clients[i]->may_lose && !clients[i]->may_lose(g))
			return false;
	return true;
}

#ifdef RESV_TEST
static int get_attached(char *text, const struct kernel_param *kp)
{
	static const char *const names[] = {
		[RESV_ATTACH_FREE] = "free",
		[RESV_ATTACH_ATTACHING] = "attaching",
		[RESV_ATTACH_ATTACHED] = "attached",
		[RESV_ATTACH_UNSEEN] = "unseen",
	};
	const struct resv_attach_group *g;
	unsigned long flags;
	unsigned int bkt;
	int len = 0;

	flags = resv_attach_lock();
	hash_for_each(groups, bkt, g, node)
		len += scnprintf(text + len, PAGE_SIZE - len, "%d %s\n", g->id,
				 names[resv_attach_state(g)]);
	resv_attach_unlock(flags);
	return len;
}

static const struct kernel_param_ops attached_ops = {
	.get = get_attached,
};

module_param_cb(test_attached, &attached_ops, NULL, 0400);
MODULE_PARM_DESC(test_attached, "what the tracker knows of each group");
#endif

/**
 * resv_attach_fill() - fill the stocks with spare objects for all groups
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_attach_fill(void)
{
	unsigned int nr = READ_ONCE(nr_groups);

	return resv_spares_fill(&spare_domains,
				DOMAINS_PER_GROUP * nr + SPARE_DOMAINS) ?:
	       resv_spares_fill(&spare_containers, nr + SPARE_CONTAINERS);
}

/**
 * resv_attach_ready_domain() - refill the stock of spare domains if it is low
 *
 * Context: in a tap; not under the lock.
 */
void resv_attach_ready_domain(void)
{
	if (READ_ONCE(resv_attach_watching))
		resv_spares_ready(&spare_domains);
}

/**
 * resv_attach_ready_container() - refill the stock of spare containers if it is low
 *
 * Context: in a tap; not under the lock.
 */
void resv_attach_ready_container(void)
{
	if (READ_ONCE(resv_attach_watching))
		resv_spares_ready(&spare_containers);
}

/* Objects.  The functions of this section are called with table_lock held. */

/**
 * resv_attach_make_domain() - make an object for a domain that has none
 * @domain: the kernel's domain; only compared
 * @c: the container that VFIO made it for, or NULL
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if the stock is empty
 */
struct resv_attach_domain *
resv_attach_make_domain(const struct iommu_domain *domain,
			struct resv_attach_container *c)
{
	struct resv_attach_domain *d;

	d = resv_test_stock_empty() ? NULL : resv_spares_get(&spare_domains);
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
	resv_spares_put(&spare_domains,
			container_of(rcu, struct resv_attach_domain, rcu));
}

/**
 * resv_attach_drop_domain() - drop the object of a domain
 * @d: the object; no group is on it
 *
 * Context: under resv_attach_lock().
 * Return: number of references on this module that the caller has to put by
 * resv_attach_put_pins() after it releases the lock
 */
unsigned int resv_attach_drop_domain(struct resv_attach_domain *d)
{
	unsigned int pins = d->pins;

	tell_freed(d);
	d->pins = 0;
	d->pinned_by = 0;
	d->kept = false;
	list_del_init(&d->by_container);
	d->container = NULL;
	hash_del_rcu(&d->node);
	call_rcu(&d->rcu, reuse_domain);
	return pins;
}

/**
 * resv_attach_make_container() - make an object for a container that has none
 * @address: address that VFIO's type 1 passes for it; only compared
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if the stock is empty
 */
struct resv_attach_container *resv_attach_make_container(const void *address)
{
	struct resv_attach_container *c;

	c = resv_spares_get(&spare_containers);
	if (!c)
		return NULL;
	INIT_LIST_HEAD(&c->groups);
	INIT_LIST_HEAD(&c->domains);
	c->address = address;
	hash_add(containers, &c->node, (unsigned long)address);
	return c;
}

/**
 * resv_attach_drop_container() - drop the object of a container
 * @c: the object; its groups and domains leave it
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_drop_container(struct resv_attach_container *c)
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
	resv_spares_put(&spare_containers, c);
}

/**
 * resv_attach_leave_container() - take a group out of its container
 * @g: the group
 *
 * If the tracker does not know the container from its opening on, this also drops the
 * container's object with its last group and domain.
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_leave_container(struct resv_attach_group *g)
{
	struct resv_attach_container *c = g->container;

	if (!c)
		return;
	list_del_init(&g->by_container);
	g->container = NULL;
	if (!c->known && list_empty(&c->groups) && list_empty(&c->domains))
		resv_attach_drop_container(c);
}

/**
 * resv_attach_leave_domain() - take a group off its domain
 * @g: the group
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_leave_domain(struct resv_attach_group *g)
{
	if (!g->domain)
		return;
	tell_detached(g, g->domain);
	list_del_init(&g->by_domain);
	g->domain = NULL;
}

/**
 * resv_attach_set_state() - set the state of a group
 * @g: the group
 * @state: the new state; every state but RESV_ATTACH_ATTACHING ends the bracket
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_set_state(struct resv_attach_group *g, enum resv_attach_state state)
{
	g->state = state;
	g->epoch = epoch;
	g->events++;
	if (state != RESV_ATTACH_ATTACHING) {
		g->task = NULL;
		g->first = NULL;
		g->unmapped = false;
		g->barred = NULL;
	}
}

/**
 * resv_attach_set_unseen() - the tracker does not know what a group is attached to
 * @g: the group
 *
 * Context: under resv_attach_lock().
 */
void resv_attach_set_unseen(struct resv_attach_group *g)
{
	resv_attach_set_state(g, RESV_ATTACH_UNSEEN);
	resv_attach_tell_unseen(g);
}

/**
 * resv_attach_drop_stale() - drop a domain of which an event was missed
 * @d: its object; all groups on it become RESV_ATTACH_UNSEEN
 *
 * Context: under resv_attach_lock().
 * Return: as resv_attach_drop_domain()
 */
unsigned int resv_attach_drop_stale(struct resv_attach_domain *d)
{
	struct resv_attach_group *g, *next;

	if (d->container)
		d->container->known = false;
	list_for_each_entry_safe(g, next, &d->groups, by_domain) {
		resv_attach_leave_domain(g);
		resv_attach_set_unseen(g);
	}
	return resv_attach_drop_domain(d);
}

/**
 * resv_attach_put_pins() - put references on this module
 * @pins: number of references
 *
 * Context: any; not under the lock.
 */
void resv_attach_put_pins(unsigned int pins)
{
	while (pins--)
		module_put(THIS_MODULE);
}

/**
 * resv_attach_unpin() - put a client's references of resv_attach_pin_once()
 * @index: index of the client
 *
 * Context: may sleep; the client pins nothing any more.
 */
void resv_attach_unpin(unsigned int index)
{
	struct resv_attach_domain *d;
	unsigned int pins = 0, bkt;
	unsigned long flags;

	flags = resv_attach_lock();
	hash_for_each(domains, bkt, d, node)
		if (__test_and_clear_bit(index, &d->pinned_by)) {
			d->pins--;
			pins++;
		}
	resv_attach_unlock(flags);
	resv_attach_put_pins(pins);
}

/**
 * resv_attach_by_vfio() - is the current task in the bracket of VFIO's attach of a group?
 * @g: the group
 *
 * Context: under resv_attach_lock().
 * Return: true if it is
 */
bool resv_attach_by_vfio(const struct resv_attach_group *g)
{
	return resv_attach_state(g) == RESV_ATTACH_ATTACHING &&
	       g->task == current;
}

/**
 * resv_attach_is_barred() - has a client refused the attach that the current task makes?
 * @domain: domain that the group is being attached to; it is kept
 * @group: the group; only compared
 *
 * Context: any; not under the lock.
 * Return: true if it has
 */
bool resv_attach_is_barred(const struct iommu_domain *domain,
			   const struct iommu_group *group)
{
	const struct resv_attach_group *g;
	unsigned long flags;
	bool barred;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	barred = g && g->barred == domain && resv_attach_by_vfio(g);
	resv_attach_unlock(flags);
	return barred;
}

/**
 * resv_attach_outage() - forget earlier events, as the taps may have missed some
 *
 * Context: may sleep.
 */
void resv_attach_outage(void)
{
	struct resv_attach_container *c;
	struct resv_attach_domain *d;
	struct resv_attach_group *g;
	unsigned int pins = 0, bkt;
	struct hlist_node *tmp;
	unsigned long flags;

	flags = resv_attach_lock();
	epoch++;
	WRITE_ONCE(resv_attach_bracketed, false);
	hash_for_each_safe(containers, bkt, tmp, c, node) {
		if (resv_attach_container_keeps(c))
			c->known = false;
		else
			resv_attach_drop_container(c);
	}
	hash_for_each(groups, bkt, g, node) {
		g->task = NULL;
		g->first = NULL;
		g->barred = NULL;
		if (g->domain && !g->domain->pins)
			resv_attach_leave_domain(g);
		if (!g->domain)
			resv_attach_leave_container(g);
		resv_attach_tell_unseen(g);
	}
	hash_for_each_safe(domains, bkt, tmp, d, node)
		if (!d->pins)
			pins += resv_attach_drop_domain(d);
	resv_attach_unlock(flags);
	resv_attach_put_pins(pins);
}

/**
 * resv_attach_register() - register a client
 * @client: the client; no other client has its index
 *
 * Context: while this module is being loaded, before any tap is installed.
 */
void resv_attach_register(const struct resv_attach_client *client)
{
	clients[client->index] = client;
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

	/* Drop a stale object: the end of an earlier group at this address was missed. */
	resv_attach_remove(group);
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	g->group = group;
	g->id = id;
	g->state = RESV_ATTACH_UNSEEN;
	INIT_LIST_HEAD(&g->by_container);
	INIT_LIST_HEAD(&g->by_domain);
	flags = resv_attach_lock();
	g->epoch = epoch;
	hash_add(groups, &g->node, (unsigned long)group);
	nr_groups++;
	resv_attach_unlock(flags);
	/* The first resv_attach_watch() fills the stocks; before that nothing needs them. */
	if (READ_ONCE(spare_domains.wanted))
		ret = resv_attach_fill();
	if (ret)
		resv_attach_remove(group);
	return ret;
}

/**
 * resv_attach_remove() - drop the object of a group
 * @group: the group; only compared
 *
 * The object of its domain stays until the kernel frees the domain.
 *
 * Context: may sleep; clients have removed their data.
 */
void resv_attach_remove(const struct iommu_group *group)
{
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g) {
		resv_attach_leave_domain(g);
		resv_attach_leave_container(g);
		hash_del(&g->node);
		nr_groups--;
	}
	resv_attach_unlock(flags);
	if (g)
		kfree_rcu(g, rcu);
}

/*
 * The tap sees a detach when it begins.  Until the kernel has done it, the
 * registry still finds the domain that the group is leaving.  If it does for too long, the
 * group was attached again unseen, to that domain or to a new one at the same address.
 */
static bool is_leaving(const struct resv_attach_group *g,
		       const struct iommu_domain *attached)
{
	if (resv_attach_state(g) != RESV_ATTACH_FREE || !attached || attached != g->left)
		return false;
	return time_before(jiffies, g->left_at + DETACH_JIFFIES);
}

/* With table_lock held.  Return: number of references on this module to put */
static unsigned int settle(struct resv_attach_group *g, bool attached, bool sees_all)
{
	enum resv_attach_state state = resv_attach_state(g);
	struct resv_attach_domain *d = g->domain;

	if (attached) {
		/*
		 * Either the tracker missed its attach, or it has no user and the kernel
		 * blocks it by a domain that looks like a user's.  Since v5.19 the kernel does
		 * so from VFIO's detach until VFIO releases the group, and
		 * __iommu_group_alloc_blocking_domain() takes IOMMU_DOMAIN_UNMANAGED where a
		 * driver has no blocking domain (arm-smmu-v3 until v6.8, virtio-iommu).
		 */
		if (state == RESV_ATTACH_FREE && !sees_all)
			resv_attach_set_unseen(g);
		return 0;
	}
	if (state != RESV_ATTACH_UNSEEN)
		return 0;
	resv_attach_leave_domain(g);
	resv_attach_leave_container(g);
	resv_attach_set_state(g, RESV_ATTACH_FREE);
	resv_attach_tell_seen_free(g);
	/*
	 * The tracker missed the end of a domain that has pins.  That of a kept domain it
	 * cannot miss, so there it missed only that the group left.
	 */
	return d && list_empty(&d->groups) && !d->kept ? resv_attach_drop_domain(d) : 0;
}

/**
 * resv_attach_events() - number of events of a group, for resv_attach_look()
 * @group: the group
 *
 * Context: any; not under the lock.
 * Return: how often the tracker has set the group's state
 */
unsigned int resv_attach_events(const struct iommu_group *group)
{
	const struct resv_attach_group *g;
	unsigned int events = 0;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		events = g->events;
	resv_attach_unlock(flags);
	return events;
}

/**
 * resv_attach_settle() - the registry has looked at a group
 * @group: the group
 * @attached: domain that the registry found attached, if it belongs to a user that makes
 *	its own maps; else NULL.  Only compared
 * @look: set by resv_attach_look(), before the registry looked
 *
 * Corrects the group's state by what the registry found.
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: false if a user attached or detached the group since resv_attach_look(), or is
 * detaching it, so that what was found may be outdated; the state does not change then
 */
bool resv_attach_settle(const struct iommu_group *group,
			const struct iommu_domain *attached,
			const struct resv_attach_look *look)
{
	struct resv_attach_group *g;
	unsigned int pins = 0;
	bool fresh = true;
	unsigned long flags;

	/* Stay on this CPU until after(): clients keep there what they print, as in a tap. */
	preempt_disable();
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		fresh = g->events == look->events && !is_leaving(g, attached);
	if (g && fresh)
		pins = settle(g, attached, look->sees_all);
	resv_attach_unlock(flags);
	resv_attach_put_pins(pins);
	resv_attach_tell_after();
	preempt_enable();
	return fresh;
}

/**
 * resv_attach_table_exit() - free everything
 *
 * Context: no tap is installed, the registry has removed every group; may sleep.
 */
void resv_attach_table_exit(void)
{
	struct resv_attach_container *c;
	struct resv_attach_domain *d;
	struct hlist_node *tmp;
	unsigned long flags;
	unsigned int bkt;

	flags = resv_attach_lock();
	hash_for_each_safe(containers, bkt, tmp, c, node)
		resv_attach_drop_container(c);
	hash_for_each_safe(domains, bkt, tmp, d, node)
		resv_attach_drop_domain(d);
	resv_attach_unlock(flags);
	/* Wait until no reuse_domain() is pending. */
	rcu_barrier();
	resv_spares_exit(&spare_domains);
	resv_spares_exit(&spare_containers);
	resv_attach_watching = false;
}
