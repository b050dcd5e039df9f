/* SPDX-License-Identifier: GPL-2.0-only */
/* The hooks: how this module gets into the kernel's own code. */
#ifndef RESV_HOOK_H
#define RESV_HOOK_H

#include <linux/bitops.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include "status.h"

struct iommu_group;
struct list_head;
struct resv_facts;

/* Which backend the admin wants: the parameter "hooks". */
enum resv_hook_mode {
	RESV_HOOKS_AUTO,
	RESV_HOOKS_KPROBE,
	RESV_HOOKS_LIVEPATCH,
	RESV_HOOKS_NONE,
};

enum resv_hook_state {
	RESV_HOOK_OFF,		/* not installed, or not seen to fire yet */
	RESV_HOOK_INERT,	/* cannot work here, and the reason says why */
	RESV_HOOK_ACTIVE,	/* seen to fire */
	RESV_HOOK_DRAINING,	/* being removed; some task may still be inside */
};

/* What the hooked function does, and its arguments. */
enum resv_hook_level {
	/* It lists regions, to which declared ones are added. */
	RESV_HOOK_DEVICE,	/* (struct device *, struct list_head *) */
	RESV_HOOK_GROUP,	/* (struct iommu_group *, struct list_head *) */
	/* Of no interest: count the calls. */
	RESV_HOOK_COUNT,
	/* The MSI window is moved here. */
	RESV_HOOK_ALLOC,	/* (start, length, protection, type) of an entry */
	RESV_HOOK_LISTED,	/* as RESV_HOOK_GROUP, but when it returns */
	/* Who is attached to what. */
	RESV_HOOK_JOIN,		/* (VFIO's container, struct iommu_group *) */
	RESV_HOOK_ATTACH,	/* (struct iommu_domain *, struct iommu_group *) */
	RESV_HOOK_DETACH,	/* (struct iommu_domain *, struct iommu_group *) */
	RESV_HOOK_FREE,		/* (struct iommu_domain *) */
	/* For kernels whose VFIO checks nothing. */
	RESV_HOOK_MAP,		/* (domain, IOVA, address, size, protection) */
	RESV_HOOK_OPEN,		/* returns VFIO's container */
	RESV_HOOK_RELEASE,	/* (VFIO's container) */
	RESV_HOOK_INFO,		/* (VFIO's container, command, argument) */
	RESV_HOOK_JOINED,	/* as RESV_HOOK_JOIN, but when it returns */
	/* With native=ignore: nothing is on the list, when it returns. */
	RESV_HOOK_HIDE,		/* as RESV_HOOK_GROUP */
	/* Doorbells are mapped here, for kernels that do not. */
	RESV_HOOK_COMPOSE,	/* (interrupt, struct msi_msg *) */
};

/* What a hook is for. */
#define RESV_FOR_REGIONS	BIT(0)	/* declared ones */
#define RESV_FOR_WINDOWS	BIT(1)	/* that are moved */
#define RESV_FOR_CHECKS		BIT(2)	/* of maps and attaches */
#define RESV_FOR_HIDING		BIT(3)
#define RESV_FOR_COOKIES	BIT(4)

#define RESV_SYMBOL_LEN		64

/**
 * struct resv_hook - one hook of the table
 * @node: in the table
 * @symbol: name of the function
 * @module: module that has the function and may come later, or ""
 * @address: its address, or 0 to go by @symbol
 * @backend: "kprobe", "kretprobe" or "livepatch"
 * @level: what the function's arguments are
 * @purpose: RESV_FOR_*
 * @state: where it is in its life
 * @installed: the backend has it
 * @absent: @module is not loaded, as far as was told
 * @checked: tested in the walk under way, or since
 * @reason: why it is not active; static text, or NULL
 * @said: reason that was logged last
 * @other: who is in the way, if @reason is about that, else ""
 * @loss: what the user does not get without it
 * @hits: calls seen, by CPU, as iommu_map() is called by all of them
 * @lost: regions that could not be added for lack of memory
 * @kp: the kprobe
 * @rp: the kretprobe, if @backend is that
 */
struct resv_hook {
	struct list_head node;
	char symbol[RESV_SYMBOL_LEN];
	char module[RESV_SYMBOL_LEN];
	unsigned long address;
	const char *backend;
	enum resv_hook_level level;
	unsigned int purpose;
	enum resv_hook_state state;
	bool installed;
	bool absent;
	bool checked;
	const char *reason;
	const char *said;
	char other[RESV_SYMBOL_LEN];
	const char *loss;
	u64 __percpu *hits;
	atomic64_t lost;
#ifdef CONFIG_KPROBES
	struct kprobe kp;
#endif
#ifdef CONFIG_KRETPROBES
	struct kretprobe rp;
#endif
};

/* hook.c: the table, and what is decided about it */
int resv_hooks_set_mode(enum resv_hook_mode mode);
enum resv_hook_mode resv_hooks_mode(void);
int resv_hooks_init(void);
void resv_hooks_run(void);
void resv_hooks_exit(void);
void resv_hooks_walk_begins(void);
bool resv_hooks_group(struct resv_facts *c);
void resv_hooks_windows(bool needed);
void resv_hooks_police(void);
bool resv_hooks_needed(unsigned int purpose);
int resv_hooks_switch(enum resv_hook_mode mode);
bool resv_hooks_pending(void);
void resv_hooks_replace_livepatch(void);
bool resv_hooks_marking(const struct resv_hook *hook);
bool resv_hooks_marking_alloc(void);
int resv_hooks_each(int (*fn)(const struct resv_hook *hook, u64 hits,
			      u64 missed, void *data), void *data);
void resv_hooks_lock(void);
void resv_hooks_unlock(void);
bool resv_hooks_test(struct resv_hook *hook, struct iommu_group *group);
u64 resv_hook_hits(const struct resv_hook *hook);
void resv_hooks_go_inert(struct resv_hook *hook, const char *reason);
void resv_hooks_status(struct resv_status *f);

/* hook_kprobe.c */
#ifdef CONFIG_KPROBES
int resv_kprobe_install(struct resv_hook *hook);
void resv_kprobe_remove(struct resv_hook *hook);
u64 resv_kprobe_missed(const struct resv_hook *hook);
bool resv_kprobe_is_return(const struct resv_hook *hook);
#else
static inline int resv_kprobe_install(struct resv_hook *hook)
{
	return -EOPNOTSUPP;
}

static inline void resv_kprobe_remove(struct resv_hook *hook) { }

static inline u64 resv_kprobe_missed(const struct resv_hook *hook)
{
	return 0;
}

static inline bool resv_kprobe_is_return(const struct resv_hook *hook)
{
	return false;
}
#endif

/* hook_livepatch.c: what the module iommu_resv_livepatch and the table share */
extern struct resv_hook resv_livepatch_hook;
bool resv_livepatch_check(struct iommu_group *group);
int resv_livepatch_ask(void);
void resv_livepatch_ask_later(void);
void resv_livepatch_exit(void);
bool resv_livepatch_loaded(void);
bool resv_livepatch_other(const char *symbol, char *name, size_t size);

#endif /* RESV_HOOK_H */
