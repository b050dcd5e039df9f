// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects of the attachment tracker, and its clients.  See attach.c for what holds of
 * them, and for the locks.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "group/attach.h"
#include "group/attach_table.h"
#include "hook/spares.h"

/* Objects in stock for each group, and for all of them together. */
#define DOMAINS_PER_GROUP	2
#define SPARE_DOMAINS		8
#define SPARE_CONTAINERS	8

/* At 20 ms or more, this is a second at least, which no detach takes. */
#define LEAVING_LOOKS	50

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
 * resv_attach_tell_attached() - tell all clients: a group is on a domain
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
 * resv_attach_tell_over() - tell all clients: VFIO's attach of a group is over
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
 * resv_attach_tell_seen_free() - tell all clients: a group was UNSEEN, and is free
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
 * resv_attach_tell_after() - tell all clients: the event is over
 *
 * Context: preemption is off since the event began; not under the lock.
 */
void resv_attach_tell_after(void)
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
 * resv_attach_group_numbered() - the object of the group with a number
 * @id: the number
 *
 * This looks at all groups, so it is for what has failed.
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

/**
 * resv_attach_pin_once() - the same, for an effect that a client has once on a domain
 * @d: object of the domain
 * @index: of the client
 *
 * Context: under resv_attach_lock().
 * Return: false if this module is being unloaded, so that it is too late
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
 * resv_attach_allowed() - ask all clients before one is told
 * @g: the group
 * @d: the domain that VFIO is about to put it on
 *
 * Context: under resv_attach_lock().
 * Return: false if a client wants the attach to be refused
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
 * resv_attach_fill() - have as many spare objects as all groups can need
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
 * resv_attach_ready_domain() - have an object for a domain
 *
 * Context: in a tap; not under the lock.
 */
void resv_attach_ready_domain(void)
{
	if (READ_ONCE(resv_attach_watching))
		resv_spares_ready(&spare_domains);
}

/**
 * resv_attach_ready_container() - have an object for a container
 *
 * Context: in a tap; not under the lock.
 */
void resv_attach_ready_container(void)
{
	if (READ_ONCE(resv_attach_watching))
		resv_spares_ready(&spare_containers);
}

/* Objects.  All of this section is called with table_lock held. */

/**
 * resv_attach_make_domain() - an object for a domain that has none
 * @domain: the kernel's domain; only compared
 * @c: the container that it is made for, or NULL
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if no spare one is left
 */
struct resv_attach_domain *
resv_attach_make_domain(const struct iommu_domain *domain,
			struct resv_attach_container *c)
{
	struct resv_attach_domain *d;

	d = resv_spares_get(&spare_domains);
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
 * resv_attach_drop_domain() - a domain is no more
 * @d: its object; no group is on it
 *
 * Context: under resv_attach_lock().
 * Return: references on this module for resv_attach_put_pins(), without the lock
 */
unsigned int resv_attach_drop_domain(struct resv_attach_domain *d)
{
	unsigned int pins = d->pins;

	tell_freed(d);
	d->pins = 0;
	d->pinned_by = 0;
	list_del_init(&d->by_container);
	d->container = NULL;
	hash_del_rcu(&d->node);
	call_rcu(&d->rcu, reuse_domain);
	return pins;
}

/**
 * resv_attach_make_container() - an object for a container that has none
 * @address: what VFIO's type 1 goes by; only compared
 *
 * Context: under resv_attach_lock().
 * Return: the object, or NULL if no spare one is left
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
 * resv_attach_drop_container() - a container is no more
 * @c: its object; groups and domains leave it
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
 * resv_attach_leave_container() - a group is in no container any more
 * @g: the group
 *
 * A container whose opening was not seen ends with its last group.
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
 * resv_attach_leave_domain() - a group is on no domain any more
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
 * resv_attach_set_state() - from now on this is known of a group
 * @g: the group
 * @state: its state; all but RESV_ATTACH_ATTACHING end the bracket
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
	}
}

/**
 * resv_attach_set_unseen() - who has a group is not known
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
 * resv_attach_drop_stale() - an event of a domain was missed: who is on it is not known
 * @d: its object
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
 * @pins: how many
 *
 * Context: any; not under the lock.
 */
void resv_attach_put_pins(unsigned int pins)
{
	while (pins--)
		module_put(THIS_MODULE);
}

/**
 * resv_attach_unpin() - what a client has pinned once is over, on all domains
 * @index: of the client
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
 * resv_attach_by_vfio() - is the current task in the bracket of an attach by VFIO?
 * @g: the group that is attached
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
 * resv_attach_outage() - events may have been missed: nothing from before counts
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
	hash_for_each_safe(containers, bkt, tmp, c, node)
		resv_attach_drop_container(c);
	hash_for_each(groups, bkt, g, node) {
		g->task = NULL;
		g->first = NULL;
		if (g->domain && !g->domain->pins)
			resv_attach_leave_domain(g);
		resv_attach_tell_unseen(g);
	}
	hash_for_each_safe(domains, bkt, tmp, d, node)
		if (!d->pins)
			pins += resv_attach_drop_domain(d);
	resv_attach_unlock(flags);
	resv_attach_put_pins(pins);
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
	flags = resv_attach_lock();
	g->epoch = epoch;
	hash_add(groups, &g->node, (unsigned long)group);
	nr_groups++;
	resv_attach_unlock(flags);
	/* Not before a client watches. */
	if (READ_ONCE(spare_domains.wanted))
		ret = resv_attach_fill();
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
 * The detach is seen when it begins.  Until the kernel has carried it out a look finds the
 * domain attached that the group is leaving.  Should it stay so, the group has come back
 * unseen to that domain, or to another one at its address.
 */
static bool is_leaving(struct resv_attach_group *g, const struct iommu_domain *attached)
{
	if (resv_attach_state(g) != RESV_ATTACH_FREE || !attached || attached != g->left)
		return false;
	return g->leaving++ < LEAVING_LOOKS;
}

/* With table_lock held.  Return: references on this module to be put */
static unsigned int settle(struct resv_attach_group *g, bool attached, bool sees_all)
{
	enum resv_attach_state state = resv_attach_state(g);
	struct resv_attach_domain *d = g->domain;

	if (attached) {
		/*
		 * Its attach was not seen.  Or it has no user, and the kernel blocks it by a
		 * domain that looks like a user's: since v5.19 that is so between the two, and
		 * __iommu_group_alloc_blocking_domain() takes IOMMU_DOMAIN_UNMANAGED where a
		 * driver knows nothing better (arm-smmu-v3 until v6.8, virtio-iommu).
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
	/* The end of a domain was missed that effects were pinned to. */
	return d && list_empty(&d->groups) ? resv_attach_drop_domain(d) : 0;
}

/**
 * resv_attach_events() - for resv_attach_look()
 * @group: the group
 *
 * Context: any; not under the lock.
 * Return: how often somebody was seen to come or leave
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
 * @attached: the domain of somebody who maps by himself that was attached to it then, or NULL;
 *	only compared
 * @look: what resv_attach_look() told before it did
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: false if somebody came or left since then, or is just leaving, so that what the
 * look has found may be over; nothing is settled then
 */
bool resv_attach_settle(const struct iommu_group *group,
			const struct iommu_domain *attached,
			const struct resv_attach_look *look)
{
	struct resv_attach_group *g;
	unsigned int pins = 0;
	bool fresh = true;
	unsigned long flags;

	/* What a client has to say afterwards it keeps on this CPU, as in a handler. */
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
 * Context: no tap is in, the registry has removed every group; may sleep.
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
	/* reuse_domain() must not run any more. */
	rcu_barrier();
	resv_spares_exit(&spare_domains);
	resv_spares_exit(&spare_containers);
	resv_attach_watching = false;
}
