// SPDX-License-Identifier: GPL-2.0-only
/* The list of sources: which are on, and asking each in turn. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "source/hw.h"
#include "source.h"

/* In order: the kernel first, then who explains, then who draws conclusions. */
static const struct resv_source *const sources[] = {
	&resv_source_kernel,
#if IS_ENABLED(CONFIG_ACPI) && IS_ENABLED(CONFIG_X86)
	&resv_source_dmar,
	&resv_source_ivrs,
#endif
#if IS_ENABLED(CONFIG_ACPI) && IS_ENABLED(CONFIG_ARM64)
	&resv_source_iort,
#endif
#if IS_ENABLED(CONFIG_OF)
	&resv_source_dt,
#endif
	&resv_source_fixed,
	&resv_source_pci,
	&resv_source_aperture,
	&resv_source_msi,
	/* Not to be turned off: what is declared must show. */
	&resv_source_admin,
};

/* Names that are accepted everywhere, so that one modprobe.d fits all hosts. */
#define SOURCE_NAMES	"kernel,dmar,ivrs,iort,dt,fixed,pci,aperture,msi"

static unsigned long selected = ~0UL;	/* by the parameter */
static unsigned long active;		/* initialised */

/**
 * resv_sources_names() - the names that resv_sources_select() accepts
 *
 * Return: the names, separated by commas
 */
const char *resv_sources_names(void)
{
	return "all," SOURCE_NAMES;
}

static bool known_name(const char *name)
{
	const char *p = SOURCE_NAMES;
	size_t len = strlen(name);

	while (*p) {
		size_t n = strcspn(p, ",");

		if (n == len && !strncmp(p, name, n))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

/**
 * resv_sources_select() - choose sources, before resv_sources_init()
 * @list: comma separated names, or "all"
 *
 * Return: 0, -EINVAL for an unknown name (nothing is changed), -ENOMEM
 */
int resv_sources_select(const char *list)
{
	char *copy = kstrdup(list, GFP_KERNEL), *next = copy, *name;
	unsigned long mask = 0;
	unsigned int i;
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	while ((name = strsep(&next, ","))) {
		name = strim(name);
		if (!strcmp(name, "all")) {
			mask = ~0UL;
			continue;
		}
		if (!known_name(name)) {
			ret = -EINVAL;
			break;
		}
		for (i = 0; i < ARRAY_SIZE(sources); i++)
			if (!strcmp(sources[i]->name, name))
				mask |= BIT(i);
	}
	if (!ret)
		selected = mask;
	kfree(copy);
	return ret;
}

/* Are all of @names in @mask?  One that this machine cannot have is no matter. */
static bool all_in(unsigned long mask, const char *const *names, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < ARRAY_SIZE(sources); j++)
			if (!strcmp(sources[j]->name, names[i]) &&
			    !(mask & BIT(j)))
				return false;
	return true;
}

/**
 * resv_sources_bound_windows() - is all told that bounds an MSI window?
 *
 * Other regions, the windows of bridges, what the IOMMU reaches, doorbells and
 * devices with 32-bit MSI.
 *
 * Return: true if it is
 */
bool resv_sources_bound_windows(void)
{
	static const char *const needed[] = {
		"kernel", "pci", "aperture", "msi",
	};

	return all_in(active, needed, ARRAY_SIZE(needed));
}

/**
 * resv_sources_make_lists() - is all told that an IOMMU's driver lists?
 *
 * Where the kernel makes no list this module does.  A table that firmware does not
 * have is no matter.
 *
 * Return: true if it is
 */
bool resv_sources_make_lists(void)
{
	static const char *const needed[] = {
		"kernel", "dmar", "ivrs", "fixed", "msi",
	};

	return all_in(selected, needed, ARRAY_SIZE(needed));
}

/**
 * resv_sources_init() - make the selected sources ready
 *
 * Return: 0 or -ENOMEM, with nothing left to exit
 */
int resv_sources_init(void)
{
	unsigned int i;
	int ret;

	selected |= BIT(ARRAY_SIZE(sources) - 1);
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
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
 * resv_sources_exit() - the opposite; nobody may be asking any more
 */
void resv_sources_exit(void)
{
	unsigned int i = ARRAY_SIZE(sources);

	while (i--)
		if ((active & BIT(i)) && sources[i]->exit)
			sources[i]->exit();
	active = 0;
	resv_hw_instances_flush();
}

/**
 * resv_sources_device() - ask all sources about one device
 * @c: collection of its group, whose mutex is held; @c->hw is set
 * @dev: device
 *
 * Return: 0 or -ENOMEM
 */
int resv_sources_device(struct resv_facts *c, struct device *dev)
{
	unsigned int i;
	int ret;

	/* The first device of this collection. */
	if (!c->device_hw)
		resv_hw_begin(c->hw);
	c->device_hw = resv_hw_device(c->hw, dev);
	if (!c->device_hw)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!(active & BIT(i)) || !sources[i]->device)
			continue;
		ret = sources[i]->device(c, dev);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * resv_sources_group() - ask all sources about one group, devices first
 * @c: collection
 *
 * Return: 0 or -ENOMEM
 */
int resv_sources_group(struct resv_facts *c)
{
	unsigned int i;
	int ret;

	resv_hw_end(c->hw);
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!(active & BIT(i)) || !sources[i]->group)
			continue;
		ret = sources[i]->group(c);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * resv_sources_status() - describe what each source does here
 * @f: list to add to
 */
void resv_sources_status(struct resv_status *f)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!(selected & BIT(i)))
			resv_status_add(f, sources[i]->name, RESV_STATUS_INERT,
					 "turned off by the parameter sources=");
		else if (sources[i]->status)
			sources[i]->status(f);
	}
}
