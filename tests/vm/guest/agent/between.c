// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between two cases that share a boot the agent restores what every case changes: drivers of PCI
 * devices, parameters of VFIO's modules, mounts, the trace, and files in /tmp. Then it sends a line
 * "state LINE" for all that a case could have left behind; the host compares these lines.
 */
#include "agent.h"

#define TRACING		"/sys/kernel/tracing"
#define DEBUG		"/sys/kernel/debug"
/* Taint bits that our modules leave set: out of tree, not signed, a livepatch */
#define TAINT_OURS	(1UL << 12 | 1UL << 13 | 1UL << 15)

/* A file in sysfs and its content at boot; or a device and the name of its driver. */
struct kept {
	char name[256];
	char text[64];
};

static struct kept *drivers, *params;
static int nr_drivers, nr_params;

static void keep(struct kept **all, int *nr, const char *name, const char *text)
{
	*all = realloc(*all, (*nr + 1) * sizeof(**all));
	snprintf((*all)[*nr].name, sizeof((*all)[*nr].name), "%s", name);
	snprintf((*all)[(*nr)++].text, sizeof((*all)[0].text), "%s", text);
}

static void driver_of(const char *device, char *driver, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver", device);
	len = readlink(path, link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = 0;
	snprintf(driver, size, "%s", len < 0 ? "" : strrchr(link, '/') + 1);
}

/* Call TO for each name in DIR. */
static void each(const char *dir, void (*to)(const char *dir, const char *name))
{
	struct dirent **names;
	int n = list(dir, &names), i;

	for (i = 0; i < n; i++)
		to(dir, names[i]->d_name);
	list_free(names, n);
}

static void keep_driver(const char *dir, const char *name)
{
	char driver[64];

	(void)dir;
	driver_of(name, driver, sizeof(driver));
	keep(&drivers, &nr_drivers, name, driver);
}

static void keep_param(const char *dir, const char *name)
{
	char path[PATH_MAX], text[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	read_word(path, text, sizeof(text));
	keep(&params, &nr_params, path, text);
}

static void keep_params(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%.64s/parameters", dir, name);
	if (!strncmp(name, "vfio", 4))
		each(path, keep_param);
}

static void put_driver_back(const struct kept *device)
{
	char path[PATH_MAX], now[64];

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver_override", device->name);
	read_word(path, now, sizeof(now));
	if (*now && strcmp(now, "(null)"))
		write_file(path, "\n");
	driver_of(device->name, now, sizeof(now));
	if (!strcmp(now, device->text))
		return;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device->name);
	if (*now)
		write_file(path, device->name);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%.64s/bind", device->text);
	if (*device->text)
		write_file(path, device->name);
}

static void put_param_back(const struct kept *param)
{
	char now[64];

	read_word(param->name, now, sizeof(now));
	if (strcmp(now, param->text))
		write_file(param->name, param->text);
}

static void remove_file(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static void put_back(void)
{
	int i, fd;

	if (!drivers) {
		each(PCI_DEVICES, keep_driver);
		each("/sys/module", keep_params);
	}
	for (i = 0; i < nr_drivers; i++)
		put_driver_back(&drivers[i]);
	for (i = 0; i < nr_params; i++)
		put_param_back(&params[i]);
	each("/tmp", remove_file);
	/* tell_state() reads files there. If a case has mounted them already, this does no harm. */
	mount("debugfs", DEBUG, "debugfs", 0, NULL);
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	fd = open(TRACING "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
}

static void tell_text(const char *head, const char *path)
{
	char *text = read_file(path, NULL), prefix[96];

	snprintf(prefix, sizeof(prefix), "state %.64s ", head);
	if (text)
		tell_lines(prefix, text);
	free(text);
}

static void tell_module(const char *dir, const char *name)
{
	(void)dir;
	tell("state module %s\n", name);
}

static void tell_patch(const char *dir, const char *name)
{
	(void)dir;
	tell("state livepatch %s\n", name);
}

static void tell_device(const char *dir, const char *name)
{
	char path[PATH_MAX], link[PATH_MAX], driver[64];
	ssize_t len;

	driver_of(name, driver, sizeof(driver));
	tell("state driver %s %s\n", name, driver);
	snprintf(path, sizeof(path), "%s/%.32s/iommu_group", dir, name);
	len = readlink(path, link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = 0;
	if (len > 0)
		tell("state group %s %s\n", name, strrchr(link, '/') + 1);
}

static void tell_group(const char *dir, const char *name)
{
	char path[PATH_MAX], head[64];

	snprintf(path, sizeof(path), "%s/%.16s/reserved_regions", dir, name);
	snprintf(head, sizeof(head), "reserved %.16s", name);
	tell_text(head, path);
	snprintf(path, sizeof(path), "%s/%.16s/resv", dir, name);
	if (!access(path, F_OK))
		tell("state left %s\n", path);
}

/* A line for each process of user space but this one */
static char processes[4096];

static void find_process(const char *dir, const char *name)
{
	char path[PATH_MAX], command[64];
	size_t used = strlen(processes);

	snprintf(path, sizeof(path), "%s/%.16s/cmdline", dir, name);
	if (atoi(name) < 2)
		return;
	read_word(path, command, sizeof(command));
	if (*command)
		snprintf(processes + used, sizeof(processes) - used, "state process %s %s\n", name,
			 command);
}

static void tell_processes(void)
{
	int tries = 0;

	/* Wait: a process that the kernel has started, such as modprobe, ends soon. */
	do {
		if (tries)
			usleep(10000);
		*processes = 0;
		each("/proc", find_process);
	} while (*processes && ++tries < 200);
	tell("%s", processes);
}

static void tell_state(void)
{
	char word[64];
	int i;

	for (i = 0; i < nr_params; i++) {
		read_word(params[i].name, word, sizeof(word));
		tell("state param %s %s\n", params[i].name, word);
	}
	each("/sys/module", tell_module);
	each(PATCHES, tell_patch);
	each(PCI_DEVICES, tell_device);
	each(GROUPS, tell_group);
	tell_processes();
	tell_text("kprobe", DEBUG "/kprobes/list");
	tell_text("kprobes-enabled", DEBUG "/kprobes/enabled");
	tell_text("ftrace", TRACING "/enabled_functions");
	tell_text("ftrace-enabled", "/proc/sys/kernel/ftrace_enabled");
	tell_text("events", TRACING "/events/enable");
	read_word("/proc/sys/kernel/tainted", word, sizeof(word));
	tell("state tainted %lu\n", strtoul(word, NULL, 10) & ~TAINT_OURS);
	umount2(TRACING, MNT_DETACH);
	umount2(DEBUG, MNT_DETACH);
	tell_text("mount", "/proc/mounts");
}

/* Make FILE, which the case finds at the root, a link to that in FOLDER. */
static void give(const char *folder, const char *file)
{
	char path[PATH_MAX];

	unlink(file);
	snprintf(path, sizeof(path), "%s%s", folder, file);
	if (!access(path, F_OK) && symlink(path, file))
		tell("failed symlink %s %s\n", file, outcome(errno));
}

void next_case(const char *label, const char *folder)
{
	char mark[64];

	put_back();
	tell_state();
	/* A line of the log without a newline can be read only after another one was written. */
	write_file("/dev/kmsg", "<7>iommu-resv-test over\n");
	kernel_log();
	give(folder, CORE);
	give(folder, LIVEPATCH);
	/* At the most urgent level, so that the console shows it with every loglevel=. */
	snprintf(mark, sizeof(mark), "<0>iommu-resv-test case %.32s\n", label);
	write_file("/dev/kmsg", mark);
	tell("case %s\n", label);
}
