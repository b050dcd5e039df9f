// SPDX-License-Identifier: GPL-2.0-only
/* Steps that list the kernel's hooks, and the memory that modules have. */
#include "agent.h"

/* Sends hooked LABEL read KIND ok|ERRNO, then hooked LABEL KIND LINE for each line of the file. */
static void hooked_file(const char *label, const char *kind, const char *path)
{
	char head[96], *text = read_file(path, NULL);

	snprintf(head, sizeof(head), "hooked %.32s %s ", label, kind);
	tell("hooked %s read %s %s\n", label, kind, outcome(text ? 0 : errno));
	if (text)
		tell_lines(head, text);
	free(text);
}

void hooked(const char *label)
{
	struct dirent **names;
	int n, i;

	hooked_file(label, "kprobe", "/sys/kernel/debug/kprobes/list");
	hooked_file(label, "ftrace", "/sys/kernel/tracing/enabled_functions");
	n = list(PATCHES, &names);
	for (i = 0; i < n; i++)
		tell("hooked %s livepatch %s\n", label, names[i]->d_name);
	list_free(names, n);
	n = list("/sys/module", &names);
	for (i = 0; i < n; i++)
		if (!strncmp(names[i]->d_name, "iommu_resv", 10))
			tell("hooked %s module %s\n", label, names[i]->d_name);
	list_free(names, n);
	if (!access("/sys/kernel/iommu_resv", F_OK))
		tell("hooked %s sysfs /sys/kernel/iommu_resv\n", label);
}

/*
 * Sends allocs LABEL CACHE LINE for each function that has memory of the kmalloc caches, if it is
 * in one of our modules, in an unloaded module (the kernel prints no name then), or allocates
 * regions. Then sends allocs LABEL caches N. Needs slub_debug=U.
 */
void allocs(const char *label)
{
	static const char * const files[] = { "/sys/kernel/debug/slab/%.64s/alloc_traces",
					      "/sys/kernel/slab/%.64s/alloc_calls" };
	char path[PATH_MAX], *text, *line, *rest, *at;
	struct dirent **names;
	int n = list("/sys/kernel/slab", &names), i, caches = 0;
	unsigned int j;

	for (i = 0; i < n; i++) {
		if (strncmp(names[i]->d_name, "kmalloc-", 8))
			continue;
		for (j = 0, text = NULL; j < 2 && !text; j++) {
			snprintf(path, sizeof(path), files[j], names[i]->d_name);
			text = read_file(path, NULL);
		}
		rest = text;
		if (text && strstr(text, "age="))
			caches++;
		while ((line = strsep(&rest, "\n"))) {
			if (!strstr(line, "age="))
				continue;
			/* COUNT FUNCTION[+OFFSET/SIZE [MODULE]] ... */
			at = line + strspn(line, " 0123456789");
			if (strstr(line, "[iommu_resv") || !strncmp(at, "0x", 2) ||
			    strstr(line, "iommu_alloc_resv_region"))
				tell("allocs %s %s %s\n", label, names[i]->d_name, line);
		}
		free(text);
	}
	list_free(names, n);
	tell("allocs %s caches %d\n", label, caches);
}
