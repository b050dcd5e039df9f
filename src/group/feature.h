/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features: what this module adds to the kernel.  Each feature has its taps, files and
 * callbacks.
 *
 * The registry of groups calls the members of struct resv_feature, and knows no feature
 * by name.  A feature calls the floors below (groups, sources, hooks), and no other
 * feature; only the feature "doorbell" asks the feature "window" where the MSI window is.
 *
 * A group is looked at in this order, under the lock of its entry:
 *
 *   ask every device for its facts              (sources; the group's mutex is held)
 *   prepare()   of each feature                 (get the taps that the group needs)
 *   group()     of each feature                 (add regions that a feature causes)
 *   ask the kernel for the group's list         (sources)
 *   listed()    of each feature                 (look for those regions in the list)
 *   added()     of each feature                 (act on new devices; may start over)
 *   update()    of each feature                 (put the facts in force)
 *   publish the snapshot
 */
#ifndef RESV_GROUP_FEATURE_H
#define RESV_GROUP_FEATURE_H

#include <linux/capability.h>
#include <linux/types.h>
#include "source/facts.h"
#include "source/status.h"
#include "hook/mode.h"
#include "hook/tap.h"

struct iommu_group;

/**
 * struct resv_feature_file - a file in the folder "resv" of each group
 * @name: name of the file
 * @mode: permissions
 * @show: writes the text into @buf, which has one page; returns bytes or an errno.
 *	NULL if the file cannot be read
 * @store: handles a write; returns @count or an errno.  NULL if the file cannot be
 *	written
 *
 * @group is alive in both callbacks.  They may sleep, and must not wait for the lock of
 * a group's entry: see resv_group_change().
 */
struct resv_feature_file {
	const char *name;
	umode_t mode;
	ssize_t (*show)(struct iommu_group *group, char *buf);
	ssize_t (*store)(struct iommu_group *group, const char *buf, size_t count);
};

/**
 * struct resv_feature - one feature
 * @name: its name in the documentation
 * @taps: all its taps
 * @nr_taps: number of @taps
 * @files: its files
 * @nr_files: number of @files
 * @init: called first at load; parameters are parsed, nothing else is set up.  Return: 0,
 *	or an errno after logging one line, with nothing left to undo
 * @exit: free everything; no tap is installed, no group is known any more
 * @loaded: every existing group was looked at.  Return: 0, or an errno after logging one
 *	line, which makes the load fail
 * @run: loading cannot fail any more; may sleep
 * @wanted: does the feature want its taps in this mode?
 * @in_force: would this mode end something that the feature has in force?  Return: 0, or
 *	-EBUSY after logging one line that says what to undo first
 * @relied_on: number of a group for which the feature has something in force by taps, or
 *	-ENOENT; @turn selects one of several groups.  The health check looks at these
 *	groups again and again, to test the places of the taps
 * @prepare: get the taps that this group needs, and note in @c whether they work
 * @group: add the regions that the feature causes.  Return: 0 or -ENOMEM
 * @listed: the kernel's list of the group is known.  Return: 0 or -ENOMEM
 * @added: the facts are complete: act on new devices.  Return: true if that changed the
 *	group's lists, so that @c is out of date
 * @settled: the group was looked at again because @added returned true
 * @update: put the facts in force.  Return: 0, or -ENOMEM with the old facts in force
 * @removed: the group has no device left, or does not exist any more; never follow the
 *	pointer
 * @walk_begin: a walk over all groups begins
 * @walk_end: the walk has looked at all groups
 * @status: add lines to /sys/kernel/iommu_resv/features
 *
 * prepare() to removed() are called under the lock of the group's entry, and for several
 * groups in parallel.  Data that groups share needs a lock of the feature's own, which
 * nests inside the lock of the entry, and is never held across resv_groups_rescan() or
 * resv_group_change().  No mutex of a group is held.  The callbacks may sleep.  Every
 * member may be NULL.
 */
struct resv_feature {
	const char *name;
	const struct resv_tap *const *taps;
	unsigned int nr_taps;
	const struct resv_feature_file *files;
	unsigned int nr_files;
	int (*init)(void);
	void (*exit)(void);
	int (*loaded)(void);
	void (*run)(void);
	bool (*wanted)(enum resv_hook_mode mode);
	int (*in_force)(enum resv_hook_mode mode);
	int (*relied_on)(unsigned int turn);
	void (*prepare)(struct resv_facts *c);
	int (*group)(struct resv_facts *c);
	int (*listed)(struct resv_facts *c);
	bool (*added)(struct resv_facts *c);
	void (*settled)(const struct resv_facts *c);
	int (*update)(const struct resv_facts *c);
	void (*removed)(struct iommu_group *group, int id);
	void (*walk_begin)(void);
	void (*walk_end)(void);
	void (*status)(struct resv_status *s);
};

/* Sets the table of src/main.c, which ends with NULL */
void resv_features_set(const struct resv_feature *const *features);
const struct resv_feature *resv_feature_at(unsigned int i);

int resv_features_init(void);
void resv_features_exit(void);
int resv_features_loaded(void);
void resv_features_run(void);
void resv_features_status(struct resv_status *s);

/**
 * resv_feature_may_write() - may the current task write to a file of a group?
 *
 * Mode bits alone would let the root user of a container write, which owns no device.
 * Mainline checks the same capabilities for its only writable file, "type"
 * (iommu_group_store_type() of drivers/iommu/iommu.c, since v5.11).
 *
 * Context: the task that writes.
 * Return: true if it may, else the write has to fail with EACCES
 */
static inline bool resv_feature_may_write(void)
{
	return capable(CAP_SYS_ADMIN) && capable(CAP_SYS_RAWIO);
}

#endif /* RESV_GROUP_FEATURE_H */
