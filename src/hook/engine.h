/* SPDX-License-Identifier: GPL-2.0-only */
/* The engine of the hooks: how to load it, recheck its places and show its table. */
#ifndef RESV_HOOK_ENGINE_H
#define RESV_HOOK_ENGINE_H

#include <linux/list.h>
#include <linux/types.h>

struct task_struct;

/**
 * struct resv_hook_line - one place, for the file "hooks"
 * @symbol: name of the function
 * @backend: "kprobe", "kretprobe", "ftrace", "ftrace-return" or "livepatch"
 * @state: "off", "inert", "active" or "draining"
 * @hits: calls that the taps saw
 * @missed: calls that the taps did not see, plus what they could not do because an
 *	allocation failed
 * @reason: why it is not active, or "-"
 * @other: name of another user that redirects the function, if that is @reason, else ""
 */
struct resv_hook_line {
	const char *symbol;
	const char *backend;
	const char *state;
	u64 hits;
	u64 missed;
	const char *reason;
	const char *other;
};

int resv_hooks_init(void);
void resv_hooks_run(void);
void resv_hooks_exit(void);
void resv_hooks_recheck(void);
int resv_hooks_each(int (*fn)(const struct resv_hook_line *line, void *data),
		    void *data);

/**
 * struct resv_bypass - a task that asks for the kernel's lists as the drivers make them
 * @node: on the list of such tasks
 * @task: the task
 */
struct resv_bypass {
	struct list_head node;
	struct task_struct *task;
};

void resv_bypass_begin(struct resv_bypass *b);
void resv_bypass_end(struct resv_bypass *b);
bool resv_bypassed(void);

#endif /* RESV_HOOK_ENGINE_H */
