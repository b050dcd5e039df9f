// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of the parameters "checks" and "explain", and the way in which maps are
 * checked.  check.c has the parameters, and acts on changes; taps.c sets the way.
 *
 * Writers of a parameter hold switch_lock of check.c, that of the way taps_lock, readers
 * no lock.
 */
#include "source/native.h"
#include "feature/check/check.h"
#include "feature/check/listen.h"

static enum resv_check_mode mode;
static enum resv_explain_mode explain;
static bool copies;		/* some group's operations can be copied */
static bool probes;		/* some group's cannot, so a tap checks all maps */

/**
 * resv_check_set_mode() - set the value of the parameter "checks"
 * @new: the mode
 *
 * Context: may sleep.
 */
void resv_check_set_mode(enum resv_check_mode new)
{
	WRITE_ONCE(mode, new);
}

/**
 * resv_check_mode() - get the value of the parameter "checks"
 *
 * Context: any.
 * Return: the mode
 */
enum resv_check_mode resv_check_mode(void)
{
	return READ_ONCE(mode);
}

/**
 * resv_check_wanted() - should this module check maps?
 *
 * Context: any.
 * Return: false if the parameter says off, or VFIO checks maps itself
 */
bool resv_check_wanted(void)
{
	return !resv_native_checks() && resv_check_mode() != RESV_CHECK_OFF;
}

/**
 * resv_check_set_way() - set the way in which maps are checked
 * @copied: the operations of some group's domains can be copied
 * @probed: those of some group's cannot, so that the tap on iommu_map() is needed
 *
 * Context: under taps_lock.
 */
void resv_check_set_way(bool copied, bool probed)
{
	WRITE_ONCE(copies, copied);
	WRITE_ONCE(probes, probed);
}

/**
 * resv_check_copies_ops() - do VFIO's new domains get a copy of their operations?
 *
 * Context: any.
 * Return: false if they do not, or if nothing is checked
 */
bool resv_check_copies_ops(void)
{
	return READ_ONCE(copies) && !READ_ONCE(probes);
}

/**
 * resv_check_probes_maps() - does the tap on iommu_map() check the maps of all domains?
 *
 * Context: any.
 * Return: false if only maps of domains that are kept (ops.c) are checked
 */
bool resv_check_probes_maps(void)
{
	return READ_ONCE(probes);
}

/**
 * resv_explain_set_mode() - set the value of the parameter "explain"
 * @new: the mode
 *
 * Context: may sleep.
 */
void resv_explain_set_mode(enum resv_explain_mode new)
{
	WRITE_ONCE(explain, new);
}

/**
 * resv_explain_mode() - get the value of the parameter "explain"
 *
 * Context: any.
 * Return: the mode
 */
enum resv_explain_mode resv_explain_mode(void)
{
	return READ_ONCE(explain);
}

/**
 * resv_explain_wanted() - should this module explain VFIO's refusals?
 *
 * Context: any.
 * Return: false if this module checks maps in VFIO's place, if the parameter is off, or
 * if it is auto and no tracepoint is enabled
 */
bool resv_explain_wanted(void)
{
	enum resv_explain_mode is = resv_explain_mode();

	return resv_native_checks() &&
	       (is == RESV_EXPLAIN_ON || (is == RESV_EXPLAIN_AUTO && resv_listening()));
}
