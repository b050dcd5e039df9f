// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a machine has no IOMMU group, and what to do.
 *
 * A copy of another machine's sysfs (--sysfs) may have its /proc/cmdline as a file
 * "cmdline", its /proc/cpuinfo as "cpuinfo", and the configuration of its kernel as
 * "config".  If the copy lacks one of them, the reason is not known.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "facts.h"
#include "no_groups.h"
#include "origin.h"
#include "sysfs.h"
#include "vm/vm.h"
#include "xalloc.h"

/**
 * struct make - IOMMUs of one make
 * @word: on the kernel command line
 * @option: of the kernel's configuration
 * @other: an alternative option, or NULL
 * @table: firmware's ACPI table
 * @firmware: what to do if there is no table
 * @guest: how a virtual machine gets one
 */
struct make {
	const char *word;
	const char *option;
	const char *other;
	const char *table;
	const char *firmware;
	const char *guest;
};

static const struct make intel = {
	"intel_iommu=", "CONFIG_INTEL_IOMMU", NULL, "DMAR",
	"turn VT-d on in firmware setup",
	"QEMU: -machine q35,kernel-irqchip=split -device intel-iommu,intremap=on",
};

static const struct make amd = {
	"amd_iommu=", "CONFIG_AMD_IOMMU", NULL, "IVRS",
	"turn the IOMMU (AMD-Vi) on in firmware setup",
	"QEMU: -machine q35 -device amd-iommu or intel-iommu",
};

static const struct make arm = {
	"iommu=", "CONFIG_ARM_SMMU", "CONFIG_ARM_SMMU_V3", "IORT",
	"turn the SMMU on in firmware setup",
	"QEMU: -machine virt,iommu=smmuv3",
};

/* The word KEY... of the command line that has "off" in its list, or NULL. */
static char *word_off(const struct strings *words, const char *key)
{
	size_t i;

	for (i = 0; i < words->nr; i++) {
		const char *value = words->s[i] + strlen(key);

		if (strncmp(words->s[i], key, strlen(key)))
			continue;
		while (value) {
			if (!strncmp(value, "off", 3) &&
			    (value[3] == '\0' || value[3] == ','))
				return words->s[i];
			value = strchr(value, ',');
			if (value)
				value++;
		}
	}
	return NULL;
}

static bool word_on(const struct strings *words, const char *key)
{
	size_t i;

	for (i = 0; i < words->nr; i++)
		if (!strncmp(words->s[i], key, strlen(key)) &&
		    strstr(words->s[i] + strlen(key), "on"))
			return true;
	return false;
}

static void read_cmdline(const struct control *ctl, struct strings *words)
{
	struct text t;
	char *line, *word, *rest;

	*words = (struct strings) { 0 };
	if (text_open(&t, origin_path(ctl, "cmdline", RESV_PROC "/cmdline")))
		return;
	if (text_next(&t, &line))
		for (word = strtok_r(line, " ", &rest); word;
		     word = strtok_r(NULL, " ", &rest)) {
			words->s = xreallocarray(words->s, words->nr + 1,
						 sizeof(*words->s));
			words->s[words->nr++] = xstrdup(word);
		}
	text_close(&t);
}

/* Does the configuration have OPTION=y or =m?  Return: -1 if it cannot be read */
static int configured(const struct control *ctl, const char *option)
{
	struct utsname name;
	struct text t;
	char *line, *here;
	int found = 0;

	here = uname(&name) ? xstrdup("") : xasprintf("/boot/config-%s", name.release);
	if (text_open(&t, origin_path(ctl, "config", here)))
		found = -1;
	free(here);
	if (found)
		return found;
	while (text_next(&t, &line))
		if (!strncmp(line, option, strlen(option)) &&
		    (!strcmp(line + strlen(option), "=y") ||
		     !strcmp(line + strlen(option), "=m")))
			found = 1;
	text_close(&t);
	return found;
}

/* Return: 1 if firmware has that ACPI table, 0 if not, -1 if it has no tables */
static int has_table(const struct control *ctl, const char *name)
{
	char *dir = xasprintf("%s/firmware/acpi/tables", ctl->sysfs);
	char *path = xasprintf("%s/%s", dir, name);
	struct strings tables;
	int ret;

	dir_list(dir, &tables);
	ret = tables.nr ? file_exists(path) : -1;
	strings_free(&tables);
	free(path);
	free(dir);
	return ret;
}

/* Does this kernel have IOMMU groups?  All kernels with CONFIG_IOMMU_API have the folder. */
static bool kernel_has_groups(const struct control *ctl)
{
	char *dir = xasprintf("%s/kernel/iommu_groups", ctl->sysfs);
	bool has = file_exists(dir);

	free(dir);
	return has;
}

static char *reason(const struct control *ctl, const struct vm_host *host,
		    const struct strings *words)
{
	/* A virtual machine can have an IOMMU of another vendor. */
	const struct make *make =
		host->arm ? &arm :
		has_table(ctl, intel.table) == 1 ? &intel :
		has_table(ctl, amd.table) == 1 ? &amd :
		host->vendor == VENDOR_INTEL ? &intel :
		host->vendor == VENDOR_AMD ? &amd : NULL;
	const char *off = word_off(words, "iommu=");
	int table, built;

	if (!off && make)
		off = word_off(words, make->word);
	if (off)
		return xasprintf("\"%s\" on the kernel command line turns the IOMMU off: remove it, then: reboot",
				 off);
	if (!kernel_has_groups(ctl))
		return xasprintf("this kernel was built without %s: boot another one",
				 make ? make->option : "CONFIG_IOMMU_API");
	if (!make)
		return xstrdup("turn the IOMMU or SMMU on in firmware setup");
	built = configured(ctl, make->option);
	if (!built && make->other)
		built = configured(ctl, make->other);
	if (!built)
		return xasprintf("this kernel was built without %s: boot another one",
				 make->option);
	table = has_table(ctl, make->table);
	if (has_table(ctl, "VIOT") == 1)
		return xstrdup("with virtio-iommu the kernel creates a group when a driver is bound: modprobe virtio-iommu, and bind vfio-pci to the device");
	if (!table && host->guest)
		return xasprintf("this is a virtual machine without an IOMMU: its host can add one (%s)",
				 make->guest);
	if (!table)
		return xasprintf("firmware has no %s table: %s, then: reboot",
				 make->table, make->firmware);
	if (make == &intel && !word_on(words, make->word) &&
	    configured(ctl, "CONFIG_INTEL_IOMMU_DEFAULT_ON") <= 0)
		return xasprintf("%sthis kernel uses VT-d only on request: put intel_iommu=on on the kernel command line, then: reboot",
				 table == 1 ? "firmware has a DMAR table, and " : "");
	if (make == &arm)
		return xstrdup("some kernels create a group only when a driver is bound: bind vfio-pci to the device; otherwise turn the SMMU on in firmware setup");
	return xasprintf("the kernel uses no IOMMU%s%s; its log says why: dmesg | grep -i -e DMAR -e AMD-Vi -e iommu",
			 table == 1 ? ", though firmware has the table " : "",
			 table == 1 ? make->table : "");
}

/**
 * no_groups_reason() - why is there no group, and what to do?
 * @ctl: options
 *
 * Return: text to free(); NULL if there is a group, or if it cannot be known
 */
char *no_groups_reason(const struct control *ctl)
{
	struct strings words, groups;
	struct vm_host host;
	char *text = NULL;

	if (!groups_list(ctl, &groups) && !groups.nr) {
		host_read(ctl, &host);
		read_cmdline(ctl, &words);
		text = reason(ctl, &host, &words);
		strings_free(&words);
	}
	strings_free(&groups);
	return text;
}

/**
 * say_no_groups() - one line on standard error: why there is no group, and what to do
 * @ctl: options
 *
 * Return: false, without a line, if there is a group
 */
bool say_no_groups(const struct control *ctl)
{
	char *text = no_groups_reason(ctl);
	bool said = text;

	if (said)
		warnx("no IOMMU groups: %s", text);
	free(text);
	return said;
}
