/* SPDX-License-Identifier: GPL-2.0-only */
/* Who is attached to what: groups, domains, and VFIO's containers. */
#ifndef RESV_GROUP_ATTACH_H
#define RESV_GROUP_ATTACH_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include "model/region.h"

struct iommu_domain;
struct iommu_group;
struct task_struct;

enum resv_attach_state {
	RESV_ATTACH_FREE,	/* nobody who maps by himself has it */
	RESV_ATTACH_ATTACHING,	/* VFIO is attaching it; ends with that call */
	RESV_ATTACH_ATTACHED,	/* it is on a domain of which all is known */
	RESV_ATTACH_UNSEEN,	/* somebody has it whose attach was not seen */
};

/* Clients that can have data of their own in each object. */
#define RESV_ATTACH_CLIENTS	3

/**
 * struct resv_attach_container - one container of VFIO's type 1
 * @node: in the table by @address, or among the spare ones
 * @address: what vfio_iommu_type1_attach_group() is given; only compared
 * @known: it was opened while it was watched, and no event of it was missed: all its
 *	groups are on @groups
 * @has_noiommu: a group came for which no domain was made: that of an mdev
 * @groups: struct resv_attach_group, by its by_container
 * @domains: struct resv_attach_domain, by its by_container
 */
struct resv_attach_container {
	struct hlist_node node;
	const void *address;
	bool known;
	bool has_noiommu;
	struct list_head groups;
	struct list_head domains;
};

/**
 * struct resv_attach_domain - one domain that a known group was attached to
 * @node: in the table by @domain, under RCU; or among the spare ones
 * @rcu: for reuse
 * @domain: the kernel's domain; compared, and dereferenced only while it is called with
 * @container: the container that it was made for, or NULL
 * @by_container: on its list
 * @groups: struct resv_attach_group, by its by_domain
 * @cookie_known: @cookie is set
 * @cookie: where the doorbells of this domain are, or will be: fixed from the first
 *	attach until the domain is freed
 * @pins: references on this module that effects on this domain hold
 * @pinned_by: clients of which one of @pins is, by index; see resv_attach_pin_once()
 * @data: one pointer a client
 * @hint: one number a client, for its readers under RCU: they write it without a
 *	lock, so it can have any value, also that of a domain of before
 */
struct resv_attach_domain {
	struct hlist_node node;
	struct rcu_head rcu;
	const struct iommu_domain *domain;
	struct resv_attach_container *container;
	struct list_head by_container;
	struct list_head groups;
	bool cookie_known;
	struct resv_range cookie;
	unsigned int pins;
	unsigned long pinned_by;
	void __rcu *data[RESV_ATTACH_CLIENTS];
	unsigned int hint[RESV_ATTACH_CLIENTS];
};

/**
 * struct resv_attach_group - one group of the registry
 * @node: in the table, by @group
 * @rcu: for freeing
 * @group: the group; only compared
 * @id: its number
 * @state: see the enum
 * @epoch: in which @state was set
 * @events: how often @state was set, which tells a look at the group that somebody came or
 *	left meanwhile
 * @left: the domain that it was seen to leave last, which a look may still find attached,
 *	and to which it goes back if a replacement fails; only compared
 * @leaving: how many looks in a row have found it so
 * @task: RESV_ATTACH_ATTACHING: the task that attaches it, else NULL
 * @container: container of the last attach by VFIO, or NULL
 * @by_container: on its list
 * @domain: domain that it is on, or NULL
 * @by_domain: on its list
 * @first: RESV_ATTACH_ATTACHING: address of the domain that VFIO made for this attach,
 *	or NULL while there is none; only compared
 * @unmapped: RESV_ATTACH_ATTACHING: nothing was mapped on @first yet
 * @data: one pointer a client
 */
struct resv_attach_group {
	struct hlist_node node;
	struct rcu_head rcu;
	const struct iommu_group *group;
	int id;
	enum resv_attach_state state;
	unsigned int epoch;
	unsigned int events;
	const struct iommu_domain *left;
	unsigned int leaving;
	const struct task_struct *task;
	struct resv_attach_container *container;
	struct list_head by_container;
	struct resv_attach_domain *domain;
	struct list_head by_domain;
	const struct iommu_domain *first;
	bool unmapped;
	void *data[RESV_ATTACH_CLIENTS];
};

/**
 * struct resv_attach_client - who is asked, and told
 * @index: which of data[] is its own, the same in groups and domains
 * @may_attach: VFIO is about to put @g on @d, which others are on, or which it made for
 *	this attach (g->first).  Return: false to have the attach refused
 * @attached: @g is on @d from now on; g->domain is @d.  By VFIO if @d has a container
 * @detached: @g leaves g->domain, and is on its list still
 * @freed: the domain is about to be freed; no group is on it.  What it has pinned is
 *	put afterwards by the tracker
 * @over: the attach of @g by VFIO is over: it failed, or it is on g->domain
 * @unseen: an event of @g may have been missed, or somebody has it whose attach was
 *	not seen
 * @seen_free: @g was UNSEEN, and is free
 * @after: the event is over and no lock is held: say what is to be said.  Still in the
 *	handler of a tap, so it must not sleep.
 *
 * All but @after are called with the tracker's lock held and interrupts off: no
 * allocation, no print, no user access, nothing that sleeps or is hooked.  Each may be
 * NULL.  All clients are asked (may_attach) before one is told (attached).
 */
struct resv_attach_client {
	unsigned int index;
	bool (*may_attach)(struct resv_attach_group *g, struct resv_attach_domain *d);
	void (*attached)(struct resv_attach_group *g, struct resv_attach_domain *d);
	void (*detached)(struct resv_attach_group *g, struct resv_attach_domain *d);
	void (*freed)(struct resv_attach_domain *d);
	void (*over)(struct resv_attach_group *g);
	void (*unseen)(struct resv_attach_group *g);
	void (*seen_free)(struct resv_attach_group *g);
	void (*after)(void);
};

/**
 * struct resv_attach_look - what was known before a look at a group
 * @events: how often somebody was seen to come or leave
 * @sees_all: nobody can come or leave unseen
 */
struct resv_attach_look {
	unsigned int events;
	bool sees_all;
};

/* For clients: may sleep */
void resv_attach_register(const struct resv_attach_client *client);
bool resv_attach_watch(const struct resv_attach_client *client, bool containers);
void resv_attach_unwatch(const struct resv_attach_client *client,
			 const char *reason);
const char *resv_attach_broken(bool containers);
void resv_attach_unpin(unsigned int index);
int resv_attach_when_free(struct iommu_group *group, int (*fn)(void *data),
			  void *data);

/* For the registry: under the lock of the group's entry; may sleep */
int resv_attach_add(struct iommu_group *group, int id);
void resv_attach_remove(const struct iommu_group *group);
void resv_attach_look(const struct iommu_group *group, struct resv_attach_look *look);
bool resv_attach_settle(const struct iommu_group *group,
			const struct iommu_domain *attached,
			const struct resv_attach_look *look);
void resv_attach_mode_changed(void);
bool resv_attach_group_busy(const struct iommu_group *group);
void resv_attach_exit(void);

/* Under the tracker's lock; any context */
unsigned long resv_attach_lock(void);
void resv_attach_unlock(unsigned long flags);
struct resv_attach_group *resv_attach_group_find(const struct iommu_group *group);
struct resv_attach_group *resv_attach_group_numbered(int id);
enum resv_attach_state resv_attach_state(const struct resv_attach_group *g);
struct resv_attach_container *resv_attach_container_find(const void *address);
bool resv_attach_pin(struct resv_attach_domain *d);
bool resv_attach_pin_once(struct resv_attach_domain *d, unsigned int index);

/* For what must not happen under the tracker's lock; test builds report it. */
#ifdef RESV_TEST
void resv_attach_assert_unlocked(void);
#else
static inline void resv_attach_assert_unlocked(void)
{
}
#endif

/* Under the tracker's lock, or rcu_read_lock() */
struct resv_attach_domain *
resv_attach_domain_find(const struct iommu_domain *domain);

#define resv_attach_domain_for_each(g, d) \
	list_for_each_entry(g, &(d)->groups, by_domain)
#define resv_attach_container_for_each(g, c) \
	list_for_each_entry(g, &(c)->groups, by_container)

#endif /* RESV_GROUP_ATTACH_H */
