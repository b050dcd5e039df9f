// SPDX-License-Identifier: GPL-2.0-only
/*
 * The properties that a guest inherits from the host's CPU.  A copy of another machine's sysfs
 * (--sysfs) may have that machine's /proc/cpuinfo as a file "cpuinfo".
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../origin.h"
#include "../sysfs.h"
#include "../xalloc.h"
#include "vm.h"

/* The first CPU is enough. */
#define CPUINFO_READ	8192

static const char *value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && *text) {
		if (!strncmp(text, key, len)) {
			text += len;
			text += strspn(text, " \t");
			return *text == ':' ? text + 1 + strspn(text + 1, " ") : NULL;
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

static void read_cpuinfo(const char *path, struct vm_host *host)
{
	char text[CPUINFO_READ + 1];
	const char *value;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	n = read(fd, text, CPUINFO_READ);
	close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	value = value_of(text, "vendor_id");
	if (value)
		host->vendor = !strncmp(value, "AuthenticAMD", 12) ? VENDOR_AMD :
			       !strncmp(value, "GenuineIntel", 12) ? VENDOR_INTEL :
			       VENDOR_OTHER;
	value = value_of(text, "flags");
	if (value) {
		const char *end = value + strcspn(value, "\n");
		const char *flag = strstr(value, " hypervisor");

		host->guest = flag && flag < end;
	}
	value = value_of(text, "address sizes");
	if (value && *value >= '1' && *value <= '9') {
		unsigned long bits = strtoul(value, NULL, 10);

		if (bits >= 32 && bits <= 57)
			host->phys_bits = (unsigned int)bits;
	}
}

/* The IOMMU has the same vendor as the CPU. */
static void read_iommus(const struct control *ctl, struct vm_host *host)
{
	char *dir = xasprintf("%s/class/iommu", ctl->sysfs);
	struct strings names;
	size_t i;

	dir_list(dir, &names);
	for (i = 0; i < names.nr; i++) {
		host->arm |= !strncmp(names.s[i], "smmu", 4);
		if (host->vendor != VENDOR_UNKNOWN)
			continue;
		if (!strncmp(names.s[i], "ivhd", 4))
			host->vendor = VENDOR_AMD;
		else if (!strncmp(names.s[i], "dmar", 4))
			host->vendor = VENDOR_INTEL;
	}
	strings_free(&names);
	free(dir);
}

/**
 * host_read() - find out
 * @ctl: options
 * @host: to fill
 */
void host_read(const struct control *ctl, struct vm_host *host)
{
	char *path = origin_path(ctl, "cpuinfo", RESV_PROC "/cpuinfo");

	*host = (struct vm_host) { .vendor = VENDOR_UNKNOWN };
	read_cpuinfo(path, host);
	read_iommus(ctl, host);
#ifdef __aarch64__
	host->arm |= origin_is_here(ctl);
#endif
	free(path);
}

/**
 * host_functions() - the PCI functions of a slot
 * @ctl: options
 * @slot: "0000:01:00"
 * @names: to add to
 */
void host_functions(const struct control *ctl, const char *slot, struct words *names)
{
	char *dir = xasprintf("%s/kernel/iommu_groups", ctl->sysfs);
	struct strings groups, devices;
	size_t i, k;

	dir_list(dir, &groups);
	for (i = 0; i < groups.nr; i++) {
		char *path = xasprintf("%s/%s/devices", dir, groups.s[i]);

		dir_list(path, &devices);
		for (k = 0; k < devices.nr; k++)
			if (!strncmp(devices.s[k], slot, strlen(slot)) &&
			    devices.s[k][strlen(slot)] == '.')
				words_add(names, keep_string(devices.s[k]));
		strings_free(&devices);
		free(path);
	}
	strings_free(&groups);
	free(dir);
}
