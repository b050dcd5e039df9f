// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of features, and what is asked of all of them.
 *
 * Invariants:
 * - the table is set before anything else is up, and does not change;
 * - exit() is called for those features whose init() has succeeded, the last one first.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include "group/feature.h"
#include "group/registry.h"

static const struct resv_feature *const none[] = { NULL };
static const struct resv_feature *const *features = none;
static unsigned int ready;	/* how many were initialised */
static void (*told)(void);	/* set before any group is looked at */

/**
 * resv_features_set() - which features there are
 * @table: all of them, and NULL
 *
 * Context: before anything else of this module runs.
 */
void resv_features_set(const struct resv_feature *const *table)
{
	features = table;
}

/**
 * resv_feature_at() - go through the table
 * @i: number of a feature, at most that of the one after the last
 *
 * Context: any.
 * Return: the feature, or NULL after the last one
 */
const struct resv_feature *resv_feature_at(unsigned int i)
{
	return features[i];
}

/**
 * resv_features_init() - make all features ready
 *
 * Context: may sleep.
 * Return: 0, or an errno with nothing to be undone
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
 * resv_features_exit() - the opposite
 *
 * Context: no tap is in, and no group is known; may sleep.
 */
void resv_features_exit(void)
{
	for (; ready; ready--)
		if (features[ready - 1]->exit)
			features[ready - 1]->exit();
}

/**
 * resv_features_loaded() - all groups that were there were looked at
 *
 * Context: may sleep.
 * Return: 0, or the errno of a feature that cannot do what it was asked for
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
 * resv_features_run() - loading cannot fail any more
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
 * resv_features_status() - describe what each feature does here
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
 * resv_features_update() - what was found about a group is in force from now on
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
 * resv_features_tell() - who is told that something may be in force from now on
 * @fn: called after features were given the facts of a group, with its entry locked
 *
 * Context: before any group is looked at.
 */
void resv_features_tell(void (*fn)(void))
{
	told = fn;
}

/**
 * resv_features_removed() - a group has no device any more, or is no more
 * @group: the group; only its address means something
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
 * resv_features_walk_begin() - all groups will be looked at
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
 * resv_features_walk_end() - all groups were looked at, and none was left out
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
