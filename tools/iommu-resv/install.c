// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv export FORMAT --install: write a file that Ansible runs, or enable the
 * systemd units of the package for the other programs. Existing files are kept.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "install.h"
#include "origin.h"
#include "replace.h"
#include "sysfs.h"
#include "xalloc.h"

/*
 * As in packaging/ansible: exit code 2 means an incomplete answer, and the facts say
 * so.
 */
#define ANSIBLE_FACT	"#!/bin/sh\n" \
			"# SPDX-License-Identifier: GPL-2.0-only\n" \
			"iommu-resv export facts || [ $? = 2 ]\n"

/**
 * struct reader - a program that reads an exported format
 * @format: nfd, prometheus or facts
 * @folder: the folder that it reads
 * @file: a file there that it runs, NULL if it reads a file that a timer writes
 * @text: content of @file
 * @units: units of systemd to enable
 */
static const struct reader {
	const char *format;
	const char *folder;
	const char *file;
	const char *text;
	const char *units[2];
} readers[] = {
	{ "nfd", "/etc/kubernetes/node-feature-discovery/features.d", NULL, NULL,
	  { "iommu-resv-nfd.timer", "iommu-resv-nfd.path" } },
	{ "prometheus", "/var/lib/prometheus/node-exporter", NULL, NULL,
	  { "iommu-resv-prometheus.timer", "iommu-resv-prometheus.path" } },
	{ "facts", "/etc/ansible/facts.d", "iommu_resv.fact", ANSIBLE_FACT, { NULL, NULL } },
};

/* Make the parents, too, as mkdir -p does */
static int make_folder(const char *path)
{
	char *part = xstrdup(path), *slash = part;
	struct stat st;
	bool made = false;
	int ret = EXIT_OK;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (!mkdir(part, 0755)) {
			made = true;
			/* Other programs read there, so ignore the umask. */
			if (chmod(part, 0755))
				ret = EXIT_TROUBLE;
		} else if (errno != EEXIST) {
			ret = EXIT_TROUBLE;
		} else if (!stat(part, &st) && !S_ISDIR(st.st_mode)) {
			errno = ENOTDIR;
			ret = EXIT_TROUBLE;
		}
		if (ret)
			warn("%s", part);
		if (slash)
			*slash = '/';
	} while (!ret && slash);
	if (!ret && made)
		printf("made %s\n", path);
	free(part);
	return ret;
}

static bool is_there(const char *path, const char *content)
{
	struct stat st;
	struct text t;
	bool same;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || (st.st_mode & 07777) != 0755 ||
	    text_open(&t, xstrdup(path)))
		return false;
	same = t.len == strlen(content) && !memcmp(t.buf, content, t.len);
	text_close(&t);
	return same;
}

static int write_file(const char *folder, const struct reader *reader)
{
	char *path = xasprintf("%s/%s", folder, reader->file);
	int ret = EXIT_OK;

	if (is_there(path, reader->text)) {
		printf("%s exists already\n", path);
	} else {
		ret = replace_file(path, reader->text, strlen(reader->text), 0755);
		if (!ret)
			printf("wrote %s\n", path);
	}
	free(path);
	return ret;
}

/* The last line of its output, which on failure says why; the caller frees it. */
static char *last_line(FILE *from)
{
	char *line = NULL, *last = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line) {
			free(last);
			last = xstrdup(line);
		}
	}
	free(line);
	return last;
}

/**
 * systemctl() - run it, and read its output
 * @args: its arguments, NULL at the end
 * @said: set to the last line of the output, NULL if there is none; to be freed
 *
 * Return: its exit status, or -1 if it did not run
 */
static int systemctl(char *const *args, char **said)
{
	posix_spawn_file_actions_t actions;
	int ends[2], status, ret;
	FILE *from;
	pid_t pid;

	*said = NULL;
	if (pipe2(ends, O_CLOEXEC))
		err(EXIT_TROUBLE, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	ret = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	from = fdopen(ends[0], "r");
	if (!from)
		err(EXIT_TROUBLE, "pipe");
	if (!ret)
		*said = last_line(from);
	fclose(from);
	if (ret) {
		*said = xstrdup(strerror(ret));
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(EXIT_TROUBLE, "systemctl");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool unit_is_enabled(const struct control *ctl, const char *unit)
{
	char *root = ctl->root ? xasprintf("--root=%s", ctl->root) : NULL;
	char *const args[] = {
		(char *)"systemctl", (char *)"is-enabled", (char *)unit, root, NULL,
	};
	char *said;
	bool is = !systemctl(args, &said);

	free(said);
	free(root);
	return is;
}

/* @verb is enable or start. */
static int unit_set(const struct control *ctl, const char *verb, const char *unit)
{
	char *root = ctl->root ? xasprintf("--root=%s", ctl->root) : NULL;
	char *const args[] = {
		(char *)"systemctl", (char *)verb, (char *)unit, root, NULL,
	};
	char *said;
	int ret = systemctl(args, &said);

	if (ret)
		warnx("%s: systemctl %s: %s", unit, verb, said ?: "ended without a message");
	free(said);
	free(root);
	return ret ? EXIT_TROUBLE : EXIT_OK;
}

static int enable_unit(const struct control *ctl, const char *unit)
{
	bool is = unit_is_enabled(ctl, unit);

	if (!is && unit_set(ctl, "enable", unit))
		return EXIT_TROUBLE;
	printf(is ? "%s is enabled already\n" : "enabled %s\n", unit);
	return EXIT_OK;
}

static const struct reader *find_reader(const char *format)
{
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]) - 1; i++)
		if (!strcmp(readers[i].format, format))
			break;
	return &readers[i];
}

/**
 * install_reader() - make a program read the facts from now on
 * @ctl: options
 * @format: nfd, prometheus or facts
 *
 * Return: an exit code, after saying what was done and what went wrong
 */
int install_reader(const struct control *ctl, const char *format)
{
	const struct reader *reader = find_reader(format);
	struct stat st;
	char *folder;
	int ret = EXIT_OK;
	bool starts;
	size_t i;

	if (!origin_is_here(ctl))
		errx(EXIT_TROUBLE, "--install is for the machine that runs it: it takes no --sysfs");
	if (!ctl->root && geteuid())
		errx(EXIT_TROUBLE, "--install changes this system: run it as root");
	/*
	 * An empty word, as from an unset variable of a script, does not mean the
	 * running system.
	 */
	if (ctl->root && (stat(ctl->root, &st) || !S_ISDIR(st.st_mode)))
		errx(EXIT_TROUBLE, "--root: '%s' is not a folder", ctl->root);
	folder = xasprintf("%s%s", ctl->root ?: "", reader->folder);
	/* If the units are missing, stop before anything is changed. */
	for (i = 0; !ret && i < 2 && reader->units[i]; i++)
		ret = enable_unit(ctl, reader->units[i]);
	ret = ret ?: make_folder(folder);
	if (!ret && reader->file)
		ret = write_file(folder, reader);
	/*
	 * A unit that is enabled may have been stopped. Nothing runs in other roots and
	 * in containers.
	 */
	starts = !ctl->root && !access("/run/systemd/system", F_OK);
	for (i = 0; starts && !ret && i < 2 && reader->units[i]; i++)
		ret = unit_set(ctl, "start", reader->units[i]);
	free(folder);
	return ret;
}
