// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of features, and the calls that go to all of them.
 *
 * Invariants:
 * - the table is set before anything else runs, and does not change;
 * - exit() is called for the features whose init() succeeded, in reverse order.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include "group/feature.h"
#include "group/registry.h"

static const struct resv_feature *const none[] = { NULL };
static const struct resv_feature *const *features = none;
static unsigned int ready;	/* number of features whose init() succeeded */
static void (*told)(void);	/* set before any group is looked at */

/**
 * resv_features_set() - set the table of features
 * @table: the features, and NULL at the end
 *
 * Context: before anything else of this module runs.
 */
void resv_features_set(const struct resv_feature *const *table)
{
	features = table;
}

/**
 * resv_feature_at() - go through the table
 * @i: index, at most that of the NULL after the last feature
 *
 * Context: any.
 * Return: the feature, or NULL after the last one
 */
const struct resv_feature *resv_feature_at(unsigned int i)
{
	return features[i];
}

/**
 * resv_features_init() - set up all features
 *
 * Context: may sleep.
 * Return: 0, or an errno with nothing left to undo
 */
int resv_features_init(void)
{
	const struct resv_feature *f;
	unsigned int i;
	int ret;

	for (i = 0; (f = resv_feature_at(i)); i++) {
		ret = f->init ? f->init() : 0;
		if (ret) {
			resv_features_exit();
			return ret;
		}
		ready++;
	}
	return 0;
}

/**
 * resv_features_exit() - undo the init() of all features
 *
 * Context: no tap is installed, and no group is known; may sleep.
 */
void resv_features_exit(void)
{
	for (; ready; ready--)
		if (features[ready - 1]->exit)
			features[ready - 1]->exit();
}

/**
 * resv_features_loaded() - tell features that all existing groups were looked at
 *
 * Context: may sleep.
 * Return: 0, or the errno of a feature that cannot do what a parameter asks for
 */
int resv_features_loaded(void)
{
	const struct resv_feature *f;
	unsigned int i;
	int ret;

	for (i = 0; (f = resv_feature_at(i)); i++) {
		ret = f->loaded ? f->loaded() : 0;
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * resv_features_run() - tell features that loading cannot fail any more
 *
 * Context: may sleep.
 */
void resv_features_run(void)
{
	const struct resv_feature *f;
	unsigned int i;

	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->run)
			f->run();
}

/**
 * resv_features_status() - add the status lines of all features
 * @s: status to add lines to
 *
 * Context: may sleep.
 */
void resv_features_status(struct resv_status *s)
{
	const struct resv_feature *f;
	unsigned int i;

	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->status)
			f->status(s);
}

/**
 * resv_features_update() - put the facts about a group in force
 * @c: facts, complete
 *
 * Context: the group's entry is locked; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_features_update(const struct resv_facts *c)
{
	const struct resv_feature *f;
	unsigned int i;
	int ret;

	for (i = 0; (f = resv_feature_at(i)); i++) {
		ret = f->update ? f->update(c) : 0;
		if (ret)
			return ret;
	}
	told();
	return 0;
}

/**
 * resv_features_tell() - set the callback that starts the health check
 * @fn: called with the group's entry locked, after features put facts in force
 *
 * Context: before any group is looked at.
 */
void resv_features_tell(void (*fn)(void))
{
	told = fn;
}

/**
 * resv_features_removed() - tell features that a group is empty or gone
 * @group: the group, which may be freed: only its address is used
 * @id: its number
 *
 * Context: the group's entry is locked; may sleep.
 */
void resv_features_removed(struct iommu_group *group, int id)
{
	const struct resv_feature *f;
	unsigned int i;

	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->removed)
			f->removed(group, id);
}

/**
 * resv_features_walk_begin() - tell features that a walk over all groups begins
 *
 * Context: may sleep; no entry is locked.
 */
void resv_features_walk_begin(void)
{
	const struct resv_feature *f;
	unsigned int i;

	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->walk_begin)
			f->walk_begin();
}

/**
 * resv_features_walk_end() - tell features that a walk has looked at all groups
 *
 * Context: may sleep; no entry is locked.
 */
void resv_features_walk_end(void)
{
	const struct resv_feature *f;
	unsigned int i;

	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->walk_end)
			f->walk_end();
}
