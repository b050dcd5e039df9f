/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracks which group is attached to which domain and which VFIO container. */
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
	RESV_ATTACH_FREE,	/* no user that makes its own maps has it */
	RESV_ATTACH_ATTACHING,	/* VFIO is attaching it; ends with that call */
	RESV_ATTACH_ATTACHED,	/* on a domain whose events were all seen */
	RESV_ATTACH_UNSEEN,	/* may have a user whose attach was not seen */
};

/* Number of clients; each has its own data in each object. */
#define RESV_ATTACH_CLIENTS	4

/**
 * struct resv_attach_container - one container of VFIO's type 1
 * @node: in the table by @address, or in the stock of spare objects
 * @address: first argument of vfio_iommu_type1_attach_group(); only compared
 * @known: the tracker saw it open and has missed none of its events since, so @groups
 *	has all its groups
 * @has_noiommu: VFIO attached a group to it without a domain: the group of an mdev
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
 * @node: in the table by @domain, under RCU; or in the stock of spare objects
 * @rcu: for reuse
 * @domain: the kernel's domain; only compared, except in a call that has it as argument
 * @container: the container that VFIO made it for, or NULL
 * @by_container: on the list of @container
 * @groups: struct resv_attach_group, by its by_domain
 * @cookie_known: @cookie is set
 * @cookie: where the doorbells of this domain are, or will be: fixed from the first
 *	attach until the domain is freed
 * @pins: references on this module that effects on this domain hold
 * @pinned_by: bit mask of the clients that own one of @pins; see resv_attach_pin_once()
 * @kept: a client has changed the kernel's domain itself and owns one of @pins for that,
 *	so this object stays until the kernel frees the domain
 * @data: one pointer for each client
 * @hint: one number for each client's readers under RCU.  They write it without a lock,
 *	so it can have any value, even one left from the object's previous domain
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
	bool kept;
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
 * @epoch: value of the tracker's epoch when @state was set
 * @events: how often @state was set.  The registry compares it to find that a user
 *	attached or detached the group while the registry looked at it
 * @left: the domain that the group was last seen to leave; only compared.  The kernel
 *	may still report it as attached, and the group goes back to it if a replacement fails
 * @left_at: jiffies when that was
 * @task: RESV_ATTACH_ATTACHING: the task that attaches it, else NULL
 * @container: container of the last attach by VFIO, or NULL
 * @by_container: on the list of @container
 * @domain: domain that it is on, or NULL
 * @by_domain: on the list of @domain
 * @first: RESV_ATTACH_ATTACHING: address of the domain that VFIO made for this attach,
 *	or NULL before VFIO attaches the group to it; only compared
 * @unmapped: RESV_ATTACH_ATTACHING: VFIO has mapped nothing on @first yet
 * @barred: RESV_ATTACH_ATTACHING: the domain that a client does not let @task attach it to
 *	just now, see resv_attach_is_barred(); or NULL.  Only compared
 * @data: one pointer for each client
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
	unsigned long left_at;
	const struct task_struct *task;
	struct resv_attach_container *container;
	struct list_head by_container;
	struct resv_attach_domain *domain;
	struct list_head by_domain;
	const struct iommu_domain *first;
	bool unmapped;
	const struct iommu_domain *barred;
	void *data[RESV_ATTACH_CLIENTS];
};

/**
 * struct resv_attach_client - callbacks of a user of the tracker
 * @index: index of the client's element of data[] in groups and domains; the tracker
 *	calls the clients in this order
 * @may_attach: VFIO is about to put @g on @d.  Either other groups are on @d, or VFIO
 *	made it for this attach (g->first).  Return: false to refuse the attach; if @d is
 *	kept, its owner then has to ask resv_attach_is_barred() in the attach
 * @may_lose: VFIO is about to attach @g, and there is no memory for the object of the
 *	domain, so no client would be told.  Return: false to refuse the attach
 * @attached: @g is on @d from now on; g->domain is @d.  If @d has a container, VFIO
 *	attached @g
 * @detached: @g leaves g->domain, but is still on its list
 * @freed: the kernel is about to free the domain; no group is on it.  The tracker puts
 *	the domain's pins afterwards
 * @over: VFIO's attach of @g has ended: either it failed, or @g is on g->domain
 * @unseen: the tracker may have missed an event of @g, or @g has a user whose attach
 *	was not seen
 * @seen_free: @g was UNSEEN, and is free
 * @after: the event is over and no lock is held, so the client may print.  Still in the
 *	handler of a tap, so it must not sleep.
 *
 * The tracker calls all but @after with its lock held and interrupts off: they must not
 * allocate, print, access user memory, sleep or call a hooked function.  Each may be
 * NULL.  The tracker calls may_attach() of all clients before attached() of any.
 */
struct resv_attach_client {
	unsigned int index;
	bool (*may_attach)(struct resv_attach_group *g, struct resv_attach_domain *d);
	bool (*may_lose)(const struct resv_attach_group *g);
	void (*attached)(struct resv_attach_group *g, struct resv_attach_domain *d);
	void (*detached)(struct resv_attach_group *g, struct resv_attach_domain *d);
	void (*freed)(struct resv_attach_domain *d);
	void (*over)(struct resv_attach_group *g);
	void (*unseen)(struct resv_attach_group *g);
	void (*seen_free)(struct resv_attach_group *g);
	void (*after)(void);
};

/**
 * struct resv_attach_look - what the tracker knew when the registry began to look
 * @events: resv_attach_group.events at that time
 * @sees_all: the taps see every attach and detach
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
bool resv_attach_is_barred(const struct iommu_domain *domain,
			   const struct iommu_group *group);
unsigned int resv_attach_domain_freed(const struct iommu_domain *domain);
void resv_attach_put_pins(unsigned int pins);
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
bool resv_attach_container_keeps(const struct resv_attach_container *c);
bool resv_attach_by_vfio(const struct resv_attach_group *g);
bool resv_attach_pin(struct resv_attach_domain *d);
bool resv_attach_pin_once(struct resv_attach_domain *d, unsigned int index);

/* Before a call that is forbidden under the tracker's lock; test builds check it. */
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
