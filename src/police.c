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
#include "declared.h"
#include "group.h"
#include "hook.h"
#include "inject.h"
#include "lacking.h"
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
 * @held: this module is held, as iommu_attach_group() works on our refusal
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
	bool held;
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

static enum resv_police_mode mode;
static bool loaded;
static DEFINE_MUTEX(switch_lock);

/*
 * Containers that were opened under our eyes, so that all their groups are known.
 * As many as machines have devices to pass through, and more.
 */
#define MAX_CONTAINERS	1024
static const void *containers[MAX_CONTAINERS];

/* Irqs are off and table_lock is held until unlock_table(). */
static unsigned long lock_table(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	return flags;
}

static void unlock_table(unsigned long flags)
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

/* With table_lock held: look @b up by its domain from now on. */
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
	write_seqcount_begin(&table_seq);
	hlist_add_head_rcu(&b->by_domain, bucket(b->domain));
	write_seqcount_end(&table_seq);
}

/* With table_lock held: the opposite, while its domain and rules are what they were. */
static void index_out(struct beat *b)
{
	struct beat *other;
	unsigned int bkt;

	if (hlist_unhashed(&b->by_domain))
		return;
	write_seqcount_begin(&table_seq);
	hlist_del_init_rcu(&b->by_domain);
	hash_for_each(beats, bkt, other, node) {
		if (other == b || !are_alike(other, b))
			continue;
		hlist_add_head_rcu(&other->by_domain, bucket(b->domain));
		break;
	}
	write_seqcount_end(&table_seq);
}

static void put_on(struct beat *b, const struct iommu_domain *domain)
{
	index_out(b);
	b->domain = domain;
	index_in(b);
}

/* All of [@start, @end] in one usable range, as vfio_iommu_iova_dma_valid() asks. */
static bool allows(const struct rules *rules, u64 start, u64 end)
{
	unsigned int low = 0, high = rules->nr;

	/* The last range that begins at @start or before. */
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (rules->usable[mid].start <= start)
			low = mid + 1;
		else
			high = mid;
	}
	return low && end <= rules->usable[low - 1].end;
}

/*
 * What the domain itself says that it can address.  VFIO since v5.4 asks it after
 * the attach, and before that it is not always known.  A driver that does not say
 * anything leaves both at 0.
 */
static bool reaches(const struct iommu_domain *domain, u64 start, u64 end)
{
#ifdef RESV_HAVE_DOMAIN_GEOMETRY
	if (domain->geometry.aperture_end)
		return start >= domain->geometry.aperture_start &&
		       end <= domain->geometry.aperture_end;
#endif
	return true;
}

/* What @reasons say of a map of [@start, @end], in @refusal. */
static void explain(const struct reasons *reasons,
		    const struct iommu_domain *domain, struct refusal *refusal)
{
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
#ifdef RESV_HAVE_DOMAIN_GEOMETRY
	if (refusal->start < domain->geometry.aperture_start) {
		refusal->region.end = domain->geometry.aperture_start - 1;
		return;
	}
	refusal->region.start = domain->geometry.aperture_end + 1;
#endif
	refusal->region.end = ULLONG_MAX;
}

static void say(const struct beat *b, const struct refusal *refusal)
{
	const struct resv_region *r = &refusal->region;

	trace_map_refused(b->id, refusal->start, refusal->end, r->start, r->end,
			  resv_type_name(r->type), resv_origin_name(r->origin),
			  refusal->device);
	pr_warn_ratelimited("group %d: a map of 0x%llx-0x%llx by %s[%d] %s: it hits 0x%llx-0x%llx (%s, %s, %s), see /sys/kernel/iommu_groups/%d/resv/usable\n",
			    b->id, refusal->start, refusal->end, refusal->comm,
			    refusal->pid,
			    mode == RESV_POLICE_WARN ? "should be refused (police=warn)" :
						       "is refused",
			    r->start, r->end, resv_type_name(r->type),
			    resv_origin_name(r->origin), refusal->device, b->id);
}

/* A map that some group of @domain does not allow: for each of these. */
static void refuse(const struct iommu_domain *domain, u64 start, u64 end)
{
	struct refusal refusal;
	const struct rules *rules;
	unsigned long flags;
	unsigned int bkt;
	struct beat *b;

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
		refusal.pid = task_tgid_nr(current);
		strscpy(refusal.comm, current->comm, sizeof(refusal.comm));
		explain(rcu_dereference_protected(b->reasons,
						  lockdep_is_held(&table_lock)),
			domain, &refusal);
		b->count++;
		b->last = refusal;
		say(b, &refusal);
	}
	unlock_table(flags);
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

	if (likely(domain->type != IOMMU_DOMAIN_UNMANAGED))
		return false;
	if (!size || end < start || (prot & COMPAT_IOMMU_MMIO))
		return false;
	rcu_read_lock();
	verdict = judge(domain, start, end);
	rcu_read_unlock();
	if (likely(verdict != REFUSED) || is_trial(domain, start, size))
		return false;
	refuse(domain, start, end);
	return READ_ONCE(mode) == RESV_POLICE_ENFORCE;
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

	if (b) {
		b->container = container;
		b->joiner = current;
		b->first = NULL;
		b->fresh = true;
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

/* No map can be on @domain that @b does not allow. */
static bool suits(const struct iommu_domain *domain, const struct beat *b)
{
	const struct rules *wants = rules_of(b);
	const struct beat *other;
	unsigned int bkt;

	if (!wants)
		return true;
	hash_for_each(beats, bkt, other, node)
		if (other->domain == domain && rules_of(other) &&
		    is_narrower(rules_of(other), wants))
			return true;
	return false;
}

/**
 * resv_police_tap_attach() - iommu_attach_group() was called
 * @domain: its first argument
 * @group: its second
 *
 * Context: any; does not sleep.
 * Return: refuse it, as @domain may have maps that @group does not allow; this module
 * is held until the same task calls it again
 */
bool resv_police_tap_attach(const struct iommu_domain *domain,
			    const struct iommu_group *group)
{
	bool refused = false, release = false;
	unsigned long flags = lock_table();
	struct beat *b = find(group);

	/* Not VFIO, or its container was not seen. */
	if (!b || b->joiner != current)
		goto unlock;
	release = b->held;
	b->held = false;
	if (!b->first)
		b->first = domain;
	if (domain != b->first && READ_ONCE(mode) == RESV_POLICE_ENFORCE &&
	    !suits(domain, b) && try_module_get(THIS_MODULE)) {
		b->held = true;
		refused = true;
		goto unlock;
	}
	b->stranger = false;
	put_on(b, domain);
unlock:
	unlock_table(flags);
	if (release)
		module_put(THIS_MODULE);
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

	if (b && b->domain == domain)
		put_on(b, NULL);
	unlock_table(flags);
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
	unsigned int bkt, holds = 0;
	struct beat *b;

	hash_for_each(beats, bkt, b, node) {
		if (b->domain == domain)
			put_on(b, NULL);
		if (b->first != domain)
			continue;
		/* The attach is over. */
		b->first = NULL;
		b->joiner = NULL;
		holds += b->held;
		b->held = false;
	}
	unlock_table(flags);
	while (holds--)
		module_put(THIS_MODULE);
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
	unsigned int i;

	for (i = 0; i < MAX_CONTAINERS; i++)
		if (!containers[i])
			break;
	if (i < MAX_CONTAINERS)
		containers[i] = container;
	unlock_table(flags);
	return i < MAX_CONTAINERS;
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
	unsigned int i;

	for (i = 0; i < MAX_CONTAINERS; i++)
		if (containers[i] == container)
			containers[i] = NULL;
	unlock_table(flags);
}

static bool is_known(const void *container)
{
	unsigned int i;

	for (i = 0; i < MAX_CONTAINERS; i++)
		if (containers[i] == container)
			return true;
	return false;
}

/* The first address from @start on that all groups of @container allow. */
static bool next_start(const void *container, u64 *start)
{
	struct beat *b;
	unsigned int bkt;
	bool moved;

	do {
		moved = false;
		hash_for_each(beats, bkt, b, node) {
			const struct rules *rules = rules_of(b);
			unsigned int i;

			if (b->container != container || !b->domain)
				continue;
#ifdef RESV_HAVE_DOMAIN_GEOMETRY
			if (b->domain->geometry.aperture_end) {
				if (*start > b->domain->geometry.aperture_end)
					return false;
				if (*start < b->domain->geometry.aperture_start) {
					*start = b->domain->geometry.aperture_start;
					moved = true;
				}
			}
#endif
			if (hlist_unhashed(&b->by_domain))
				continue;
			for (i = 0; i < rules->nr; i++)
				if (rules->usable[i].end >= *start)
					break;
			if (i == rules->nr)
				return false;
			if (rules->usable[i].start > *start) {
				*start = rules->usable[i].start;
				moved = true;
			}
		}
	} while (moved);
	return true;
}

/* The last address of those from @start on that all of them allow in a row. */
static u64 last_end(const void *container, u64 start)
{
	u64 end = ULLONG_MAX;
	struct beat *b;
	unsigned int bkt;

	hash_for_each(beats, bkt, b, node) {
		const struct rules *rules = rules_of(b);
		unsigned int i;

		if (b->container != container || !b->domain)
			continue;
#ifdef RESV_HAVE_DOMAIN_GEOMETRY
		if (b->domain->geometry.aperture_end)
			end = min_t(u64, end, b->domain->geometry.aperture_end);
#endif
		if (hlist_unhashed(&b->by_domain))
			continue;
		for (i = 0; i < rules->nr; i++)
			if (rules->usable[i].end >= start)
				break;
		if (i < rules->nr)
			end = min(end, rules->usable[i].end);
	}
	return end;
}

/* How many ranges a container can have at most, or 0 if they are not known. */
static unsigned int count_ranges(const void *container)
{
	unsigned int bkt, nr = 0;
	struct beat *b;

	if (!is_known(container))
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
 * @nr: set to the number of ranges
 *
 * What VFIO since v5.4 has in iommu->iova_list.
 *
 * Context: any; does not sleep.
 * Return: ascending ranges for kfree(); NULL with @nr 0 if there is no group, or it
 * is not all known; an error pointer if there is no memory
 */
struct resv_range *resv_police_ranges(const void *container, unsigned int *nr)
{
	struct resv_range *ranges;
	unsigned int room;
	unsigned long flags;
	u64 start = 0;

	*nr = 0;
	flags = lock_table();
	room = count_ranges(container);
	unlock_table(flags);
	if (!room)
		return NULL;
	ranges = kmalloc_array(room, sizeof(*ranges), GFP_ATOMIC | __GFP_NOWARN);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	flags = lock_table();
	/* Its groups can have changed, and then the answer is one of before. */
	while (*nr < room && count_ranges(container) &&
	       next_start(container, &start)) {
		ranges[*nr].start = start;
		ranges[*nr].end = last_end(container, start);
		start = ranges[(*nr)++].end + 1;
		if (!start)
			break;
	}
	unlock_table(flags);
	if (*nr)
		return ranges;
	kfree(ranges);
	return NULL;
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
static struct rules *make_rules(const struct resv_collect *c)
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

static struct reasons *make_reasons(const struct resv_collect *c)
{
	struct reasons *reasons;
	unsigned int i, nr = 0;
	size_t head;
	char *names;

	for (i = 0; i < c->regions.nr; i++)
		nr += resv_collect_is_hole(&c->regions.r[i]);
	head = sizeof(*reasons) + nr * sizeof(reasons->region[0]);
	reasons = kzalloc(head + c->names_len, GFP_KERNEL);
	if (!reasons)
		return NULL;
	names = (char *)reasons + head;
	memcpy(names, c->names, c->names_len);
	reasons->names = names;
	for (i = 0; i < c->regions.nr; i++)
		if (resv_collect_is_hole(&c->regions.r[i]))
			reasons->region[reasons->nr++] = c->regions.r[i];
	return reasons;
}

static struct beat *make_beat(const struct resv_collect *c)
{
	struct beat *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	b->group = c->group;
	b->id = c->id;
	/* Whoever has it already was not seen when he attached it. */
	b->stranger = c->in_use;
	if (b->stranger)
		pr_info("group %d: in use already: its maps are not checked before it is released\n",
			c->id);
	return b;
}

/**
 * resv_police_update() - a group was looked at
 * @c: finished collection
 *
 * Context: the registry's lock is held; may sleep.
 * Return: 0, or -ENOMEM with the old rules in force
 */
int resv_police_update(const struct resv_collect *c)
{
	struct rules *rules, *old_rules;
	struct reasons *reasons, *old_reasons;
	struct beat *b, *fresh = NULL;
	unsigned long flags;
	int ret = -ENOMEM;

	if (!resv_lacks_checks())
		return 0;
	rules = make_rules(c);
	if (IS_ERR(rules))
		return PTR_ERR(rules);
	reasons = make_reasons(c);
	if (!reasons)
		goto drop_rules;
	b = find(c->group);
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
		index_out(b);
		rcu_assign_pointer(b->rules, rules);
		index_in(b);
	}
	rcu_assign_pointer(b->reasons, reasons);
	/* A tap was left out, or is only being called: that shows next time. */
	b->stranger = c->in_use && !b->domain;
	b->seen = true;
	unlock_table(flags);
	drop_rules(old_rules);
	if (old_reasons)
		kfree_rcu(old_reasons, rcu);
	return 0;

free_reasons:
	kfree(reasons);
drop_rules:
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
	return !in_use || (b && !b->stranger && READ_ONCE(b->domain));
}

static void forget(struct beat *b)
{
	struct reasons *reasons;
	struct rules *rules;
	unsigned long flags;
	bool held;

	flags = lock_table();
	index_out(b);
	hash_del(&b->node);
	held = b->held;
	rules = rules_of(b);
	reasons = rcu_dereference_protected(b->reasons,
					    lockdep_is_held(&table_lock));
	unlock_table(flags);
	if (held)
		module_put(THIS_MODULE);
	drop_rules(rules);
	if (reasons)
		kfree_rcu(reasons, rcu);
	kfree_rcu(b, rcu);
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
 * resv_police_unwatched() - no tap is in any more
 *
 * Whoever has a group from now on is not known.
 *
 * Context: any.
 */
void resv_police_unwatched(void)
{
	unsigned int bkt, holds = 0;
	unsigned long flags;
	struct beat *b;

	flags = lock_table();
	hash_for_each(beats, bkt, b, node) {
		put_on(b, NULL);
		b->container = NULL;
		b->joiner = NULL;
		b->first = NULL;
		holds += b->held;
		b->held = false;
	}
	memset(containers, 0, sizeof(containers));
	unlock_table(flags);
	while (holds--)
		module_put(THIS_MODULE);
}

/**
 * resv_police_exit() - forget all
 *
 * Context: the registry's lock is held; may sleep.
 */
void resv_police_exit(void)
{
	struct hlist_node *tmp;
	struct beat *b;
	unsigned int bkt;

	hash_for_each_safe(beats, bkt, tmp, b, node)
		forget(b);
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

	if (!resv_lacks_checks())
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
	return resv_lacks_checks() && READ_ONCE(mode) != RESV_POLICE_OFF;
}

/**
 * resv_police_loaded() - the module is loaded; a new mode has to be acted on
 */
void resv_police_loaded(void)
{
	mutex_lock(&switch_lock);
	loaded = true;
	mutex_unlock(&switch_lock);
}

/**
 * resv_police_switch() - the parameter "police" was written
 * @new: wanted mode
 *
 * Context: may sleep.
 * Return: 0, -ENODEV if the module is being unloaded, -EBUSY if it is being loaded
 */
int resv_police_switch(enum resv_police_mode new)
{
	/* Nobody must unload the module under our feet. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&switch_lock);
	WRITE_ONCE(mode, new);
	if (loaded && resv_lacks_checks()) {
		resv_hooks_police();
		resv_groups_rescan();
	}
	mutex_unlock(&switch_lock);
	module_put(THIS_MODULE);
	return 0;
}
