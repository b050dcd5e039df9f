// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who asks for a group's list: VFIO, or somebody who only reads a file?
 *
 * Anybody may read the kernel's file reserved_regions, in any number of tasks at once, and
 * each call whose return is to be seen takes one of a limited number of places until it
 * returns.  Readers must not take those that VFIO needs.  So the taps at the return of
 * iommu_get_group_resv_regions() leave out calls by the function behind that file, and
 * those by this module, which looks at lists as they are.  They tell by the return
 * address.  One that is not known, as another tracer's, is taken for VFIO's.
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

/* The function behind the file; all 0 as long as it is not known. */
static unsigned long file_start, file_end;

/**
 * resv_caller_learn() - know the function behind the file reserved_regions
 *
 * Without it, readers of the file take places that VFIO needs; nothing else changes.
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
 * resv_caller_is_vfio() - can this be a call by who attaches a group?
 * @regs: registers at the function's entry
 *
 * Context: in enter() of a tap at a return.
 * Return: false if the call is known to be by a file, or by this module
 */
bool resv_caller_is_vfio(const struct pt_regs *regs)
{
	unsigned long caller = compat_return_address(regs);
	unsigned long start = READ_ONCE(file_start);

	/* The return address follows the call, which can be the function's end. */
	if (start && caller > start && caller <= READ_ONCE(file_end))
		return false;
	return !within_module(caller, THIS_MODULE);
}
