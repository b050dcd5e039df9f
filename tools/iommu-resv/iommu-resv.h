/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations for all parts of the command: its options and subcommands. */
#ifndef IOMMU_RESV_H
#define IOMMU_RESV_H

#include <stdbool.h>

/* Exit codes, as the manual page has them. */
enum {
	EXIT_OK = 0,
	EXIT_NO = 1,		/* check, intersect: it does not fit; why: some map was refused */
	EXIT_TROUBLE = 2,	/* wrong usage, an error, or an incomplete answer */
};

/* The tests put their own trees here, to see what the command changes. */
#ifndef RESV_SYSFS
#define RESV_SYSFS	"/sys"
#endif
#ifndef RESV_PROC
#define RESV_PROC	"/proc"
#endif
#ifndef RESV_SAVED
#define RESV_SAVED	"/etc/iommu-resv.conf"
#endif
#ifndef RESV_LOCK
#define RESV_LOCK	"/run/iommu-resv.lock"
#endif
#ifndef RESV_MACHINE_ID
#define RESV_MACHINE_ID	"/etc/machine-id"
#endif

/* Files of a group.  A host can have a thousand groups. */
enum {
	FACT_DOMAIN = 1,
	FACT_WINDOW = 2,
	FACT_PAGE_SIZE = 4,
};

/**
 * struct control - one run of the command
 * @sysfs: where sysfs is mounted
 * @pci_ids: file with the names of PCI devices, NULL for the system's own
 * @vm: check, intersect, map: file that describes a VM, NULL if there is none
 * @as: what that file is, NULL to guess
 * @device: list, show, intersect: only devices with this VENDOR:DEVICE, NULL for all
 * @columns: list, show: columns to print, NULL for the usual ones
 * @sort: list, show: column to sort by, NULL for the order of sysfs
 * @save: declare, undeclare, window: also change the saved lines
 * @forget: declare, window: only remove it from the saved lines
 * @root: export --install: top of the system to change, NULL for this one
 * @install: export: make a program read the facts
 * @json: write JSON
 * @bytes: sizes in bytes, not for humans
 * @noheadings: no header lines
 * @raw: list, show: table with one blank between columns
 * @pairs: list, show: table of KEY="value"
 * @unread: FACT_*, files of a group that are not read, because the command does not show them
 * @loaded: the module is loaded
 * @gaps: something could not be read and is missing from the output
 */
struct control {
	const char *sysfs;
	const char *pci_ids;
	const char *vm;
	const char *as;
	const char *device;
	const char *columns;
	const char *sort;
	bool save;
	bool forget;
	const char *root;
	bool install;
	bool json;
	bool bytes;
	bool noheadings;
	bool raw;
	bool pairs;
	unsigned int unread;
	bool loaded;
	bool gaps;
};

/* Each returns an exit code. */
int cmd_list(struct control *ctl, int argc, char **argv);
int cmd_show(struct control *ctl, int argc, char **argv);
int cmd_check(struct control *ctl, int argc, char **argv);
int cmd_features(struct control *ctl, int argc, char **argv);
int cmd_hooks(struct control *ctl, int argc, char **argv);
int cmd_checks(struct control *ctl, int argc, char **argv);
int cmd_declare(struct control *ctl, int argc, char **argv);
int cmd_undeclare(struct control *ctl, int argc, char **argv);
int cmd_window(struct control *ctl, int argc, char **argv);
int cmd_intersect(struct control *ctl, int argc, char **argv);
int cmd_map(struct control *ctl, int argc, char **argv);
int cmd_save(struct control *ctl, int argc, char **argv);
int cmd_unload(struct control *ctl, int argc, char **argv);
int cmd_export(struct control *ctl, int argc, char **argv);
int cmd_saved(struct control *ctl, int argc, char **argv);
int cmd_apply(struct control *ctl, int argc, char **argv);
int cmd_advise(struct control *ctl, int argc, char **argv);
int cmd_why(struct control *ctl, int argc, char **argv);

void may_change(const struct control *ctl, const char *command);

#endif
