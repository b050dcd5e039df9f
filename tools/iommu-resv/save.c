// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv save: a copy of what this command reads, for another machine to read.
 *
 * This copies no data that identifies the machine's users: the copy has only the words about
 * IOMMUs of the kernel's command line, the address bits of the CPU, and a refused map
 * without its process.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "facts.h"
#include "origin.h"
#include "sysfs.h"
#include "tar.h"
#include "words.h"
#include "xalloc.h"

/**
 * struct save - a copy being made
 * @ctl: options
 * @tar: the archive
 */
struct save {
	struct control *ctl;
	struct tar tar;
};

static void too_long(struct save *s, const char *name)
{
	warnx("%s: its name is too long for the archive", name);
	s->ctl->gaps = true;
}

static void put_text(struct save *s, const char *name, const char *text)
{
	if (!tar_file(&s->tar, name, text, strlen(text)))
		too_long(s, name);
}

/* A file of sysfs, if it exists and has content */
static void put_file(struct save *s, const char *dir, const char *file)
{
	char *name = xasprintf("%s/%s", dir, file);
	char *path = xasprintf("%s/%s", s->ctl->sysfs, name);
	struct text t;
	int ret;

	ret = text_open(&t, xstrdup(path));
	if (!ret) {
		if (!tar_file(&s->tar, name, t.buf, t.len))
			too_long(s, name);
		text_close(&t);
	} else if (ret != -ENOENT && ret != -ENOTDIR && ret != -ENODATA && ret != -ENODEV) {
		errno = -ret;
		warn("%s", path);
		s->ctl->gaps = true;
	}
	free(path);
	free(name);
}

static void put_files(struct save *s, const char *dir, const char *const *files, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		put_file(s, dir, files[i]);
}

/* Only the name of its target */
static void put_link(struct save *s, const char *dir, const char *link)
{
	char *name = xasprintf("%s/%s", dir, link);
	char *path = xasprintf("%s/%s", s->ctl->sysfs, name);
	char *target = link_base(path);

	if (target && !tar_link(&s->tar, name, target))
		too_long(s, name);
	free(target);
	free(path);
	free(name);
}

static void put_folder(struct save *s, const char *name)
{
	if (!tar_folder(&s->tar, name))
		too_long(s, name);
}

/* Entries of which only the names matter become folders. */
static void put_names(struct save *s, const char *dir)
{
	char *path = xasprintf("%s/%s", s->ctl->sysfs, dir);
	struct strings names;
	size_t i;

	dir_list(path, &names);
	for (i = 0; i < names.nr; i++) {
		char *name = xasprintf("%s/%s", dir, names.s[i]);

		put_folder(s, name);
		free(name);
	}
	strings_free(&names);
	free(path);
}

/*
 * Copy the number, and the last map without the process. Only root may read the file,
 * so for others the copy is complete without it.
 */
static void put_refused(struct save *s, const char *dir)
{
	char *name = xasprintf("%s/refused", dir), *line, *count = NULL, *last = NULL;
	char *w[8], *text;
	struct text t;

	if (!text_open(&t, xasprintf("%s/%s", s->ctl->sysfs, name))) {
		if (text_next(&t, &line))
			count = line;
		if (text_next(&t, &line) && words_split(line, w, 8))
			last = xasprintf("%s %s %s %s %s %s %s 0 -\n",
					 w[0], w[1], w[2], w[3], w[4], w[5], w[6]);
		text = xasprintf("%s\n%s", count ?: "", last ?: "");
		put_text(s, name, text);
		free(text);
		free(last);
		text_close(&t);
	}
	free(name);
}

static void put_device(struct save *s, const char *dir, const char *device)
{
	static const char *const files[] = {
		"vendor", "device", "class", "numa_node", "sriov_totalvfs", "sriov_numvfs",
	};
	char *name = xasprintf("%s/devices/%s", dir, device);
	char *path = xasprintf("%s/%s", s->ctl->sysfs, name);

	/* A copy of a copy has the same gaps. */
	if (!file_exists(path)) {
		if (!tar_link(&s->tar, name, device))
			too_long(s, name);
	} else {
		put_folder(s, name);
		put_files(s, name, files, sizeof(files) / sizeof(files[0]));
		put_link(s, name, "driver");
		put_link(s, name, "iommu");
	}
	free(path);
	free(name);
}

static void put_group(struct save *s, const char *id)
{
	static const char *const files[] = {
		"type", "reserved_regions", "resv/regions", "resv/usable", "resv/aperture",
		"resv/msi_isolation", "resv/msi_window", "resv/assignable",
		"resv/page_size", "resv/iommu", "resv/dma_api",
	};
	char *dir = xasprintf("kernel/iommu_groups/%s", id);
	char *devices = xasprintf("%s/%s/devices", s->ctl->sysfs, dir);
	char *resv = xasprintf("%s/resv", dir);
	char *below = xasprintf("%s/devices", dir);
	struct strings names;
	size_t i;

	put_folder(s, below);
	put_files(s, dir, files, sizeof(files) / sizeof(files[0]));
	put_refused(s, resv);
	dir_list(devices, &names);
	for (i = 0; i < names.nr; i++)
		put_device(s, dir, names.s[i]);
	strings_free(&names);
	free(below);
	free(resv);
	free(devices);
	free(dir);
}

static void put_groups(struct save *s)
{
	char *dir = xasprintf("%s/kernel/iommu_groups", s->ctl->sysfs);
	struct strings ids;
	size_t i;

	if (groups_list(s->ctl, &ids))
		s->ctl->gaps = true;
	else
		put_folder(s, file_exists(dir) ? "kernel/iommu_groups" : "kernel");
	for (i = 0; i < ids.nr; i++)
		put_group(s, ids.s[i]);
	strings_free(&ids);
	free(dir);
}

/*
 * The part of a line that is copied, or NULL. Of the CPU it is what vm/host.c reads.
 */
static const char *part_of_cpuinfo(char *line)
{
	if (!strncmp(line, "flags", 5))
		return strstr(line, " hypervisor") ? "flags\t: fpu hypervisor" : "flags\t: fpu";
	return !strncmp(line, "vendor_id", 9) || !strncmp(line, "address sizes", 13) ?
	       line : NULL;
}

static const char *part_of_config(char *line)
{
	return strstr(line, "IOMMU") || strstr(line, "SMMU") ? line : NULL;
}

/* The words about IOMMUs, moved to the beginning, with one blank in between */
static const char *part_of_cmdline(char *line)
{
	char *to = line, *word, *rest;

	for (word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		size_t len = strlen(word);

		if (!strstr(word, "iommu"))
			continue;
		if (to != line)
			*to++ = ' ';
		memmove(to, word, len);
		to += len;
	}
	*to = '\0';
	return line;
}

/* The lines of a file to copy, up to an empty one if @first */
static void put_lines(struct save *s, const char *name, const char *here, bool first,
		      const char *(*part_of)(char *line))
{
	char *all = xstrdup(""), *rest, *line;
	struct text t;

	if (!text_open(&t, origin_path(s->ctl, name, here))) {
		rest = t.buf;
		while ((line = strsep(&rest, "\n")) != NULL && (*line || !first)) {
			const char *part = part_of(line);
			char *more = xasprintf("%s%s%s", all, part ?: "", part ? "\n" : "");

			free(all);
			all = more;
		}
		text_close(&t);
		put_text(s, name, all);
	}
	free(all);
}

static void put_line(struct save *s, const char *name, const char *line)
{
	char *text = xasprintf("%s\n", line ?: "");

	if (line)
		put_text(s, name, text);
	free(text);
}

static void put_origin(struct save *s)
{
	struct origin o;
	char *config;

	origin_read(s->ctl, &o);
	put_line(s, "osrelease", o.kernel);
	put_line(s, "arch", o.arch);
	put_line(s, "host-id", o.host);
	put_lines(s, "cpuinfo", RESV_PROC "/cpuinfo", true, part_of_cpuinfo);
	put_lines(s, "cmdline", RESV_PROC "/cmdline", true, part_of_cmdline);
	config = xasprintf("/boot/config-%s", o.kernel ?: "");
	put_lines(s, "config", config, false, part_of_config);
	free(config);
	origin_free(&o);
}

static void put_all(struct save *s)
{
	static const char *const module[] = { "version", "features", "hooks" };
	static const char *const parameters[] = { "hooks", "checks" };
	static const char *const vfio[] = { "allow_unsafe_interrupts", "dma_entry_limit" };

	put_folder(s, "");
	put_origin(s);
	if (s->ctl->loaded)
		put_folder(s, "kernel/iommu_resv");
	put_files(s, "kernel/iommu_resv", module, 3);
	put_files(s, "module/iommu_resv/parameters", parameters, 2);
	put_files(s, "module/vfio_iommu_type1/parameters", vfio, 2);
	put_names(s, "firmware/acpi/tables");
	put_names(s, "class/iommu");
	put_names(s, "bus/mdev/devices");
	put_groups(s);
}

int cmd_save(struct control *ctl, int argc, char **argv)
{
	struct save s = { .ctl = ctl, .tar.now = time(NULL) };
	bool is_stdout, lost;

	if (argc != 1)
		errx(EXIT_TROUBLE, "save takes a file to write, or - for standard output");
	is_stdout = !strcmp(argv[0], "-");
	if (is_stdout && isatty(STDOUT_FILENO))
		errx(EXIT_TROUBLE, "standard output is a terminal: name a file, or redirect it");
	s.tar.file = is_stdout ? stdout : fopen(argv[0], "we");
	if (!s.tar.file)
		err(EXIT_TROUBLE, "%s", argv[0]);
	put_all(&s);
	tar_end(&s.tar);
	/* Errors of standard output are checked when the command ends. */
	if (is_stdout)
		return EXIT_OK;
	lost = ferror(s.tar.file);
	if (fclose(s.tar.file) || lost) {
		warn("%s: write error", argv[0]);
		return EXIT_TROUBLE;
	}
	return EXIT_OK;
}
