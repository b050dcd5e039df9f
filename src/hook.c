// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of hooks: what is hooked, why not, and how to get out again.
 *
 * A hook is installed when the first group is seen that needs it, and then has
 * to prove itself: a group's regions are asked for as the kernel's own callers
 * do, and the hook must have been called and have left its mark on that list.
 * One that does not, because the compiler inlined its function, or probes are
 * off on this machine, is taken out again and is inert.
 *
 * Life of a hook: off -> active -> draining -> off, or off -> inert.
 *
 * Locks: hooks_lock is held while anything in the table changes.  It is taken
 * under the registry's lock, and under the kernel's klp_mutex and the module
 * notifiers' rwsem; under it, the mutex of one group.
 */
#include <linux/iommu.h>
#include <linux/kallsyms.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "facts.h"
#include "declared.h"
#include "group.h"
#include "hook.h"
#include "inject.h"
#include "native.h"
#include "list.h"
#include "msi_cookie.h"
#include "msi_window.h"
#include "police.h"
#include "refusal.h"
#include "source.h"

#define NOT_FIRING \
	"it does not fire when a group's regions are listed (inlined, or probes are turned off)"
#define LOSS	"regions that the admin declares are not enforced"
#define LOSS_MOVE	"MSI windows cannot be moved"
#define LOSS_LISTED	"MSI windows of groups that share a container can differ"
#define LOSS_CHECKS	"maps over reserved regions are not refused"
#define LOSS_INFO	"VFIO does not tell usable ranges"
#define LOSS_COOKIES	"interrupts of devices that VFIO has get lost"
#define NOT_LOADED	"the module with this function is not loaded"
#define NOT_NEEDED	"no MSI window is moved"
#define NOT_REFUSING \
	"a map is not refused by it (inlined, or probes are turned off)"
#define NOT_CHECKED	"turned off by the parameter police="

/* Functions that the hooks of MSI windows are on, see msi_window.c. */
#define LIST_GROUP	"iommu_get_group_resv_regions"
#define MAKE_ENTRY	"iommu_alloc_resv_region"

#define MAP		"iommu_map"
#define COMPOSE		"iommu_dma_map_msi_msg"
#define TYPE1		"vfio_iommu_type1"

struct function {
	const char *symbol;
	const char *module;
	enum resv_hook_level level;
};

static const struct function observed[] = {
	/* The end of what is seen to begin is seen, too, so in this order. */
	{ "iommu_domain_free", "", RESV_HOOK_FREE },
	{ "iommu_detach_group", "", RESV_HOOK_DETACH },
	{ "iommu_attach_group", "", RESV_HOOK_ATTACH },
	{ "vfio_iommu_type1_attach_group", TYPE1, RESV_HOOK_JOIN },
};

/* Without these, containers do not tell their usable ranges. */
static const struct function told[] = {
	{ "vfio_iommu_type1_release", TYPE1, RESV_HOOK_RELEASE },
	{ "vfio_iommu_type1_open", TYPE1, RESV_HOOK_OPEN },
	{ "vfio_iommu_type1_ioctl", TYPE1, RESV_HOOK_INFO },
	{ "vfio_iommu_type1_attach_group", TYPE1, RESV_HOOK_JOINED },
};

static const char no_memory[] = "no memory";

static LIST_HEAD(hooks);
static DEFINE_MUTEX(hooks_lock);
static DEFINE_MUTEX(switch_lock);

static enum resv_hook_mode mode;
static bool started;		/* being loaded: the mode is being acted on */
static bool running;		/* loaded: a new mode has to be acted on */
static bool closing;		/* nothing may be installed any more */

/*
 * The hooks of MSI windows.  They cost a few thousand instructions for each
 * attach, so they are in only while a window is moved, or is to be; before, they
 * are tried once and taken out again.
 */
static bool windows_needed;
static bool windows_tried;
static bool windows_ok;		/* when they were tried last */
static bool windows_again;	/* that was in vain, and may not be now */
static bool windows_by_list;	/* ... the window is moved in the group's list */

/* The self-test under way: which hook is asked to leave its mark, for whom. */
static const struct resv_hook *tested;
static struct task_struct *tester;

/**
 * resv_hooks_marking() - is this call the self-test of this hook?
 * @hook: the hook that was called
 *
 * Context: any, in the task that made the call.
 */
bool resv_hooks_marking(const struct resv_hook *hook)
{
	return READ_ONCE(tester) == current && READ_ONCE(tested) == hook;
}

/**
 * resv_hooks_marking_alloc() - is this call the self-test of the tap on entries?
 *
 * Context: any, in the task that made the call.
 */
bool resv_hooks_marking_alloc(void)
{
	const struct resv_hook *hook;

	if (READ_ONCE(tester) != current)
		return false;
	hook = READ_ONCE(tested);
	return hook && hook->level == RESV_HOOK_ALLOC;
}

/* Declared regions are added here. */
static bool adds_regions(const struct resv_hook *hook)
{
	return hook->level == RESV_HOOK_DEVICE || hook->level == RESV_HOOK_GROUP;
}

/* The MSI window is moved here, else declared regions are added. */
static bool moves_window(const struct resv_hook *hook)
{
	return hook->level == RESV_HOOK_ALLOC ||
	       hook->level == RESV_HOOK_LISTED;
}

/*
 * Nothing of ours calls these, so there is nothing to test them with.  They are
 * exported, or called by their address, and so are not inlined in their callers,
 * which are in another module; that probes work at all the other hooks prove.
 */
static bool is_observer(const struct resv_hook *hook)
{
	switch (hook->level) {
	case RESV_HOOK_DEVICE:
	case RESV_HOOK_GROUP:
	case RESV_HOOK_ALLOC:
	case RESV_HOOK_LISTED:
	case RESV_HOOK_MAP:
	case RESV_HOOK_HIDE:
		return false;
	default:
		return true;
	}
}

static unsigned int purpose_of(enum resv_hook_level level)
{
	switch (level) {
	case RESV_HOOK_DEVICE:
	case RESV_HOOK_GROUP:
	case RESV_HOOK_COUNT:
		return RESV_FOR_REGIONS;
	case RESV_HOOK_ALLOC:
	case RESV_HOOK_LISTED:
		return RESV_FOR_WINDOWS;
	case RESV_HOOK_JOIN:
	case RESV_HOOK_ATTACH:
	case RESV_HOOK_DETACH:
	case RESV_HOOK_FREE:
		return RESV_FOR_WINDOWS | RESV_FOR_CHECKS | RESV_FOR_COOKIES;
	case RESV_HOOK_MAP:
	case RESV_HOOK_OPEN:
	case RESV_HOOK_RELEASE:
	case RESV_HOOK_INFO:
	case RESV_HOOK_JOINED:
		return RESV_FOR_CHECKS;
	case RESV_HOOK_HIDE:
		return RESV_FOR_HIDING;
	case RESV_HOOK_COMPOSE:
		return RESV_FOR_COOKIES;
	}
	return 0;
}

static bool is_for_windows(const struct resv_hook *hook)
{
	return hook->purpose & RESV_FOR_WINDOWS;
}

/* What hooks are in for, as far as they can be. */
static unsigned int needed(void)
{
	unsigned int purposes = RESV_FOR_REGIONS;

	if (closing || mode == RESV_HOOKS_NONE)
		return 0;
	if (windows_needed)
		purposes |= RESV_FOR_WINDOWS;
	if (resv_police_wanted())
		purposes |= RESV_FOR_CHECKS;
	if (resv_native_ignored)
		purposes |= RESV_FOR_HIDING;
	if (!resv_native_cookies())
		purposes |= RESV_FOR_COOKIES;
	return purposes;
}

/**
 * resv_hooks_needed() - are hooks in for this?
 * @purpose: RESV_FOR_*
 *
 * Context: any; the answer may be out of date while hooks come and go.
 */
bool resv_hooks_needed(unsigned int purpose)
{
	return needed() & purpose;
}

/**
 * resv_hooks_test() - does the hook fire when the kernel lists a group?
 * @hook: installed
 * @group: live group, its mutex not held
 *
 * Context: hooks_lock is held; may sleep.
 */
bool resv_hooks_test(struct resv_hook *hook, struct iommu_group *group)
{
	struct iommu_resv_region *region, *next;
	u64 before = resv_hook_hits(hook);
	LIST_HEAD(head);
	bool marked;

	/* What it will leave as its mark. */
	if (resv_test_step("self-test") || resv_declared_stock_up(0))
		return false;
	WRITE_ONCE(tested, hook);
	WRITE_ONCE(tester, current);
	compat_iommu_get_group_resv_regions(group, &head);
	WRITE_ONCE(tester, NULL);
	WRITE_ONCE(tested, NULL);
	resv_msi_tap_forget();
	if (hook->level == RESV_HOOK_HIDE)
		marked = resv_list_is_hidden(&head);
	else
		marked = moves_window(hook) ? resv_msi_marked(&head) :
					      resv_declared_marked(&head);
	list_for_each_entry_safe(region, next, &head, list)
		kfree(region);
	return marked && resv_hook_hits(hook) != before;
}

/**
 * resv_hooks_go_inert() - a hook does not work, and this is said once
 * @hook: hook; @other is set if @reason is about somebody
 * @reason: why; static text of this module
 *
 * Context: hooks_lock is held.
 */
void resv_hooks_go_inert(struct resv_hook *hook, const char *reason)
{
	hook->state = RESV_HOOK_INERT;
	hook->reason = reason;
	if (hook->said == reason)
		return;
	hook->said = reason;
	pr_warn("hook %s (%s) is off: %s%s%s; %s\n", hook->symbol, hook->backend,
		reason, hook->other[0] ? " " : "", hook->other, hook->loss);
}

static void take_out(struct resv_hook *hook)
{
	hook->state = RESV_HOOK_DRAINING;
	resv_kprobe_remove(hook);
	hook->state = RESV_HOOK_OFF;
}

static void drop(struct resv_hook *hook)
{
	if (hook->installed)
		take_out(hook);
	list_del(&hook->node);
	free_percpu(hook->hits);
	kfree(hook);
}

/**
 * resv_hook_hits() - calls that were seen
 * @hook: hook
 */
u64 resv_hook_hits(const struct resv_hook *hook)
{
	unsigned int cpu;
	u64 hits = 0;

	for_each_possible_cpu(cpu)
		hits += READ_ONCE(*per_cpu_ptr(hook->hits, cpu));
	return hits;
}

/* @coming: the module with the function is there, just now or since. */
static int put_in_now(struct resv_hook *hook, bool coming)
{
	int ret;

	ret = resv_test_step("register_kprobe") ?: resv_kprobe_install(hook);
	/* v4.13 to v5.8 or so say that of a kretprobe in a module that is not there. */
	if (ret == -EINVAL && hook->module[0] && !coming)
		ret = -ENOENT;
	switch (ret) {
	case 0:
		hook->reason = NULL;
		if (is_observer(hook))
			hook->state = RESV_HOOK_ACTIVE;
		else
			hook->reason = "not tested yet: no group of this driver can be listed";
		break;
	case -ENOENT:
		hook->absent = hook->module[0];
		if (hook->absent)
			hook->reason = NOT_LOADED;
		else if (!hook->address)
			resv_hooks_go_inert(hook, "this kernel has no such function");
		break;
	case -EBUSY:
		/* Before v5.0 or so every kprobe at a function's entry claims it. */
		if (!resv_livepatch_other(hook->symbol, hook->other,
					  sizeof(hook->other)))
			strscpy(hook->other, "(not a livepatch)",
				sizeof(hook->other));
		resv_hooks_go_inert(hook, "somebody else redirects this function:");
		break;
	case -EOPNOTSUPP:
		resv_hooks_go_inert(hook, "this kernel has no kprobes, or none here");
		break;
	case -ENOMEM:
		resv_hooks_go_inert(hook, no_memory);
		break;
	case -ENODEV:
		resv_hooks_go_inert(hook, "ftrace is turned off (sysctl kernel.ftrace_enabled)");
		break;
	default:
		resv_hooks_go_inert(hook, "this kernel allows no probe there");
	}
	return ret;
}

static int put_in(struct resv_hook *hook)
{
	return put_in_now(hook, false);
}

/* Name of the function at an address, without the module's. */
static void name_of(unsigned long address, char name[RESV_SYMBOL_LEN])
{
	char *text = kzalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);

	if (text)
		sprint_symbol_no_offset(text, address);
	strscpy(name, text && text[0] ? text : "?", RESV_SYMBOL_LEN);
	name[strcspn(name, " ")] = '\0';
	kfree(text);
}

static struct resv_hook *find(unsigned long address, const char *symbol,
			      enum resv_hook_level level)
{
	struct resv_hook *hook;

	list_for_each_entry(hook, &hooks, node)
		if (hook->level == level &&
		    (address ? hook->address == address :
			       !strcmp(hook->symbol, symbol)))
			return hook;
	return NULL;
}

static const char *loss_of(enum resv_hook_level level)
{
	switch (level) {
	case RESV_HOOK_DEVICE:
	case RESV_HOOK_GROUP:
	case RESV_HOOK_COUNT:
		return LOSS;
	case RESV_HOOK_ALLOC:
		return "MSI windows are not moved for iommufd";
	case RESV_HOOK_LISTED:
		return LOSS_LISTED;
	case RESV_HOOK_MAP:
		return LOSS_CHECKS;
	case RESV_HOOK_OPEN:
	case RESV_HOOK_RELEASE:
	case RESV_HOOK_INFO:
	case RESV_HOOK_JOINED:
		return LOSS_INFO;
	case RESV_HOOK_HIDE:
		return "native=ignore does not ignore what the kernel lists";
	case RESV_HOOK_COMPOSE:
		return LOSS_COOKIES;
	case RESV_HOOK_JOIN:
	case RESV_HOOK_ATTACH:
	case RESV_HOOK_DETACH:
	case RESV_HOOK_FREE:
		return resv_police_wanted() ? LOSS_CHECKS : LOSS_MOVE;
	default:
		return LOSS_MOVE;
	}
}

/* Return: the hook of the function, maybe just made, or NULL for lack of memory */
static struct resv_hook *want(unsigned long address, const char *symbol,
			      const char *module, enum resv_hook_level level)
{
	struct resv_hook *hook = find(address, symbol, level);

	if (hook)
		return hook;
	if (resv_test_step("new hook"))
		return NULL;
	hook = kzalloc(sizeof(*hook), GFP_KERNEL);
	if (!hook)
		return NULL;
	hook->hits = alloc_percpu(u64);
	if (!hook->hits) {
		kfree(hook);
		return NULL;
	}
	hook->address = address;
	if (symbol)
		strscpy(hook->symbol, symbol, sizeof(hook->symbol));
	else
		name_of(address, hook->symbol);
	strscpy(hook->module, module, sizeof(hook->module));
	hook->level = level;
	hook->purpose = purpose_of(level);
	hook->backend = resv_kprobe_is_return(hook) ? "kretprobe" : "kprobe";
	hook->loss = loss_of(level);
	list_add_tail(&hook->node, &hooks);
	/* The driver's module is just going. */
	if (put_in(hook) == -ENOENT && address) {
		drop(hook);
		return NULL;
	}
	return hook;
}

static bool by_kprobe(void)
{
	return mode == RESV_HOOKS_AUTO || mode == RESV_HOOKS_KPROBE;
}

/*
 * v6.1 and later stop at the first device that has no IOMMU, so a group with
 * such a one proves nothing, and is not tested with.
 */
static void test(struct resv_hook *hook, struct iommu_group *group)
{
	bool was_new = hook->state == RESV_HOOK_OFF;

	hook->checked = true;
	if (resv_hooks_test(hook, group)) {
		if (hook->state == RESV_HOOK_INERT) {
			pr_info("hook %s (%s) works again\n", hook->symbol,
				hook->backend);
			/* The observers were off as well, and nobody tells of that. */
			resv_msi_windows_doubt();
		}
		hook->state = RESV_HOOK_ACTIVE;
		hook->reason = NULL;
		hook->said = NULL;
		return;
	}
	if (hook->state == RESV_HOOK_INERT)
		return;
	/* What has worked before may do so again: probes were turned off. */
	if (was_new)
		take_out(hook);
	resv_hooks_go_inert(hook, NOT_FIRING);
}

/*
 * Have the hook, and have it tested with this group if it was not yet.
 *
 * Return: it is active
 */
static bool have(struct resv_facts *c, unsigned long address,
		 const char *symbol, enum resv_hook_level level)
{
	struct resv_hook *hook;

	if (closing || !by_kprobe())
		return false;
	hook = want(address, symbol, "", level);
	if (!hook)
		return false;
	/* One of windows, which has rested. */
	if (!hook->installed && hook->state == RESV_HOOK_OFF)
		put_in(hook);
	if (hook->installed && !hook->checked && !c->no_iommu)
		test(hook, c->group);
	return hook->state == RESV_HOOK_ACTIVE;
}

static bool observers_known(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(observed); i++)
		if (!find(0, observed[i].symbol, observed[i].level))
			return false;
	return true;
}

/* Have a hook that is not tested.  Return: it is in, or will be with its module */
static bool have_function(const struct function *function)
{
	struct resv_hook *hook;

	hook = want(0, function->symbol, function->module, function->level);
	/* To look for a name takes long, and a module that comes is told of. */
	if (hook && !hook->installed && hook->state == RESV_HOOK_OFF &&
	    !hook->absent)
		put_in(hook);
	/* Its module may come later; nobody can attach before that. */
	return hook && hook->state != RESV_HOOK_INERT;
}

/* Have what tells who is attached to what.  Return: it can be told */
static bool have_observers(void)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(observed); i++)
		all &= have_function(&observed[i]);
	return all;
}

/* Take out what only moved windows need. */
static void rest_windows(void)
{
	struct resv_hook *hook;

	list_for_each_entry(hook, &hooks, node) {
		bool inert = hook->state == RESV_HOOK_INERT;

		/* Others may need it still. */
		if (!is_for_windows(hook) ||
		    (hook->purpose & needed() & ~RESV_FOR_WINDOWS))
			continue;
		if (hook->installed)
			take_out(hook);
		hook->checked = false;
		/* What it had to say stays. */
		if (inert)
			hook->state = RESV_HOOK_INERT;
		else
			hook->reason = NOT_NEEDED;
	}
	resv_msi_windows_unwatched();
}

/*
 * Take out what is for nothing any more, the last first: what looks at the table goes
 * before what keeps it up to date.
 */
static void rest_checks(void)
{
	struct resv_hook *hook;

	if (!(needed() & RESV_FOR_COOKIES))
		resv_police_watch(false);
	list_for_each_entry_reverse(hook, &hooks, node) {
		if (!(hook->purpose & RESV_FOR_CHECKS) ||
		    (hook->purpose & needed()))
			continue;
		if (hook->installed)
			take_out(hook);
		hook->checked = false;
		if (hook->state != RESV_HOOK_INERT)
			hook->reason = NOT_CHECKED;
	}
}

/**
 * resv_hooks_police() - the parameter "police" has changed
 *
 * The next look at a group has the hooks put in, if that is wanted.
 *
 * Context: may sleep for grace periods.
 */
void resv_hooks_police(void)
{
	mutex_lock(&hooks_lock);
	if (!resv_police_wanted())
		rest_checks();
	mutex_unlock(&hooks_lock);
}

/*
 * iommu_map() is tested by a call that is refused in any case, but for another reason
 * if it was the hook that has refused it.
 */
static bool test_map(struct resv_hook *hook)
{
	u64 before = resv_hook_hits(hook);

	return resv_refusals_try() &&
	       (!COMPAT_CAN_TRY_MAP || resv_hook_hits(hook) != before);
}

/* Have what tells police.c who is where.  Return: it tells all */
static bool have_watch(void)
{
	if (!have_observers()) {
		resv_police_watch(false);
		return false;
	}
	resv_police_watch(true);
	return true;
}

/* Have the hooks that check the group's maps.  Return: they are checked */
static bool have_checks(void)
{
	static const struct function map = { MAP, "", RESV_HOOK_MAP };
	struct resv_hook *hook;
	unsigned int i;

	if (!(needed() & RESV_FOR_CHECKS))
		return false;
	/* What is seen to begin must be seen to end, or nothing is looked at. */
	if (!have_watch())
		return false;
	for (i = 0; i < ARRAY_SIZE(told); i++)
		have_function(&told[i]);
	have_function(&map);
	hook = find(0, MAP, RESV_HOOK_MAP);
	if (!hook || !hook->installed)
		return false;
	if (hook->checked)
		return hook->state == RESV_HOOK_ACTIVE;
	hook->checked = true;
	if (test_map(hook)) {
		if (hook->state == RESV_HOOK_INERT) {
			pr_info("hook %s (%s) works again\n", hook->symbol,
				hook->backend);
			/* All probes were off, and nobody tells of that. */
			resv_police_watch(false);
			resv_police_watch(true);
		}
		hook->state = RESV_HOOK_ACTIVE;
		hook->reason = NULL;
		hook->said = NULL;
	} else if (hook->state != RESV_HOOK_INERT) {
		resv_hooks_go_inert(hook, NOT_REFUSING);
	}
	return hook->state == RESV_HOOK_ACTIVE;
}

/* Have the hook that maps doorbells.  Return: they are mapped */
static bool have_cookies(void)
{
	static const struct function compose = { COMPOSE, "", RESV_HOOK_COMPOSE };

	return (needed() & RESV_FOR_COOKIES) && have_watch() &&
	       have_function(&compose);
}

/*
 * What did not work may have been for want of memory, or of luck: a call that the
 * kernel kept from a probe.  It is said only once.
 */
static void retry_windows(void)
{
	struct resv_hook *hook;

	list_for_each_entry(hook, &hooks, node)
		if (is_for_windows(hook) && hook->state == RESV_HOOK_INERT &&
		    !hook->installed) {
			hook->state = RESV_HOOK_OFF;
			hook->checked = false;
		}
	/* Unless some group needs it; the table goes on doing both. */
	windows_by_list = false;
}

/*
 * Have the hooks that move the group's MSI window, if any window is to be moved,
 * or if it is not known whether they work.
 * @by_device: the functions that list its devices' regions are hooked
 *
 * Return: it can be moved
 */
static bool have_window(struct resv_facts *c, bool by_device)
{
	bool tapped, listed, observed;
	struct resv_range window;

	if (closing || !by_kprobe() || !resv_sources_bound_windows() ||
	    !resv_native_list() || !resv_facts_soft_window(c, &window))
		return false;
	if (!windows_needed &&
	    ((windows_tried && !windows_again) || c->no_iommu))
		return windows_tried && windows_ok;
	windows_again = false;
	listed = have(c, 0, LIST_GROUP, RESV_HOOK_LISTED);
	tapped = by_device && have(c, 0, MAKE_ENTRY, RESV_HOOK_ALLOC);
	observed = have_observers();
	/* What the group before could not have for want of memory is no matter. */
	windows_by_list = !tapped || (windows_tried && windows_by_list);
	if (windows_by_list)
		resv_msi_windows_by_list();
	windows_ok = observed && (tapped || listed);
	/* What there was no memory for is tried again with the next group. */
	windows_tried = find(0, LIST_GROUP, RESV_HOOK_LISTED) &&
			(!by_device || find(0, MAKE_ENTRY, RESV_HOOK_ALLOC)) &&
			observers_known();
	if (!windows_needed)
		rest_windows();
	return windows_ok;
}

/**
 * resv_hooks_windows() - is any MSI window moved, or about to be?
 * @needed: yes
 *
 * With true, the next look at a group has the hooks put in.
 *
 * Context: the registry's lock is held; sleeps for grace periods.
 */
void resv_hooks_windows(bool needed)
{
	mutex_lock(&hooks_lock);
	if (windows_needed && !needed)
		rest_windows();
	if (!windows_needed && needed)
		retry_windows();
	windows_needed = needed;
	mutex_unlock(&hooks_lock);
}

/**
 * resv_hooks_walk_begins() - all groups will be looked at
 *
 * Each hook is tested again by the first group that needs it: probes can be
 * turned off for the whole machine, and livepatches be replaced by others.
 */
void resv_hooks_walk_begins(void)
{
	struct resv_hook *hook;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		hook->checked = false;
		/* There may be some by now; windows have their own way. */
		if (hook->state == RESV_HOOK_INERT && !hook->installed &&
		    hook->reason == no_memory &&
		    (hook->purpose & needed() & ~RESV_FOR_WINDOWS & ~RESV_FOR_REGIONS))
			hook->state = RESV_HOOK_OFF;
	}
	resv_livepatch_hook.checked = false;
	if (windows_tried && (windows_needed || !windows_ok)) {
		retry_windows();
		windows_again = !windows_ok;
	}
	mutex_unlock(&hooks_lock);
}

/**
 * resv_hooks_group() - have the hooks that a group needs
 * @c: collection of the group, its devices already looked at
 *
 * Context: the registry's lock is held, the group's mutex is not; may sleep.
 * Return: what is declared for this group will be enforced
 */
bool resv_hooks_group(struct resv_facts *c)
{
	const char *symbol = resv_test_symbol();
	bool all = c->nr_callbacks > 0, by_device = false;
	unsigned int i;

	mutex_lock(&hooks_lock);
	c->checked = resv_native_checks() ||
		     (have_checks() && resv_police_checks(c->group, c->in_use));
	if (c->own_list) {
		/* There is no list of the kernel's that could be hooked. */
		if (needed() & RESV_FOR_HIDING)
			have(c, 0, LIST_GROUP, RESV_HOOK_HIDE);
		c->movable = have_cookies() && resv_sources_bound_windows();
		all = c->checked;
		mutex_unlock(&hooks_lock);
		return all;
	}
	if (!c->no_iommu && resv_livepatch_check(c->group) &&
	    mode == RESV_HOOKS_LIVEPATCH) {
		WRITE_ONCE(mode, RESV_HOOKS_AUTO);
		pr_info("kprobes take the place of the livepatch (hooks=auto)\n");
		/* Other groups, if this is not the walk over all of them. */
		resv_groups_rescan_soon();
	}
	if (symbol) {
		all = have(c, 0, symbol, RESV_HOOK_DEVICE);
	} else if (!COMPAT_DEVICE_LISTS_EDITABLE || c->no_callback ||
		   resv_test_group_level()) {
		/* Where the lists of single devices are not ours to edit, or are none. */
		all = have(c, 0, LIST_GROUP, RESV_HOOK_GROUP);
	} else {
		for (i = 0; i < c->nr_callbacks; i++)
			all &= have(c, c->callbacks[i], NULL, RESV_HOOK_DEVICE);
		by_device = all;
	}
	/* A test that hooks some other function is about that one alone. */
	c->movable = !symbol && have_window(c, by_device);
	/* It leaves out devices without an IOMMU, as the kernel does. */
	all |= resv_livepatch_hook.state == RESV_HOOK_ACTIVE && !c->no_iommu;
	/* "none" was asked for, and the hooks are about to go. */
	all &= mode != RESV_HOOKS_NONE;
	mutex_unlock(&hooks_lock);
	return all;
}

static int module_event(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct module *module = data;
	struct resv_hook *hook, *tmp;

	mutex_lock(&hooks_lock);
	list_for_each_entry_safe(hook, tmp, &hooks, node) {
		if (action == MODULE_STATE_COMING &&
		    !strcmp(hook->module, module->name))
			hook->absent = false;
		if (action == MODULE_STATE_COMING && !closing &&
		    hook->state == RESV_HOOK_OFF && !hook->installed &&
		    !strcmp(hook->module, module->name) &&
		    (hook->purpose & needed()))
			put_in_now(hook, true);
		if (action != MODULE_STATE_GOING)
			continue;
		if (hook->address && within_module(hook->address, module)) {
			drop(hook);
			continue;
		}
		if (hook->installed &&
		    !strcmp(hook->module, module->name)) {
			take_out(hook);
			hook->absent = true;
			hook->reason = NOT_LOADED;
		}
	}
	mutex_unlock(&hooks_lock);
	return NOTIFY_DONE;
}

/* Before the notifier of the kprobes themselves, so that they leave live text. */
static struct notifier_block module_block = {
	.notifier_call = module_event,
	.priority = 1,
};

static void drop_all(void)
{
	struct resv_hook *hook, *tmp;

	resv_police_watch(false);
	/* What looks at the tables goes before what keeps them up to date. */
	list_for_each_entry_safe_reverse(hook, tmp, &hooks, node)
		drop(hook);
	windows_tried = false;
	windows_by_list = false;
	resv_msi_windows_unwatched();
}

/* Hooks that another backend takes the place of. */
static void drop_replaced(void)
{
	struct resv_hook *hook, *tmp;
	const unsigned int kept = RESV_FOR_CHECKS | RESV_FOR_HIDING |
				  RESV_FOR_COOKIES;

	list_for_each_entry_safe(hook, tmp, &hooks, node)
		if (!(hook->purpose & kept & needed()))
			drop(hook);
	windows_tried = false;
	windows_by_list = false;
	resv_msi_windows_unwatched();
}

/**
 * resv_hooks_init() - make the table ready; it is empty until a group is seen
 *
 * Return: 0 or an errno
 */
int resv_hooks_init(void)
{
	const char *symbol, *module;
	int ret;

	WRITE_ONCE(started, true);
	ret = resv_test_step("hooks") ?: register_module_notifier(&module_block);
	if (ret)
		return ret;
	/* Only a test asks for this one. */
	if (resv_test_module_symbol(&module, &symbol)) {
		mutex_lock(&hooks_lock);
		want(0, symbol, module, RESV_HOOK_COUNT);
		mutex_unlock(&hooks_lock);
	}
	return 0;
}

/**
 * resv_hooks_run() - the module is loaded
 */
void resv_hooks_run(void)
{
	mutex_lock(&hooks_lock);
	running = true;
	if (mode == RESV_HOOKS_LIVEPATCH)
		resv_livepatch_ask_later();
	mutex_unlock(&hooks_lock);
}

/**
 * resv_hooks_exit() - take every hook out
 *
 * Context: nothing is declared, and no group will be looked at any more.
 *	Afterwards no task runs code of this module because of a hook.
 */
void resv_hooks_exit(void)
{
	mutex_lock(&hooks_lock);
	closing = true;
	drop_all();
	mutex_unlock(&hooks_lock);
	unregister_module_notifier(&module_block);
	resv_livepatch_exit();
}

/**
 * resv_hooks_mode() - the mode that is in force
 */
enum resv_hook_mode resv_hooks_mode(void)
{
	return READ_ONCE(mode);
}

/**
 * resv_hooks_pending() - a hook is on its way that may enforce what is not now
 */
bool resv_hooks_pending(void)
{
	return READ_ONCE(mode) == RESV_HOOKS_LIVEPATCH &&
	       READ_ONCE(resv_livepatch_hook.state) == RESV_HOOK_OFF;
}

/**
 * resv_hooks_replace_livepatch() - somebody disables the livepatch by its own file
 *
 * What is declared must not end by that, so kprobes take its place, if it was
 * alone.  That is mode "auto" from now on.
 *
 * Context: the kernel's klp_mutex is held; may sleep.
 */
void resv_hooks_replace_livepatch(void)
{
	bool alone;

	mutex_lock(&hooks_lock);
	alone = mode == RESV_HOOKS_LIVEPATCH;
	if (alone)
		WRITE_ONCE(mode, RESV_HOOKS_AUTO);
	mutex_unlock(&hooks_lock);
	if (!alone)
		return;
	pr_info("the livepatch is being disabled, kprobes take its place (hooks=auto)\n");
	resv_groups_rescan();
}

/* Hooks that could not work may try again. */
static void forget_inert(void)
{
	struct resv_hook *hook, *tmp;

	list_for_each_entry_safe(hook, tmp, &hooks, node) {
		/* One of windows that is in may have to stay, and is tested anyway. */
		if (hook->state != RESV_HOOK_INERT ||
		    (hook->installed && is_for_windows(hook)))
			continue;
		/* While it did not work something may have been missed. */
		if (hook->purpose & RESV_FOR_CHECKS)
			resv_police_watch(false);
		drop(hook);
	}
	windows_tried = false;
	windows_by_list = false;
}

/* Some kprobe that is needed does not work.  @old: the mode before. */
static int give_up_kprobes(enum resv_hook_mode old)
{
	enum resv_hook_mode new = mode;

	if (old == RESV_HOOKS_AUTO || old == RESV_HOOKS_KPROBE) {
		/* The same hooks; only the word is another one. */
		WRITE_ONCE(mode, old);
		return -EOPNOTSUPP;
	}
	/* First refuse declarations, then see whether one was made. */
	WRITE_ONCE(mode, old);
	if (resv_groups_moved() ||
	    (resv_livepatch_hook.state != RESV_HOOK_ACTIVE &&
	     resv_groups_declared())) {
		WRITE_ONCE(mode, new);
		return 0;
	}
	mutex_lock(&hooks_lock);
	drop_replaced();
	mutex_unlock(&hooks_lock);
	return -EOPNOTSUPP;
}

static int switch_to_kprobe(enum resv_hook_mode new)
{
	enum resv_hook_mode old = mode;
	struct resv_hook *hook;
	bool inert = false;

	mutex_lock(&hooks_lock);
	forget_inert();
	WRITE_ONCE(mode, new);
	mutex_unlock(&hooks_lock);
	resv_groups_rescan();
	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node)
		inert |= hook->state == RESV_HOOK_INERT && adds_regions(hook);
	mutex_unlock(&hooks_lock);
	if (!inert)
		return 0;
	pr_err("hooks: not every hook works as a kprobe, see /sys/kernel/iommu_resv/hooks\n");
	return give_up_kprobes(old);
}

/* Only kprobes move windows.  @old: the mode before, in force again on error. */
static int refuse_if_moved(enum resv_hook_mode old)
{
	if (!resv_groups_moved())
		return 0;
	WRITE_ONCE(mode, old);
	pr_err("hooks: MSI windows are moved (msi_window in /sys/kernel/iommu_groups/*/resv says moved or auto), write default there first\n");
	return -EBUSY;
}

static int switch_to_livepatch(void)
{
	enum resv_hook_mode old = mode;
	int ret = resv_livepatch_ask();

	if (ret) {
		pr_err("hooks: the livepatch does not work (%d), nothing was changed; see /sys/kernel/iommu_resv/hooks\n",
		       ret);
		return ret;
	}
	/* Both are on now; what each adds twice the kernel merges. */
	mutex_lock(&hooks_lock);
	WRITE_ONCE(mode, RESV_HOOKS_LIVEPATCH);
	mutex_unlock(&hooks_lock);
	/* Nothing is moved any more; see whether something was. */
	ret = refuse_if_moved(old);
	if (ret)
		return ret;
	mutex_lock(&hooks_lock);
	drop_replaced();
	mutex_unlock(&hooks_lock);
	return 0;
}

static int switch_off(void)
{
	enum resv_hook_mode old = mode;
	int ret;

	if (resv_livepatch_loaded()) {
		pr_err("hooks: iommu_resv_livepatch is loaded, remove it first: iommu-resv hooks kprobe\n");
		return -EBUSY;
	}
	/* First refuse declarations, then see whether there are any. */
	mutex_lock(&hooks_lock);
	WRITE_ONCE(mode, RESV_HOOKS_NONE);
	mutex_unlock(&hooks_lock);
	if (resv_groups_declared()) {
		WRITE_ONCE(mode, old);
		pr_err("hooks: regions are declared (origin admin in /sys/kernel/iommu_groups/*/resv/regions), remove them first\n");
		return -EBUSY;
	}
	ret = refuse_if_moved(old);
	if (ret)
		return ret;
	if (resv_msi_cookies()) {
		WRITE_ONCE(mode, old);
		pr_err("hooks: interrupts of devices that VFIO has are mapped by this module, close the virtual machines first\n");
		return -EBUSY;
	}
	mutex_lock(&hooks_lock);
	drop_all();
	mutex_unlock(&hooks_lock);
	return 0;
}

/**
 * resv_hooks_switch() - the parameter "hooks" was written
 * @new: wanted mode
 *
 * There is no moment in which a declared region is not enforced: the new
 * backend is active before the old one goes.
 *
 * Context: may sleep for seconds.
 * Return: 0; -EBUSY, -EOPNOTSUPP or another errno, with the old mode in force
 */
int resv_hooks_switch(enum resv_hook_mode new)
{
	int ret;

	/* Nobody must unload the module under our feet. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&switch_lock);
	if (!READ_ONCE(started)) {
		WRITE_ONCE(mode, new);
		ret = 0;
	} else if (!READ_ONCE(running)) {
		pr_err("hooks: the module is still being loaded, try again\n");
		ret = -EBUSY;
	} else if (new == RESV_HOOKS_NONE) {
		ret = switch_off();
	} else if (new == RESV_HOOKS_LIVEPATCH) {
		ret = switch_to_livepatch();
	} else {
		ret = switch_to_kprobe(new);
	}
	mutex_unlock(&switch_lock);
	if (READ_ONCE(running))
		resv_groups_rescan();
	module_put(THIS_MODULE);
	return ret;
}

/**
 * resv_hooks_each() - look at the table
 * @fn: called for each hook; not 0 ends it
 * @data: for @fn
 *
 * Context: may sleep; @fn must not call functions of this file.
 * Return: 0 or what @fn returned
 */
int resv_hooks_each(int (*fn)(const struct resv_hook *hook, u64 hits,
			      u64 missed, void *data), void *data)
{
	struct resv_hook *hook;
	int ret = 0;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		ret = fn(hook, resv_hook_hits(hook),
			 resv_kprobe_missed(hook) + atomic64_read(&hook->lost),
			 data);
		if (ret)
			break;
	}
	hook = &resv_livepatch_hook;
	if (!ret && IS_ENABLED(CONFIG_LIVEPATCH))
		ret = fn(hook, resv_hook_hits(hook),
			 atomic64_read(&hook->lost), data);
	mutex_unlock(&hooks_lock);
	return ret;
}

/**
 * resv_hooks_lock() - hold the table still; see hook_livepatch.c
 */
void resv_hooks_lock(void)
{
	mutex_lock(&hooks_lock);
}

/**
 * resv_hooks_unlock() - the opposite
 */
void resv_hooks_unlock(void)
{
	mutex_unlock(&hooks_lock);
}

static void window_feature(struct resv_status *f)
{
	const struct resv_hook *hook, *broken = NULL;
	const char *name = "msi-window-move";

	list_for_each_entry(hook, &hooks, node)
		if (hook->state == RESV_HOOK_INERT && is_for_windows(hook))
			broken = hook;
	if (mode == RESV_HOOKS_NONE)
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "turned off by the parameter hooks=");
	else if (!by_kprobe())
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "only kprobes move windows: hooks=auto");
	else if (resv_native_ignored)
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "turned off by the parameter native=ignore");
	else if (!resv_native_list())
		return;
	else if (!resv_sources_bound_windows())
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "sources= leaves out kernel, pci, aperture or msi, which tell where a window may be");
	else if (!windows_tried)
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "no group with a movable window was seen");
	else if (!windows_ok)
		resv_status_unknown(f, name, broken ? broken->reason :
				     "its hooks do not work");
	else if (windows_by_list)
		resv_status_hooked(f, name, "kretprobe", LIST_GROUP
				    ": sysfs and VFIO type 1 see it, iommufd does not");
	else
		resv_status_hooked(f, name, "kprobe", MAKE_ENTRY
				    ": sysfs, VFIO type 1 and iommufd see it");
}

/* A hook that is needed and does not work, or NULL. */
static const struct resv_hook *first_inert(const struct function *function,
					   unsigned int nr)
{
	const struct resv_hook *hook;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		hook = find(0, function[i].symbol, function[i].level);
		if (hook && hook->state == RESV_HOOK_INERT)
			return hook;
	}
	return NULL;
}

/* The usable ranges in VFIO's answer. */
static void ranges_feature(struct resv_status *f, bool checks)
{
	const char *name = "iova-ranges";
	const struct resv_hook *broken = first_inert(told, ARRAY_SIZE(told));

	if (!checks)
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "nothing is refused, so all ranges are usable: see map-checks");
	else if (broken)
		resv_status_unknown(f, name, broken->reason);
	else
		resv_status_hooked(f, name, "kretprobe",
				    "vfio_iommu_type1_ioctl: VFIO_IOMMU_GET_INFO tells them, for containers opened from now on");
}

/* Maps are refused, of whatever group. */
static bool checks_work(void)
{
	const struct resv_hook *map = find(0, MAP, RESV_HOOK_MAP);

	return resv_police_mode() == RESV_POLICE_ENFORCE && map &&
	       map->state == RESV_HOOK_ACTIVE &&
	       !first_inert(observed, ARRAY_SIZE(observed));
}

/* What VFIO refuses. */
static void checks_feature(struct resv_status *f)
{
	const struct resv_hook *map = find(0, MAP, RESV_HOOK_MAP), *broken;
	const char *name = "map-checks", *off = NULL, *how;

	how = "iommu_map: maps that hit a region or leave the aperture are refused";
	if (resv_police_mode() == RESV_POLICE_WARN)
		how = "iommu_map: such maps are told, and let through (police=warn)";
	if (resv_native_checks()) {
		resv_status_add(f, name, RESV_STATUS_NATIVE,
				 "VFIO refuses maps that hit a region or leave the aperture");
		resv_status_add(f, "iova-ranges", RESV_STATUS_NATIVE,
				 "VFIO_IOMMU_GET_INFO tells them");
		return;
	}
	broken = first_inert(observed, ARRAY_SIZE(observed));
	if (mode == RESV_HOOKS_NONE)
		off = "turned off by the parameter hooks=: VFIO accepts maps over reserved regions";
	else if (resv_police_mode() == RESV_POLICE_OFF)
		off = "turned off by the parameter police=: VFIO accepts such maps";
	else if (!map && !broken)
		off = "no group was seen yet";
	if (off)
		resv_status_add(f, name, RESV_STATUS_INERT, off);
	else if (broken || map->state == RESV_HOOK_INERT)
		resv_status_unknown(f, name, broken ? broken->reason :
						       map->reason);
	else
		resv_status_hooked(f, name, "kprobe", how);
	ranges_feature(f, !off && !broken && map && map->state != RESV_HOOK_INERT);
}

/* Doorbells of devices that VFIO has. */
static void cookies_feature(struct resv_status *f)
{
	const struct resv_hook *hook = find(0, COMPOSE, RESV_HOOK_COMPOSE);
	const char *name = "msi-cookies";

	if (!IS_ENABLED(CONFIG_ARM64))
		return;
	if (resv_native_cookies())
		resv_status_add(f, name, RESV_STATUS_NATIVE,
				 "VFIO has doorbells of interrupts mapped");
	else if (!IS_ENABLED(CONFIG_KPROBES))
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "this kernel has no kprobes: interrupts of devices that VFIO has get lost");
	else if (mode == RESV_HOOKS_NONE)
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "turned off by the parameter hooks=: interrupts of devices that VFIO has get lost");
	else if (!hook)
		resv_status_add(f, name, RESV_STATUS_INERT,
				 "no group was seen yet");
	else if (hook->state == RESV_HOOK_INERT)
		resv_status_unknown(f, name, hook->reason);
	else
		resv_status_hooked(f, name, "kprobe",
				    "iommu_dma_map_msi_msg: doorbells are mapped in the MSI window when an interrupt is set up");
}

/**
 * resv_hooks_status() - describe what the hooks do here
 * @f: list to add to
 */
void resv_hooks_status(struct resv_status *f)
{
	const char *inert = NULL, *by;
	bool kprobe = false, livepatch;
	struct resv_hook *hook;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		if (!adds_regions(hook))
			continue;
		kprobe |= hook->state == RESV_HOOK_ACTIVE;
		if (hook->state == RESV_HOOK_INERT)
			inert = hook->reason;
	}
	livepatch = resv_livepatch_hook.state == RESV_HOOK_ACTIVE;
	if (mode == RESV_HOOKS_LIVEPATCH &&
	    resv_livepatch_hook.state == RESV_HOOK_INERT)
		inert = resv_livepatch_hook.reason;
	by = kprobe && livepatch ? "kprobe,livepatch" :
	     kprobe ? "kprobe" : "livepatch";
	checks_feature(f);
	cookies_feature(f);
	if (mode == RESV_HOOKS_NONE)
		resv_status_add(f, "declared-regions", RESV_STATUS_INERT,
				 "turned off by the parameter hooks=");
	else if (!resv_native_list())
		resv_status_add(f, "declared-regions", checks_work() ?
				 RESV_STATUS_ADDED : RESV_STATUS_INERT,
				 "on the list that this module makes: see map-checks");
	else if (livepatch || (kprobe && !inert))
		resv_status_hooked(f, "declared-regions", by,
				    "put into the lists that reserved_regions and VFIO go by");
	else if (inert)
		resv_status_unknown(f, "declared-regions", inert);
	else
		resv_status_add(f, "declared-regions", RESV_STATUS_INERT,
				 mode == RESV_HOOKS_LIVEPATCH ?
				 "the livepatch is not active yet" :
				 "no IOMMU driver that lists regions was seen yet");
	window_feature(f);
	mutex_unlock(&hooks_lock);
}
