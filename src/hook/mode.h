/* SPDX-License-Identifier: GPL-2.0-only */
/* The parameter "hooks" chooses the backend that hooks functions. */
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
 * struct resv_hooks_owner - callbacks of the engine into the floors above
 * @rescan: look at all groups now, so that each gets the taps that it needs; may
 *	sleep.  Return: 0 or an errno
 * @rescan_soon: schedule a rescan; any context
 * @in_force: would a change to @mode end something that is in force?  First waits
 *	for a change of a group that is under way.  Return: 0, or -EBUSY after logging
 *	one line that says what to undo first
 * @mode_changed: the mode has changed: put the taps that the new mode does not want.
 *	The lock of the hooks is not held; may sleep.
 *
 * src/group/ sets the one owner at load.  The engine holds only switch_lock, which
 * orders changes of the mode, when it calls the owner.
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
