// SPDX-License-Identifier: GPL-2.0-only
/* Selects sources (the parameter "sources"), and asks each in turn. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include "source/hw.h"
#include "source/source.h"

/* Names that every build accepts, so that one modprobe.d file fits all hosts. */
#define SOURCE_NAMES	"kernel,dmar,ivrs,iort,dt,fixed,pci,aperture,iommu,msi,dma"

static const struct resv_source *const none[] = { NULL };
static const struct resv_source *const *sources = none;
static unsigned long selected;		/* sources that the parameter selects */
static unsigned long active;		/* sources whose init() succeeded */

/* The parameter, as it was given. */
static char given[64] = "all";

/* Is a name in a list that is separated by commas, and perhaps blanks? */
static bool has_name(const char *names, const char *name, size_t len)
{
	while (*names) {
		size_t n = strcspn(names, " \t\n,");

		if (n == len && n && !strncmp(names, name, n))
			return true;
		names += n + (names[n] != '\0');
	}
	return false;
}

/* Are all names of a list known?  An empty name is not. */
static bool all_known(char *copy)
{
	char *name;

	while ((name = strsep(&copy, ","))) {
		name = strim(name);
		if (!has_name("all," SOURCE_NAMES, name, strlen(name)))
			return false;
	}
	return true;
}

static int sources_set(const char *val, const struct kernel_param *kp)
{
	char copy[sizeof(given)];

	if (strscpy(copy, val, sizeof(copy)) < 0) {
		pr_err("sources= is too long: use all or a list of " SOURCE_NAMES "\n");
		return -EINVAL;
	}
	if (!all_known(copy)) {
		strscpy(copy, val, sizeof(copy));
		pr_err("sources=%s is invalid: use all or a list of " SOURCE_NAMES
		       ", separated by commas\n", strim(copy));
		return -EINVAL;
	}
	strscpy(given, val, sizeof(given));
	return 0;
}

static int sources_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", strim(given));
}

static const struct kernel_param_ops sources_ops = {
	.set = sources_set,
	.get = sources_get,
};

module_param_cb(sources, &sources_ops, NULL, 0444);
MODULE_PARM_DESC(sources, "sources of facts: all (default) or a list of " SOURCE_NAMES);

/**
 * resv_sources_set() - set the table of sources
 * @table: the sources, in the order in which to ask them, and NULL at the end
 *
 * Context: parameters are parsed, nothing else of this module runs.
 */
void resv_sources_set(const struct resv_source *const *table)
{
	unsigned int i;

	sources = table;
	for (i = 0; sources[i]; i++)
		if (has_name(given, "all", strlen("all")) ||
		    has_name(given, sources[i]->name, strlen(sources[i]->name)))
			selected |= BIT(i);
}

/* Are all of @names in @mask?  Ignore sources that this build does not have. */
static bool all_in(unsigned long mask, const char *const *names, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; sources[j]; j++)
			if (!strcmp(sources[j]->name, names[i]) &&
			    !(mask & BIT(j)))
				return false;
	return true;
}

/**
 * resv_sources_bound_windows() - are all sources that bound an MSI window turned on?
 *
 * They report other regions, the windows of bridges, the aperture, doorbells and devices
 * with 32-bit MSI.
 *
 * Context: any.
 * Return: true if they are
 */
bool resv_sources_bound_windows(void)
{
	static const char *const needed[] = {
		"kernel", "pci", "aperture", "msi",
	};

	return all_in(active, needed, ARRAY_SIZE(needed));
}

/**
 * resv_sources_make_lists() - are all sources that make lists turned on?
 *
 * If the kernel has no lists, this module makes them from the sources that report what
 * IOMMU drivers list.  A source counts as turned on even if firmware has no table for it.
 *
 * Context: any.
 * Return: true if they are
 */
bool resv_sources_make_lists(void)
{
	static const char *const needed[] = {
		"kernel", "dmar", "ivrs", "fixed", "msi",
	};

	return all_in(selected, needed, ARRAY_SIZE(needed));
}

/**
 * resv_sources_init() - initialise the selected sources
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM, with nothing left to exit
 */
int resv_sources_init(void)
{
	unsigned int i;
	int ret;

	for (i = 0; sources[i]; i++) {
		if (!(selected & BIT(i)))
			continue;
		ret = sources[i]->init ? sources[i]->init() : 0;
		if (ret == -ENOMEM) {
			resv_sources_exit();
			return ret;
		}
		if (!ret)
			active |= BIT(i);
	}
	return 0;
}

/**
 * resv_sources_exit() - call exit() of all active sources
 *
 * Context: may sleep; no source is being asked any more.
 */
void resv_sources_exit(void)
{
	unsigned int i;

	/* In reverse order. */
	for (; active; active &= ~BIT(i)) {
		i = __fls(active);
		if (sources[i]->exit)
			sources[i]->exit();
	}
	resv_hw_instances_flush();
}

/**
 * resv_sources_device() - ask all sources about one device
 * @c: collection of its group, whose mutex is held; @c->hw is set
 * @dev: device
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_sources_device(struct resv_facts *c, struct device *dev)
{
	unsigned int i;
	int ret;

	/* This is the first device of the collection. */
	if (!c->device_hw)
		resv_hw_begin(c->hw);
	c->device_hw = resv_hw_device(c->hw, dev);
	if (!c->device_hw)
		return -ENOMEM;
	for (i = 0; sources[i]; i++) {
		if (!(active & BIT(i)) || !sources[i]->device)
			continue;
		ret = sources[i]->device(c, dev);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * resv_sources_group() - ask all sources about one group, after its devices
 * @c: collection
 *
 * Context: may sleep; the group's mutex is not held.
 * Return: 0 or -ENOMEM
 */
int resv_sources_group(struct resv_facts *c)
{
	unsigned int i;
	int ret;

	resv_hw_end(c->hw);
	for (i = 0; sources[i]; i++) {
		if (!(active & BIT(i)) || !sources[i]->group)
			continue;
		ret = sources[i]->group(c);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * resv_sources_status() - add the status lines of all sources
 * @f: list to add to
 *
 * Context: may sleep.
 */
void resv_sources_status(struct resv_status *f)
{
	unsigned int i;

	for (i = 0; sources[i]; i++) {
		if (!(selected & BIT(i)))
			resv_status_add(f, sources[i]->name, RESV_STATUS_INERT,
					"turned off by the parameter sources=");
		else if (sources[i]->status)
			sources[i]->status(f);
	}
}
