// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the parameter "checks" says.  check.c has the parameter, and acts on changes.
 *
 * The value is written under a lock of check.c, and read without a lock.
 */
#include "source/native.h"
#include "feature/check/check.h"

static enum resv_check_mode mode;

/**
 * resv_check_set_mode() - the parameter "checks" says something else
 * @new: the mode
 *
 * Context: may sleep.
 */
void resv_check_set_mode(enum resv_check_mode new)
{
	WRITE_ONCE(mode, new);
}

/**
 * resv_check_mode() - what the parameter "checks" says
 *
 * Context: any.
 * Return: the mode
 */
enum resv_check_mode resv_check_mode(void)
{
	return READ_ONCE(mode);
}

/**
 * resv_check_wanted() - are maps to be checked by this module?
 *
 * Context: any.
 * Return: false if the parameter says off, or VFIO checks maps itself
 */
bool resv_check_wanted(void)
{
	return !resv_native_checks() && resv_check_mode() != RESV_CHECK_OFF;
}
