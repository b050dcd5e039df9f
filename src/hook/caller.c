// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who asks for a group's list: VFIO, or a reader of a file?
 *
 * Any user may read the kernel's file reserved_regions, in any number of tasks at once.
 * Each call whose return a kretprobe handles occupies one of a limited number of
 * instances until it returns, and readers must not occupy those that VFIO needs.  So the
 * taps at the return of iommu_get_group_resv_regions() skip calls from the function
 * behind that file, and calls from this module, which wants unchanged lists.  The return
 * address identifies the caller; an unknown address, such as another tracer's trampoline,
 * counts as VFIO's.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/regs.h"
#include "hook/caller.h"
#include "hook/place.h"

static DEFINE_MUTEX(learn_lock);
static bool learned;

/* The function behind the file; both 0 until resv_caller_learn() has found it. */
static unsigned long file_start, file_end;

/**
 * resv_caller_learn() - find the function behind the file reserved_regions
 *
 * If it cannot be found, readers of the file occupy kretprobe instances that VFIO needs;
 * nothing else changes.
 *
 * Context: may sleep; the lock of the hooks is not held.
 */
void resv_caller_learn(void)
{
	unsigned long address = 0, offset, size;
	char *text, *plus;

	mutex_lock(&learn_lock);
	if (learned)
		goto unlock;
	text = kzalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);
	if (!text)
		goto unlock;
	learned = true;
	/* The text ends with +0xOFFSET/0xSIZE. */
	if (!resv_kprobe_address("iommu_group_show_resv_regions", &address))
		sprint_symbol(text, address);
	plus = strchr(text, '+');
	if (plus && sscanf(plus, "+0x%lx/0x%lx", &offset, &size) == 2) {
		WRITE_ONCE(file_end, address - offset + size);
		WRITE_ONCE(file_start, address - offset);
	}
	kfree(text);
unlock:
	mutex_unlock(&learn_lock);
}

/**
 * resv_caller_is_vfio() - can this call come from VFIO, which attaches a group?
 * @regs: registers at the function's entry
 *
 * Context: in enter() of a tap at a return.
 * Return: false if the call certainly comes from the file or from this module
 */
bool resv_caller_is_vfio(const struct pt_regs *regs)
{
	unsigned long caller = compat_return_address(regs);
	unsigned long start = READ_ONCE(file_start);

	/* If the call is the function's last instruction, it returns to file_end. */
	if (start && caller > start && caller <= READ_ONCE(file_end))
		return false;
	return !within_module(caller, THIS_MODULE);
}
