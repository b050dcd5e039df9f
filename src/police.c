// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts on maps and attaches, for kernels whose VFIO makes none (before v5.4).
 *
 * What v5.4 and later do in VFIO is done here at the IOMMU core's functions that
 * VFIO calls:
 *
 * - A map that is not all inside of one usable range of every group of its domain
 *   is refused by iommu_map().  VFIO maps piece by piece, and takes back what it
 *   has mapped when one is refused.
 * - A group that brings holes must not be attached to a container that has maps
 *   there.  VFIO puts a group on a domain that it has already, if one suits, and
 *   maps nothing anew.  There a group with holes of its own is refused by
 *   iommu_attach_group().  VFIO then gives it a domain of its own and repeats all
 *   maps on that (vfio_iommu_replay()), by iommu_map(); one that is refused ends
 *   the attach.
 * - The usable ranges of a container are those of all its groups.
 *
 * Which group is on which domain, and in which container, the taps see.  Whoever
 * had a group before they were in is left alone until he gives it back: what a
 * running guest has mapped must not be refused after its next reset.
 *
 * Locks: table_lock, raw because taps run with preemption off, also on PREEMPT_RT.
 * The lookup at iommu_map() takes none: it is repeated if the table has changed
 * meanwhile, and what it looks at is freed by RCU.  The tables are changed with the
 * registry's lock held, too, except for what the taps change.
 */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "declared.h"
#include "group.h"
#include "hook.h"
#include "native.h"
#include "police.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * struct rules - where groups may be mapped
 * @node: in the table, as most groups of a machine have the same
 * @users: groups that have these
 * @rcu: for freeing
 * @nr: how many ranges
 * @usable: ascending; no two of them touch
 */
struct rules {
	struct list_head node;
	unsigned int users;
	struct rcu_head rcu;
	unsigned int nr;
	struct resv_range usable[];
};

/**
 * struct reasons - what takes the rest, for whom it may concern
 * @rcu: for freeing
 * @nr: how many regions
 * @names: device names, behind the regions
 * @region: the regions
 */
struct reasons {
	struct rcu_head rcu;
	unsigned int nr;
	const char *names;
	struct resv_region region[];
};

/**
 * struct refusal - a map that was refused
 * @start: first address of the map
 * @end: last address, inclusive
 * @region: what it hit
 * @device: because of which device
 * @pid: process
 * @comm: its name
 */
struct refusal {
	u64 start;
	u64 end;
	struct resv_region region;
	char device[RESV_DEVICE_LEN];
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct beat - one group
 * @node: in the table, by address of @group
 * @by_domain: in the other table, by address of @domain, if it is the first of the
 *	groups of this domain that have the same rules
 * @rcu: for freeing
 * @group: the group; only compared
 * @id: its number
 * @rules: where it may be mapped, or NULL if that is not known
 * @reasons: why not elsewhere
 * @container: what VFIO's container of the last attach goes by; only compared
 * @joiner: task that attaches the group to @container, until that is done
 * @first: domain of the attach under way, or the last one
 * @domain: domain that VFIO has the group on
 * @fresh: nothing was mapped on @domain yet
 * @lax: it was put there while nothing was enforced, and so its maps are only told
 * @stranger: somebody has it whose attach was not seen
 * @seen: by the walk under way
 * @count: maps that were refused
 * @last: the last of these
 */
struct beat {
	struct hlist_node node;
	struct hlist_node by_domain;
	struct rcu_head rcu;
	const struct iommu_group *group;
	int id;
	struct rules __rcu *rules;
	struct reasons __rcu *reasons;
	const void *container;
	const struct task_struct *joiner;
	const struct iommu_domain *first;
	const struct iommu_domain *domain;
	bool fresh;
	bool lax;
	bool stranger;
	bool seen;
	u64 count;
	struct refusal last;
};

#define DOMAIN_BITS	6

static DEFINE_HASHTABLE(beats, 6);
static struct hlist_head domains[1 << DOMAIN_BITS];
static DEFINE_RAW_SPINLOCK(table_lock);
static seqcount_t table_seq = SEQCNT_ZERO(table_seq);
static LIST_HEAD(all_rules);

/* For resv_police_ranges(): as many as all groups together can have. */
static struct resv_range *scratch;
static unsigned int scratch_nr;

static enum resv_police_mode mode;
static bool loaded;
static bool written;		/* the parameter, at load or since */
static bool watching;		/* all taps are in that tell who is where */
static DEFINE_MUTEX(switch_lock);

/*
 * Containers that were opened under our eyes, so that all their groups are known.
 * As many as machines have devices to pass through, and more.
 */
#define MAX_CONTAINERS	1024

/**
 * struct container - one of them
 * @address: what VFIO goes by; only compared
 * @odd: a group came that has no IOMMU
 * @unknown: a group came of which nothing is known
 */
static struct container {
	const void *address;
	bool odd;
	bool unknown;
} containers[MAX_CONTAINERS];

/* Irqs are off and table_lock is held until unlock_table(). */
static unsigned long lock_table(void)
	__acquires(&table_lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	return flags;
}

static void unlock_table(unsigned long flags)
	__releases(&table_lock)
{
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

static struct beat *find(const struct iommu_group *group)
{
	struct beat *b;

	hash_for_each_possible(beats, b, node, (unsigned long)group)
		if (b->group == group)
			return b;
	return NULL;
}

static struct hlist_head *bucket(const struct iommu_domain *domain)
{
	return &domains[hash_ptr((void *)domain, DOMAIN_BITS)];
}

static struct rules *rules_of(const struct beat *b)
{
	return rcu_dereference_protected(b->rules,
					 lockdep_is_held(&table_lock));
}

/* Same domain, same verdict: one of them is enough in the table. */
static bool are_alike(const struct beat *a, const struct beat *b)
{
	return a->domain == b->domain && rules_of(a) == rules_of(b);
}

/* In a write section: look @b up by its domain from now on. */
static void index_in(struct beat *b)
{
	struct beat *other;
	unsigned int bkt;

	if (!b->domain)
		return;
	hash_for_each(beats, bkt, other, node)
		if (other != b && !hlist_unhashed(&other->by_domain) &&
		    are_alike(other, b))
			return;
	hlist_add_head_rcu(&b->by_domain, bucket(b->domain));
}

/* In a write section: the opposite, while its domain and rules are what they were. */
static void index_out(struct beat *b)
{
	struct beat *other;
	unsigned int bkt;

	if (hlist_unhashed(&b->by_domain))
		return;
	hlist_del_init_rcu(&b->by_domain);
	hash_for_each(beats, bkt, other, node) {
		if (other == b || !are_alike(other, b))
			continue;
		hlist_add_head_rcu(&other->by_domain, bucket(b->domain));
		break;
	}
}

/* Readers see the group where it was, or where it is, and never nowhere. */
static void put_on(struct beat *b, const struct iommu_domain *domain)
{
	write_seqcount_begin(&table_seq);
	index_out(b);
	b->domain = domain;
	index_in(b);
	write_seqcount_end(&table_seq);
}

/* The first range that does not end before @start, or NULL. */
static const struct resv_range *range_from(const struct rules *rules, u64 start)
{
	unsigned int low = 0, high = rules->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (rules->usable[mid].end < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < rules->nr ? &rules->usable[low] : NULL;
}

/* All of [@start, @end] in one usable range, as vfio_iommu_iova_dma_valid() asks. */
static bool allows(const struct rules *rules, u64 start, u64 end)
{
	const struct resv_range *range = range_from(rules, start);

	return range && range->start <= start && range->end >= end;
}

/*
 * What the domain itself says that it can address.  VFIO since v5.4 asks it after
 * the attach, and before that it is not always known.
 */
static struct resv_range reach_of(const struct iommu_domain *domain)
{
	struct resv_range reach;

	if (!compat_domain_geometry(domain, &reach.start, &reach.end)) {
		reach.start = 0;
		reach.end = ULLONG_MAX;
	}
	return reach;
}

static bool reaches(const struct iommu_domain *domain, u64 start, u64 end)
{
	struct resv_range reach = reach_of(domain);

	return start >= reach.start && end <= reach.end;
}

/* What @reasons say of a map of [@start, @end], in @refusal. */
static void explain(const struct reasons *reasons,
		    const struct iommu_domain *domain, struct refusal *refusal)
{
	struct resv_range reach = reach_of(domain);
	unsigned int i;

	refusal->region.type = RESV_OUT_OF_RANGE;
	refusal->region.origin = RESV_ORIGIN_APERTURE;
	strscpy(refusal->device, "-", sizeof(refusal->device));
	for (i = 0; reasons && i < reasons->nr; i++) {
		const struct resv_region *r = &reasons->region[i];

		if (r->start > refusal->end || r->end < refusal->start)
			continue;
		refusal->region = *r;
		strscpy(refusal->device, reasons->names + r->name,
			sizeof(refusal->device));
		return;
	}
	if (refusal->start < reach.start) {
		refusal->region.end = reach.start - 1;
		return;
	}
	refusal->region.start = reach.end + 1;
	refusal->region.end = ULLONG_MAX;
}

static void say(int id, const struct refusal *refusal, bool refused)
{
	const struct resv_region *r = &refusal->region;

	trace_map_refused(id, refusal->start, refusal->end, r->start, r->end,
			  resv_type_name(r->type), resv_origin_name(r->origin),
			  refusal->device);
	pr_warn_ratelimited("group %d: a map of 0x%llx-0x%llx by %s[%d] %s: it hits 0x%llx-0x%llx (%s, %s, %s), see /sys/kernel/iommu_groups/%d/resv/usable\n",
			    id, refusal->start, refusal->end, refusal->comm,
			    refusal->pid,
			    refused ? "is refused" :
				      "should be refused and is let through",
			    r->start, r->end, resv_type_name(r->type),
			    resv_origin_name(r->origin), refusal->device, id);
}

/* The name of a process can have anything in it, and is a word of a line. */
static void name_process(struct refusal *refusal)
{
	char *c;

	refusal->pid = task_tgid_nr(current);
	strscpy(refusal->comm, current->comm, sizeof(refusal->comm));
	for (c = refusal->comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/*
 * A map that some group of @domain does not allow: each of these counts it, and the
 * first one is told.
 *
 * Return: there is one whose maps are not only told
 */
static bool refuse(const struct iommu_domain *domain, u64 start, u64 end,
		   bool enforce)
{
	bool strict = false;
	struct refusal refusal, first;
	const struct rules *rules;
	unsigned long flags;
	unsigned int bkt;
	struct beat *b;
	int id = -1;

	flags = lock_table();
	hash_for_each(beats, bkt, b, node) {
		if (b->domain != domain)
			continue;
		rules = rules_of(b);
		if ((!rules || allows(rules, start, end)) &&
		    reaches(domain, start, end))
			continue;
		memset(&refusal, 0, sizeof(refusal));
		refusal.start = start;
		refusal.end = end;
		name_process(&refusal);
		explain(rcu_dereference_protected(b->reasons,
						  lockdep_is_held(&table_lock)),
			domain, &refusal);
		b->count++;
		b->last = refusal;
		strict |= !b->lax;
		if (id < 0) {
			id = b->id;
			first = refusal;
		}
	}
	unlock_table(flags);
	if (id >= 0)
		say(id, &first, enforce && strict);
	return strict;
}

static struct container *find_container(const void *address)
{
	unsigned int i;

	for (i = 0; i < MAX_CONTAINERS; i++)
		if (containers[i].address == address)
			return &containers[i];
	return NULL;
}

/* Can @container have a group without an IOMMU? */
static bool may_be_odd(const void *container)
{
	struct container *c = find_container(container);

	return !c || c->odd || c->unknown;
}

/*
 * Must this map be let through, though it should be refused?
 *
 * VFIO of v4.10 to v5.3 repeats all maps of a container on a new domain.  If one is
 * refused it takes nothing back (vfio_iommu_replay()), and trusts what it has noted the
 * next time.  With a group in the container that has no IOMMU (mdev) that next time
 * finds no domain to look in, and reads what is not there.
 */
static bool must_pass(const struct iommu_domain *domain)
{
	unsigned long flags = lock_table();
	unsigned int bkt;
	bool pass = false;
	struct beat *b;

	hash_for_each(beats, bkt, b, node)
		if (b->domain == domain && b->first == domain &&
		    b->joiner == current && may_be_odd(b->container))
			pass = true;
	unlock_table(flags);
	return pass;
}

enum verdict {
	UNKNOWN,	/* no group of ours has this domain */
	ALLOWED,
	REFUSED,
};

/* Under rcu_read_lock(). */
static enum verdict judge(const struct iommu_domain *domain, u64 start, u64 end)
{
	enum verdict verdict;
	unsigned int seq;
	struct beat *b;

	do {
		verdict = UNKNOWN;
		seq = read_seqcount_begin(&table_seq);
		hlist_for_each_entry_rcu(b, bucket(domain), by_domain) {
			const struct rules *rules;

			if (READ_ONCE(b->domain) != domain)
				continue;
			rules = rcu_dereference(b->rules);
			if (!rules || allows(rules, start, end)) {
				verdict = ALLOWED;
				continue;
			}
			verdict = REFUSED;
			break;
		}
	} while (read_seqcount_retry(&table_seq, seq));
	if (verdict == ALLOWED && !reaches(domain, start, end))
		verdict = REFUSED;
	return verdict;
}

/*
 * VFIO before v6.1 or so maps two pages at 0 of a domain of its own, to see what sizes the
 * IOMMU uses, and takes them back at once (vfio_test_domain_fgsp()).  It is the first
 * map of the domain, and no concern of anybody's.
 */
static bool is_trial(const struct iommu_domain *domain, u64 start, size_t size)
{
	unsigned long flags;
	bool trial = false;
	unsigned int bkt;
	struct beat *b;

	if (start || size != 2 * PAGE_SIZE)
		return false;
	flags = lock_table();
	hash_for_each(beats, bkt, b, node) {
		if (b->domain != domain || !b->fresh || b->joiner != current)
			continue;
		b->fresh = false;
		trial = true;
	}
	unlock_table(flags);
	return trial;
}

/**
 * resv_police_tap_map() - iommu_map() was called
 * @domain: its first argument
 * @iova: first address
 * @size: bytes
 * @prot: IOMMU_*; doorbells, which nobody but the kernel maps, have IOMMU_MMIO
 *
 * Context: any; does not sleep.  Takes no lock unless the map is refused.
 * Return: refuse it
 */
bool resv_police_tap_map(const struct iommu_domain *domain, unsigned long iova,
			 size_t size, int prot)
{
	u64 start = iova, end = start + (size - 1);
	enum verdict verdict;
	bool enforce;

	if (likely(domain->type != IOMMU_DOMAIN_UNMANAGED))
		return false;
	if (!size || end < start || (prot & COMPAT_IOMMU_MMIO))
		return false;
	rcu_read_lock();
	verdict = judge(domain, start, end);
	rcu_read_unlock();
	if (likely(verdict != REFUSED) || is_trial(domain, start, size))
		return false;
	enforce = READ_ONCE(mode) == RESV_POLICE_ENFORCE && !must_pass(domain);
	return refuse(domain, start, end, enforce) && enforce;
}

/**
 * resv_police_tap_join() - VFIO is about to attach a group to a container
 * @container: the container
 * @group: the group
 *
 * Context: any; does not sleep.
 */
void resv_police_tap_join(const void *container, const struct iommu_group *group)
{
	unsigned long flags = lock_table();
	struct beat *b = find(group);
	struct container *c;

	if (!watching)
		goto unlock;
	if (b) {
		b->container = container;
		b->joiner = current;
		b->first = NULL;
		b->fresh = true;
		goto unlock;
	}
	c = find_container(container);
	if (c)
		c->unknown = true;
unlock:
	unlock_table(flags);
}

/**
 * resv_police_tap_joined() - the calling task has attached a group to a container
 * @done: without an error
 *
 * Context: any; does not sleep.
 */
void resv_police_tap_joined(bool done)
{
	unsigned long flags = lock_table();
	struct container *c;
	unsigned int bkt;
	struct beat *b;

	hash_for_each(beats, bkt, b, node) {
		if (b->joiner != current)
			continue;
		b->joiner = NULL;
		b->fresh = false;
		/* No domain was wanted for it: the group of an mdev. */
		c = done && !b->first ? find_container(b->container) : NULL;
		if (c)
			c->odd = true;
	}
	unlock_table(flags);
}

/* Every map that @has allows, @wants allows, too. */
static bool is_narrower(const struct rules *has, const struct rules *wants)
{
	unsigned int i;

	if (has == wants)
		return true;
	for (i = 0; i < has->nr; i++)
		if (!allows(wants, has->usable[i].start, has->usable[i].end))
			return false;
	return true;
}

enum suits {
	SUITS,
	SUITS_NOT,	/* a map can be there that the group does not allow */
	SUITS_UNKNOWN,	/* whose domain it is was not seen */
};

/* Can @b go to @domain, which others are on? */
static enum suits suits(const struct iommu_domain *domain, const struct beat *b)
{
	const struct rules *wants = rules_of(b);
	enum suits suits = SUITS_UNKNOWN;
	const struct beat *other;
	unsigned int bkt;

	hash_for_each(beats, bkt, other, node) {
		if (other->domain != domain)
			continue;
		if (!wants || (rules_of(other) && !other->lax &&
			       is_narrower(rules_of(other), wants)))
			return SUITS;
		suits = SUITS_NOT;
	}
	return suits;
}

/* It is just being made, so whoever was on one at this place is not any more. */
static void forget_domain(const struct iommu_domain *domain)
{
	struct beat *b;
	unsigned int bkt;

	hash_for_each(beats, bkt, b, node)
		if (b->domain == domain)
			put_on(b, NULL);
}

/**
 * resv_police_tap_attach() - iommu_attach_group() was called
 * @domain: its first argument
 * @group: its second
 *
 * Context: any; does not sleep.
 * Return: refuse it, as @domain may have maps that @group does not allow
 */
bool resv_police_tap_attach(const struct iommu_domain *domain,
			    const struct iommu_group *group)
{
	unsigned long flags = lock_table();
	struct beat *b = find(group);
	enum suits found = SUITS;
	bool refused = false;

	/* Not VFIO, or its container was not seen. */
	if (!b || b->joiner != current)
		goto unlock;
	if (!b->first) {
		b->first = domain;
		forget_domain(domain);
	}
	if (domain != b->first)
		found = suits(domain, b);
	if (found == SUITS_NOT && READ_ONCE(mode) == RESV_POLICE_ENFORCE) {
		refused = true;
		goto unlock;
	}
	/* It joins somebody who is left alone, and so is it. */
	b->stranger = found == SUITS_UNKNOWN;
	b->lax = READ_ONCE(mode) != RESV_POLICE_ENFORCE;
	put_on(b, b->stranger ? NULL : domain);
unlock:
	unlock_table(flags);
	return refused;
}

/**
 * resv_police_tap_detach() - iommu_detach_group() was called
 * @domain: its first argument
 * @group: its second
 *
 * Context: any; does not sleep.
 */
void resv_police_tap_detach(const struct iommu_domain *domain,
			    const struct iommu_group *group)
{
	unsigned long flags = lock_table();
	struct beat *b = find(group);
	bool over = false;

	if (b && b->domain == domain) {
		put_on(b, NULL);
	} else if (b && b->stranger && !b->domain) {
		/* From now on it is checked, and its files are to say so. */
		b->stranger = false;
		over = true;
	}
	unlock_table(flags);
	/* With PREEMPT_RT no work can be begun here; the next event brings it. */
	if (over && !IS_ENABLED(CONFIG_PREEMPT_RT) &&
	    !IS_ENABLED(CONFIG_PREEMPT_RT_FULL))
		resv_groups_rescan_soon();
}

/**
 * resv_police_tap_free() - iommu_domain_free() was called
 * @domain: its argument
 *
 * Context: any; does not sleep.
 */
void resv_police_tap_free(const struct iommu_domain *domain)
{
	unsigned long flags = lock_table();
	unsigned int bkt;
	struct beat *b;

	hash_for_each(beats, bkt, b, node) {
		if (b->domain == domain)
			put_on(b, NULL);
		if (b->first != domain)
			continue;
		/* The attach is over. */
		b->first = NULL;
		b->joiner = NULL;
	}
	unlock_table(flags);
}

/**
 * resv_police_tap_open() - VFIO has made a container
 * @container: the container
 *
 * Context: any; does not sleep.
 * Return: it is known from now on, else there are too many
 */
bool resv_police_tap_open(const void *container)
{
	unsigned long flags = lock_table();
	struct container *c = find_container(NULL);
	unsigned int bkt;
	struct beat *b;

	if (c && watching) {
		c->address = container;
		c->odd = false;
		c->unknown = false;
	}
	/* It is a new one, whoever was in one at this place before. */
	hash_for_each(beats, bkt, b, node)
		if (b->container == container)
			b->container = NULL;
	unlock_table(flags);
	return c;
}

/**
 * resv_police_tap_release() - VFIO is about to free a container
 * @container: the container
 *
 * Context: any; does not sleep.
 */
void resv_police_tap_release(const void *container)
{
	unsigned long flags = lock_table();
	struct container *c = find_container(container);

	if (c)
		c->address = NULL;
	unlock_table(flags);
}

/* The first range from @from on that all groups of @container allow, if there is one. */
static bool next_range(const void *container, u64 from, struct resv_range *next)
{
	struct beat *b;
	unsigned int bkt;

again:
	next->start = from;
	next->end = ULLONG_MAX;
	hash_for_each(beats, bkt, b, node) {
		const struct resv_range *range;
		struct resv_range reach;

		if (b->container != container || !b->domain)
			continue;
		reach = reach_of(b->domain);
		/* Those that are alike allow the same. */
		range = hlist_unhashed(&b->by_domain) ?
			&reach : range_from(rules_of(b), from);
		if (!range || reach.end < from)
			return false;
		if (max(range->start, reach.start) > from) {
			from = max(range->start, reach.start);
			goto again;
		}
		next->end = min3(next->end, range->end, reach.end);
	}
	return true;
}

/* How many ranges a container can have at most, or 0 if they are not known. */
static unsigned int count_ranges(const void *container)
{
	struct container *c = find_container(container);
	unsigned int bkt, nr = 0;
	struct beat *b;

	if (!c || c->unknown)
		return 0;
	hash_for_each(beats, bkt, b, node) {
		if (b->container != container || !b->domain)
			continue;
		if (!rules_of(b))
			return 0;
		/* Each gap of one of them can divide a range of the others. */
		if (!hlist_unhashed(&b->by_domain))
			nr += rules_of(b)->nr + 1;
	}
	return nr;
}

/**
 * resv_police_ranges() - where all groups of a container can be mapped
 * @container: container
 * @fn: gets them, ascending, with interrupts off; must not sleep
 * @data: for @fn
 *
 * What VFIO since v5.4 has in iommu->iova_list.  Nothing is allocated here, as
 * PREEMPT_RT forbids that to a handler.
 *
 * Context: any; does not sleep.
 * Return: what @fn returned, or 0 if there is no group, or it is not all known
 */
int resv_police_ranges(const void *container,
		       int (*fn)(const struct resv_range *ranges,
				 unsigned int nr, void *data), void *data)
{
	unsigned long flags = lock_table();
	unsigned int nr = 0, room;
	u64 from = 0;
	int ret = 0;

	room = min(count_ranges(container), scratch_nr);
	while (nr < room && next_range(container, from, &scratch[nr])) {
		from = scratch[nr++].end + 1;
		if (!from)
			break;
	}
	if (nr)
		ret = fn(scratch, nr, data);
	unlock_table(flags);
	return ret;
}

/**
 * resv_police_knows() - was a group put on this domain under our eyes?
 * @domain: domain
 *
 * Context: any; does not sleep.
 */
bool resv_police_knows(const struct iommu_domain *domain)
{
	unsigned long flags = lock_table();
	bool known = false;
	unsigned int bkt;
	struct beat *b;

	hash_for_each(beats, bkt, b, node)
		known |= b->domain == domain;
	unlock_table(flags);
	return known;
}

static void drop_rules(struct rules *rules)
{
	if (!rules || --rules->users)
		return;
	list_del(&rules->node);
	kfree_rcu(rules, rcu);
}

/* Rules of @nr ranges, which other groups may have already. */
static struct rules *get_rules(const struct resv_range *usable, unsigned int nr)
{
	size_t bytes = nr * sizeof(*usable);
	struct rules *rules;

	list_for_each_entry(rules, &all_rules, node) {
		if (rules->nr != nr || memcmp(rules->usable, usable, bytes))
			continue;
		rules->users++;
		return rules;
	}
	rules = kzalloc(sizeof(*rules) + bytes, GFP_KERNEL);
	if (!rules)
		return NULL;
	rules->users = 1;
	rules->nr = nr;
	memcpy(rules->usable, usable, bytes);
	list_add(&rules->node, &all_rules);
	return rules;
}

/* Return: the rules, NULL if they are not known, or an error pointer */
static struct rules *make_rules(const struct resv_facts *c)
{
	static const struct resv_range all = { .end = ULLONG_MAX };
	u32 mask = RESV_KERNEL_TYPES & ~RESV_TYPE(RESV_DIRECT_RELAXABLE);
	struct resv_ranges usable;
	struct rules *rules;
	int ret;

	if (c->usable_known)
		return get_rules(c->usable.r, c->usable.nr) ?: ERR_PTR(-ENOMEM);
	if (!c->taken_known)
		return NULL;
	/* The rest the domain tells, when somebody has attached. */
	resv_ranges_init(&usable);
	ret = resv_ranges_complement(&usable, &all, 1, &c->taken, mask);
	rules = ret ? ERR_PTR(ret) : get_rules(usable.r, usable.nr) ?:
				     ERR_PTR(-ENOMEM);
	resv_ranges_free(&usable);
	return rules;
}

static struct reasons *make_reasons(const struct resv_facts *c)
{
	struct reasons *reasons;
	unsigned int i, nr = 0;
	size_t head;
	char *names;

	for (i = 0; i < c->regions.nr; i++)
		nr += resv_facts_is_hole(&c->regions.r[i]);
	head = sizeof(*reasons) + nr * sizeof(reasons->region[0]);
	reasons = kzalloc(head + c->names_len, GFP_KERNEL);
	if (!reasons)
		return NULL;
	names = (char *)reasons + head;
	memcpy(names, c->names, c->names_len);
	reasons->names = names;
	for (i = 0; i < c->regions.nr; i++)
		if (resv_facts_is_hole(&c->regions.r[i]))
			reasons->region[reasons->nr++] = c->regions.r[i];
	return reasons;
}

static void forget(struct beat *b)
{
	struct reasons *reasons;
	struct rules *rules;
	unsigned long flags;

	flags = lock_table();
	write_seqcount_begin(&table_seq);
	index_out(b);
	write_seqcount_end(&table_seq);
	hash_del(&b->node);
	rules = rules_of(b);
	reasons = rcu_dereference_protected(b->reasons,
					    lockdep_is_held(&table_lock));
	unlock_table(flags);
	drop_rules(rules);
	if (reasons)
		kfree_rcu(reasons, rcu);
	kfree_rcu(b, rcu);
}

/* Room for the ranges of a container that has all groups there are, and a few more. */
static int grow_scratch(void)
{
	struct resv_range *bigger, *old;
	unsigned int nr = 0;
	unsigned long flags;
	struct rules *rules;

	list_for_each_entry(rules, &all_rules, node)
		nr += rules->nr + 1;
	if (nr <= scratch_nr)
		return 0;
	nr += 16;
	bigger = kcalloc(nr, sizeof(*bigger), GFP_KERNEL);
	if (!bigger)
		return -ENOMEM;
	flags = lock_table();
	old = scratch;
	scratch = bigger;
	scratch_nr = nr;
	unlock_table(flags);
	kfree(old);
	return 0;
}

static struct beat *make_beat(const struct resv_facts *c)
{
	struct beat *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	b->group = c->group;
	b->id = c->id;
	return b;
}

/**
 * resv_police_update() - a group was looked at
 * @c: finished collection
 *
 * Context: the registry's lock is held; may sleep.
 * Return: 0, or -ENOMEM with the old rules in force
 */
int resv_police_update(const struct resv_facts *c)
{
	struct rules *rules, *old_rules;
	struct reasons *reasons, *old_reasons;
	struct beat *b, *fresh = NULL;
	bool was, strange;
	unsigned long flags;
	int ret = -ENOMEM;

	if (resv_native_checks())
		return 0;
	rules = make_rules(c);
	if (IS_ERR(rules))
		return PTR_ERR(rules);
	reasons = make_reasons(c);
	if (!reasons || grow_scratch())
		goto free_reasons;
	b = find(c->group);
	/* A group of before had this address. */
	if (b && b->id != c->id) {
		forget(b);
		b = NULL;
	}
	if (!b) {
		b = make_beat(c);
		if (!b)
			goto free_reasons;
		fresh = b;
	}
	flags = lock_table();
	if (fresh)
		hash_add(beats, &b->node, (unsigned long)b->group);
	old_rules = rules_of(b);
	old_reasons = rcu_dereference_protected(b->reasons,
						lockdep_is_held(&table_lock));
	if (rules != old_rules) {
		write_seqcount_begin(&table_seq);
		index_out(b);
		rcu_assign_pointer(b->rules, rules);
		index_in(b);
		write_seqcount_end(&table_seq);
	}
	rcu_assign_pointer(b->reasons, reasons);
	/* A tap was left out, or is only being called: that shows next time. */
	was = b->stranger;
	b->stranger = c->in_use && (!b->domain || b->lax);
	strange = b->stranger && !was && watching;
	b->seen = true;
	unlock_table(flags);
	if (strange)
		pr_info("group %d: in use already: its maps are not checked before it is released\n",
			c->id);
	drop_rules(old_rules);
	if (old_reasons)
		kfree_rcu(old_reasons, rcu);
	return 0;

free_reasons:
	kfree(reasons);
	drop_rules(rules);
	return ret;
}

/**
 * resv_police_checks() - are maps of this group checked?
 * @group: live group
 * @in_use: somebody who maps by himself has it
 *
 * Context: the registry's lock is held.
 */
bool resv_police_checks(const struct iommu_group *group, bool in_use)
{
	struct beat *b = find(group);

	if (mode != RESV_POLICE_ENFORCE)
		return false;
	/* Whoever has it, and was not seen to attach it, is left alone. */
	return !in_use ||
	       (b && !b->stranger && READ_ONCE(b->domain) && !b->lax);
}

/**
 * resv_police_gone() - a group has no device any more, or is no more
 * @group: the group; only its address need mean something
 *
 * Context: the registry's lock is held.
 */
void resv_police_gone(const struct iommu_group *group)
{
	struct beat *b = find(group);

	if (b)
		forget(b);
}

/**
 * resv_police_walk_begins() - all groups will be looked at
 *
 * Context: the registry's lock is held.
 */
void resv_police_walk_begins(void)
{
	struct beat *b;
	unsigned int bkt;

	hash_for_each(beats, bkt, b, node)
		b->seen = false;
}

/**
 * resv_police_walk_ends() - all groups were looked at, and none was left out
 *
 * Context: the registry's lock is held.
 */
void resv_police_walk_ends(void)
{
	struct hlist_node *tmp;
	struct beat *b;
	unsigned int bkt;

	hash_for_each_safe(beats, bkt, tmp, b, node)
		if (!b->seen)
			forget(b);
}

/**
 * resv_police_watch() - are all taps in that tell who is attached to what?
 * @all: yes; else some is out, or is about to go
 *
 * When one was out, who has a group is not known any more: he is a stranger.
 *
 * Context: any.
 */
void resv_police_watch(bool all)
{
	unsigned long flags;
	unsigned int bkt;
	struct beat *b;

	flags = lock_table();
	if (!all) {
		hash_for_each(beats, bkt, b, node) {
			put_on(b, NULL);
			b->container = NULL;
			b->joiner = NULL;
			b->first = NULL;
		}
		memset(containers, 0, sizeof(containers));
	}
	watching = all;
	unlock_table(flags);
}

/**
 * resv_police_exit() - forget all
 *
 * Context: the registry's lock is held; may sleep.
 */
void resv_police_exit(void)
{
	struct resv_range *ranges;
	struct hlist_node *tmp;
	unsigned long flags;
	struct beat *b;
	unsigned int bkt;

	hash_for_each_safe(beats, bkt, tmp, b, node)
		forget(b);
	flags = lock_table();
	ranges = scratch;
	scratch = NULL;
	scratch_nr = 0;
	unlock_table(flags);
	kfree(ranges);
}

/**
 * resv_police_show() - text of a group's file "refused"
 * @group: live group
 * @buf: a page
 *
 * Context: in the callback of the file.
 * Return: bytes, -ENODATA where the kernel refuses by itself, -ENODEV
 */
ssize_t resv_police_show(struct iommu_group *group, char *buf)
{
	struct refusal last = { 0 };
	bool known = false;
	unsigned long flags;
	struct beat *b;
	u64 count = 0;
	ssize_t len;

	if (resv_native_checks())
		return -ENODATA;
	flags = lock_table();
	b = find(group);
	if (b) {
		known = true;
		count = b->count;
		last = b->last;
	}
	unlock_table(flags);
	if (!known)
		return -ENODEV;
	len = scnprintf(buf, PAGE_SIZE, "%llu\n", count);
	if (!count)
		return len;
	return len + scnprintf(buf + len, PAGE_SIZE - len,
			       "0x%016llx 0x%016llx 0x%016llx 0x%016llx %s %s %s %d %s\n",
			       last.start, last.end, last.region.start,
			       last.region.end, resv_type_name(last.region.type),
			       resv_origin_name(last.region.origin), last.device,
			       last.pid, last.comm);
}

/**
 * resv_police_mode() - what the parameter "police" says
 */
enum resv_police_mode resv_police_mode(void)
{
	return READ_ONCE(mode);
}

/**
 * resv_police_wanted() - are there maps to be checked?
 */
bool resv_police_wanted(void)
{
	return !resv_native_checks() && READ_ONCE(mode) != RESV_POLICE_OFF;
}

/**
 * resv_police_loaded() - the module is loaded; a new mode has to be acted on
 */
void resv_police_loaded(void)
{
	mutex_lock(&switch_lock);
	loaded = true;
	/* It may have been written since the groups were looked at. */
	if (!resv_native_checks() && written) {
		resv_hooks_police();
		resv_groups_rescan();
	}
	mutex_unlock(&switch_lock);
}

/**
 * resv_police_switch() - the parameter "police" was written
 * @new: wanted mode
 *
 * Context: may sleep.
 * Return: 0, or -ENODEV if the module is being unloaded
 */
int resv_police_switch(enum resv_police_mode new)
{
	/* Nobody must unload the module under our feet. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&switch_lock);
	WRITE_ONCE(mode, new);
	written = true;
	if (loaded && !resv_native_checks()) {
		resv_hooks_police();
		resv_groups_rescan();
	}
	mutex_unlock(&switch_lock);
	module_put(THIS_MODULE);
	return 0;
}
