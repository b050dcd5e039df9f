// SPDX-License-Identifier: GPL-2.0-only
/* Steps that do something and undo it, again and again. */
#include "agent.h"

/* Report the failure of step WHAT on NAME, if ERR is not 0; returns ERR. */
int must(const char *what, const char *name, int err)
{
	if (err)
		tell("failed %s %s %s\n", what, name, outcome(err));
	return err;
}

#define OUR_PATCH	PATCHES "/iommu_resv_livepatch"

/* Wait until the first word of PATH is WANT; false after 30 s. */
static bool wait_word(const char *path, const char *want)
{
	char word[64];
	int i;

	for (i = 0; i < 3000; i++, usleep(10000)) {
		read_word(path, word, sizeof(word));
		if (!strcmp(word, want))
			return true;
	}
	return false;
}

static bool wait_gone(const char *path)
{
	int i;

	for (i = 0; i < 3000 && !access(path, F_OK); i++)
		usleep(10000);
	return i < 3000;
}

int livepatch_off(void)
{
	int err;

	if (!access(OUR_PATCH, F_OK)) {
		err = write_file(OUR_PATCH "/enabled", "0");
		/* EINVAL, ENOENT: it did not work, and so is disabled already. */
		if (err && err != EINVAL && err != ENOENT)
			return err;
		if (!wait_gone(OUR_PATCH))
			return ETIME;
	}
	return access("/sys/module/iommu_resv_livepatch", F_OK) ? 0 :
	       unload("iommu_resv_livepatch");
}

/* Wait until the module has tested the livepatch; false after 30 s. */
static bool wait_active(void)
{
	bool active = false;
	char *text;
	int i;

	for (i = 0; i < 3000 && !active; i++, usleep(10000)) {
		text = read_file("/sys/kernel/iommu_resv/hooks", NULL);
		active = text && strstr(text, " livepatch active");
		free(text);
	}
	return active;
}

/* Report the tasks that delay a transition, with their stacks. */
static void tell_unpatched(void)
{
	char path[PATH_MAX], state[16], name[32], stack[256];
	struct dirent **names;
	int n = list("/proc", &names), i;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/proc/%.16s/patch_state", names[i]->d_name);
		read_word(path, state, sizeof(state));
		if (strcmp(state, "0"))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", names[i]->d_name);
		read_word(path, name, sizeof(name));
		snprintf(path, sizeof(path), "/proc/%.16s/stack", names[i]->d_name);
		read_word(path, stack, sizeof(stack));
		tell("failed transition %s %s %s\n", names[i]->d_name, name, stack);
	}
	list_free(names, n);
}

void livepatch_cycle(int n)
{
	char *core[] = { CORE, "hooks=livepatch" };
	int i, failures = 0, err;

	for (i = 0; i < n; i++) {
		err = must("load", CORE, load(core, 2));
		/* The core requests the livepatch after it was loaded. */
		if (!err && (!wait_word(OUR_PATCH "/enabled", "1") ||
			     !wait_word(OUR_PATCH "/transition", "0") || !wait_active()))
			err = must("wait", OUR_PATCH, ETIME);
		if (err)
			tell_unpatched();
		if (!err)
			err = must("unload", LIVEPATCH, livepatch_off());
		if (!err)
			err = must("unload", CORE, unload("iommu_resv"));
		failures += !!err;
	}
	tell("livepatch-cycle %d %d\n", n, failures);
}

/* Write to a file of a group; while VFIO has the group (EBUSY), wait and try again. */
static int write_patiently(const char *path, const char *text, unsigned long *busy)
{
	int i, err;

	for (i = 0; i < 20000; i++) {
		err = write_file(path, text);
		if (err != EBUSY)
			break;
		++*busy;
		usleep(500);
	}
	return err;
}

void declare_cycle(int n, const char *path, const char *start, const char *end)
{
	unsigned long busy = 0;
	char add[128], remove[128];
	int i, failures = 0, err;

	snprintf(add, sizeof(add), "add %s %s", start, end);
	snprintf(remove, sizeof(remove), "remove %s %s", start, end);
	for (i = 0; i < n; i++) {
		err = must("declare", path, write_patiently(path, add, &busy));
		if (!err)
			err = must("undeclare", path, write_patiently(path, remove, &busy));
		failures += !!err;
		if (failures > 20)
			break;
	}
	tell("declare-cycle %d %d %lu\n", i, failures, busy);
}

/* Remove the region of a parameter "declare=DEVICE:START-END", which would hold the module. */
void undeclare(const char *word)
{
	char device[64], start[32], end[32], path[PATH_MAX], text[80];

	if (sscanf(word, "declare=%12s:%31[^-]-%31s", device, start, end) != 3)
		return;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu_group/resv/declare", device);
	snprintf(text, sizeof(text), "remove %s %s", start, end);
	must("undeclare", path, write_file(path, text));
}

void window_cycle(int n, char *file, const char *path)
{
	static const char * const places[] = {
		"0x50000000", "auto,avoid=0x0-0x3fffffff", "default", "0x58000000 0x200000", "auto",
		"default",
	};
	int i, j, moves, failures = 0, err;
	unsigned long busy = 0;

	for (i = 0; i < n && failures <= 20; i++) {
		err = must("load", file, load(&file, 1));
		moves = i & 1 ? 4 : 6;
		for (j = 0; j < moves && !err; j++)
			err = must("window", path, write_patiently(path, places[j], &busy));
		failures += !!err;
		if (!access("/sys/module/iommu_resv", F_OK))
			failures += !!must("unload", CORE, unload("iommu_resv"));
	}
	tell("window-cycle %d %d %lu\n", i, failures, busy);
}
