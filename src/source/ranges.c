// SPDX-License-Identifier: GPL-2.0-only
/*
 * The value of the parameter "ranges".  feature/reach has the parameter, and acts on
 * changes; feature/check reads the value, too.
 *
 * Writers hold switch_lock of reach.c, readers no lock.
 */
#include <linux/compiler.h>
#include "source/ranges.h"

static enum resv_ranges_mode mode;

/**
 * resv_ranges_set_mode() - set the value of the parameter "ranges"
 * @new: the value
 *
 * Context: may sleep.
 */
void resv_ranges_set_mode(enum resv_ranges_mode new)
{
	WRITE_ONCE(mode, new);
}

/**
 * resv_ranges_mode() - get the value of the parameter "ranges"
 *
 * Context: any.
 * Return: the value
 */
enum resv_ranges_mode resv_ranges_mode(void)
{
	return READ_ONCE(mode);
}
