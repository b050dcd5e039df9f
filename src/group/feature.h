/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features: what this module adds to the kernel, each with its taps, files and life.
 *
 * The registry of groups calls the members of struct resv_feature; it names no
 * feature.  A feature calls what lies below (groups, sources, hooks), and no other
 * feature, but for the doorbells, which ask where the MSI window is.
 *
 * A group is looked at in this order, under the lock of its entry:
 *
 *   every device is asked for its facts         (sources; the group's mutex is held)
 *   prepare()   of each feature                 (the taps that the group needs)
 *   group()     of each feature                 (regions that a feature causes)
 *   the group is asked for its list             (sources)
 *   listed()    of each feature                 (what the list says about those)
 *   added()     of each feature                 (new devices; may have all done again)
 *   update()    of each feature                 (what was found is in force)
 *   readers see it
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
 * @show: writes the text into @buf, which has a page; returns bytes or an errno.
 *	NULL if it cannot be read
 * @store: a write; returns @count or an errno.  NULL if it cannot be written
 *
 * @group is alive in both.  They may sleep, and must not wait for the lock of a
 * group's entry: see resv_group_change().
 */
struct resv_feature_file {
	const char *name;
	umode_t mode;
	ssize_t (*show)(struct iommu_group *group, char *buf);
	ssize_t (*store)(struct iommu_group *group, const char *buf, size_t count);
};

/**
 * struct resv_feature - one feature
 * @name: as in docs
 * @taps: all its taps
 * @nr_taps: how many
 * @files: its files
 * @nr_files: how many
 * @init: parameters are known, nothing else is up.  Return: 0, or an errno after one
 *	line in the log, with nothing to be undone
 * @exit: no tap is in, no group is known any more; free everything
 * @loaded: every group that was there was looked at.  Return: 0, or an errno after one
 *	line in the log, which ends the load
 * @run: loading cannot fail any more; may sleep
 * @wanted: are its taps wanted in this mode?
 * @in_force: would something of it that is in force end in this mode?  Return: 0, or
 *	-EBUSY after one line in the log that says what to undo first
 * @relied_on: number of a group for which something of it is in force by way of taps, of
 *	several one by @turn; or -ENOENT.  The places of these taps are tested again and
 *	again, by looks at these groups
 * @prepare: have the taps that this group needs, and say in @c what they do
 * @group: add the regions that the feature causes.  Return: 0 or -ENOMEM
 * @listed: the kernel's list of the group is known.  Return: 0 or -ENOMEM
 * @added: the facts are complete: act on devices that came.  Return: true if the
 *	group's lists have changed by that, so that @c is out of date
 * @settled: the group was looked at again after that
 * @update: the facts are in force from now on.  Return: 0, or -ENOMEM with the old
 *	ones in force
 * @removed: the group has no device any more, or is no more; only its address means
 *	something
 * @walk_begin: all groups will be looked at
 * @walk_end: all groups were looked at
 * @status: add lines to /sys/kernel/iommu_resv/features
 *
 * prepare() to removed() are called under the lock of the group's entry, of several
 * groups at once: what they share needs a lock of the feature's own, which is taken
 * under that one, and never over resv_groups_rescan() or resv_group_change().  No
 * mutex of a group is held.  They may sleep.  Every member may be NULL.
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

/* The table of src/main.c, which ends with NULL */
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
 * Mode bits let a container's root write who owns no device.  The same is asked for
 * the only writable file of mainline, "type": iommu_group_store_type() of
 * drivers/iommu/iommu.c, since v5.11.
 *
 * Context: the task that writes.
 * Return: true if it may, else the write fails with EACCES
 */
static inline bool resv_feature_may_write(void)
{
	return capable(CAP_SYS_ADMIN) && capable(CAP_SYS_RAWIO);
}

#endif /* RESV_GROUP_FEATURE_H */
