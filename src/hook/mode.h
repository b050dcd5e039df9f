/* SPDX-License-Identifier: GPL-2.0-only */
/* Which backend hooks functions: the parameter "hooks", and changes of it. */
#ifndef RESV_HOOK_MODE_H
#define RESV_HOOK_MODE_H

#include <linux/types.h>

enum resv_hook_mode {
	RESV_HOOKS_AUTO,
	RESV_HOOKS_KPROBE,
	RESV_HOOKS_LIVEPATCH,
	RESV_HOOKS_NONE,
};

/**
 * struct resv_hooks_owner - whom the engine asks, and tells
 * @rescan: look at all groups now, so that each gets the taps that it needs; may
 *	sleep.  Return: 0 or an errno
 * @rescan_soon: the same, shortly; any context
 * @in_force: would something that is in force end if the mode became @mode?
 *	Waits for a change that is being made.  Return: 0, or -EBUSY after one line in
 *	the log that says what to undo first
 * @mode_changed: the mode is another one: put the taps that it does not want.
 *	The lock of the hooks is not held; may sleep.
 *
 * One owner, set at load (src/group/).  Every call is made without a lock but the one
 * that orders changes of the mode.
 */
struct resv_hooks_owner {
	int (*rescan)(void);
	void (*rescan_soon)(void);
	int (*in_force)(enum resv_hook_mode mode);
	void (*mode_changed)(void);
};

void resv_hooks_set_owner(const struct resv_hooks_owner *owner);

enum resv_hook_mode resv_hooks_mode(void);
bool resv_hooks_by_kprobe(void);
bool resv_hooks_pending(void);

#endif /* RESV_HOOK_MODE_H */
