// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two modules: their parameters, and how to unload them.  To unload the livepatch, the
 * command disables it and waits until the kernel has moved every task out of it and removed
 * its folder; only then can its module be unloaded.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "modules.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

#define PATIENCE	3	/* seconds before a message */

/**
 * module_there() - is it loaded?
 * @ctl: options
 * @module: its name
 */
bool module_there(const struct control *ctl, const char *module)
{
	char *path = xasprintf("%s/module/%s", ctl->sysfs, module);
	bool there = file_exists(path);

	free(path);
	return there;
}

static char *parameter_path(const struct control *ctl, const char *name)
{
	return xasprintf("%s/module/" CORE "/parameters/%s", ctl->sysfs, name);
}

/**
 * parameter_there() - does the loaded module have it?
 * @ctl: options
 * @name: the parameter
 */
bool parameter_there(const struct control *ctl, const char *name)
{
	char *path = parameter_path(ctl, name);
	bool there = file_exists(path);

	free(path);
	return there;
}

/**
 * parameter_read() - value of a parameter
 * @ctl: options
 * @name: the parameter, whose values are single words
 *
 * Return: allocated, or NULL if it cannot be read
 */
char *parameter_read(const struct control *ctl, const char *name)
{
	char *line, *value = NULL;
	struct text t;

	if (text_open(&t, parameter_path(ctl, name)))
		return NULL;
	if (text_next(&t, &line) && line[0] && !strchr(line, ' '))
		value = xstrdup(line);
	text_close(&t);
	return value;
}

/**
 * vfio_entry_limit() - how many maps a container may have
 * @ctl: options
 *
 * Return: 0 if it cannot be known
 */
uint64_t vfio_entry_limit(const struct control *ctl)
{
	uint64_t value, limit = 0;
	struct text t;
	char *line;

	if (text_open(&t, xasprintf("%s/module/vfio_iommu_type1/parameters/dma_entry_limit",
				    ctl->sysfs)))
		return 0;
	if (text_next(&t, &line) && word_decimal(line, &value) && value < INT_MAX)
		limit = value;
	text_close(&t);
	return limit;
}

/**
 * parameter_write() - set a parameter
 * @ctl: options
 * @name: the parameter
 * @value: its new value
 *
 * Return: 0, or the kernel's answer as -errno
 */
int parameter_write(const struct control *ctl, const char *name,
		    const char *value)
{
	char *path = parameter_path(ctl, name);
	int ret = file_write(path, value);

	free(path);
	return ret;
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Sleep 0.1 s; false, without sleeping, if LIVEPATCH_LIMIT has passed since @start. */
static bool go_on(time_t start, bool *said)
{
	static const struct timespec nap = { .tv_nsec = 100000000 };
	time_t passed = seconds() - start;

	if (passed >= LIVEPATCH_LIMIT)
		return false;
	if (passed >= PATIENCE && !*said) {
		warnx("waiting until every task has left the livepatch, %d s at most",
		      LIVEPATCH_LIMIT);
		*said = true;
	}
	nanosleep(&nap, NULL);
	return true;
}

static bool is_enabled(char *path)
{
	struct text t;
	char *line;
	bool enabled;

	if (text_open(&t, path))
		return false;
	enabled = text_next(&t, &line) && !strcmp(line, "1");
	text_close(&t);
	return enabled;
}

/**
 * livepatch_enabled() - is the livepatch enabled, or being enabled?
 * @ctl: options
 */
bool livepatch_enabled(const struct control *ctl)
{
	return is_enabled(xasprintf("%s/kernel/livepatch/" LIVEPATCH "/enabled",
				    ctl->sysfs));
}

/* Make the kernel remove the patch, and wait for that. */
static bool disable(const char *folder, bool back, time_t start, bool *said)
{
	char *path = xasprintf("%s/enabled", folder);
	int ret = 0;

	while (file_exists(folder)) {
		ret = is_enabled(xstrdup(path)) ? file_write(path, "0") : 0;
		/* EBUSY: another livepatch is in transition. */
		if (ret && ret != -EBUSY && ret != -ENOENT) {
			errno = -ret;
			warn("%s", path);
			break;
		}
		if (go_on(start, said))
			continue;
		if (ret == -EBUSY)
			warnx("another livepatch has been in transition for %d s: try again when that is over",
			      LIVEPATCH_LIMIT);
		else
			warnx("some task has not left the livepatch for %d s: 'grep -l 1 /proc/[0-9]*/patch_state' lists it, try again later",
			      LIVEPATCH_LIMIT);
		/* A transition can be reversed. */
		if (!ret && back)
			file_write(path, "1");
		break;
	}
	free(path);
	return !file_exists(folder);
}

/**
 * livepatch_remove() - disable the livepatch and unload its module
 * @ctl: options
 * @back: if it cannot be removed, enable it again
 *
 * Return: 0, or an exit code after saying why
 */
int livepatch_remove(const struct control *ctl, bool back)
{
	char *folder = xasprintf("%s/kernel/livepatch/" LIVEPATCH, ctl->sysfs);
	time_t start = seconds();
	bool said = false, off;
	int ret;

	off = disable(folder, back, start, &said);
	free(folder);
	if (!off)
		return EXIT_TROUBLE;
	/* The kernel releases the module a moment after it removes the folder. */
	while ((ret = module_delete(LIVEPATCH)) == -EAGAIN)
		if (!go_on(start, &said))
			break;
	if (!ret || ret == -ENOENT)
		return 0;
	errno = -ret;
	warn("the livepatch is disabled, but its module cannot be unloaded: rmmod " LIVEPATCH);
	return EXIT_TROUBLE;
}
