// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the parameters "checks" and "explain" say.  check.c has the parameters, and acts
 * on changes.
 *
 * The values are written under a lock of check.c, and read without a lock.
 */
#include "source/native.h"
#include "feature/check/check.h"
#include "feature/check/listen.h"

static enum resv_check_mode mode;
static enum resv_explain_mode explain;

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

/**
 * resv_explain_set_mode() - the parameter "explain" says something else
 * @new: the mode
 *
 * Context: may sleep.
 */
void resv_explain_set_mode(enum resv_explain_mode new)
{
	WRITE_ONCE(explain, new);
}

/**
 * resv_explain_mode() - what the parameter "explain" says
 *
 * Context: any.
 * Return: the mode
 */
enum resv_explain_mode resv_explain_mode(void)
{
	return READ_ONCE(explain);
}

/**
 * resv_explain_wanted() - is it to be told why VFIO refuses a map?
 *
 * Context: any.
 * Return: false if this module checks maps in VFIO's place, if the parameter says off, or
 * if it says auto and nobody listens
 */
bool resv_explain_wanted(void)
{
	enum resv_explain_mode is = resv_explain_mode();

	return resv_native_checks() &&
	       (is == RESV_EXPLAIN_ON || (is == RESV_EXPLAIN_AUTO && resv_listening()));
}
