// SPDX-License-Identifier: GPL-2.0-only
/* Steps that fail on purpose, of a test build. */
#include "agent.h"

#define PARAMETERS	"/sys/module/iommu_resv/parameters"
#define HOOKS		"/sys/kernel/iommu_resv/hooks"

/* With hooks=livepatch: until it is known what became of it. */
static void wait_settled(void)
{
	char mode[16], *text;
	bool settled = false;
	int i;

	usleep(200000);
	read_word(PARAMETERS "/hooks", mode, sizeof(mode));
	if (strcmp(mode, "livepatch"))
		return;
	for (i = 0; i < 1000 && !settled; i++, usleep(10000)) {
		text = read_file(HOOKS, NULL);
		settled = text && (strstr(text, " livepatch active") ||
				   strstr(text, " livepatch inert"));
		free(text);
	}
	usleep(200000);
}

void tell_numbered(const char *what, const char *label, int i, const char *path)
{
	char head[96], *text = read_file(path, NULL);

	snprintf(head, sizeof(head), "%s %.32s.%d ", what, label, i);
	if (text)
		tell_lines(head, text);
	free(text);
}

/*
 * inject LABEL N ok|ERRNO STEPS: a load with its step N made to fail, from 1 until there is no
 * such step, or MAX. Before the unload "hooks LABEL.N LINE" and "features LABEL.N LINE", after it
 * what is hooked, as LABEL.N.
 */
void inject(char **word, int n)
{
	char fail[32], steps[32], after[64], *arg[MAX_WORDS];
	int i, j, err, max = atoi(word[2]);
	const char *label = word[1];

	for (i = 1; i <= max; i++) {
		snprintf(fail, sizeof(fail), "test_fail=%d", i);
		arg[0] = word[0];
		arg[1] = fail;
		for (j = 3; j < n; j++)
			arg[j - 1] = word[j];
		tell("try %s.%d\n", label, i);
		err = load(arg, n - 1);
		if (!err)
			wait_settled();
		read_word(PARAMETERS "/test_steps", steps, sizeof(steps));
		/* What comes now has steps of its own: a read of the hooks tests them. */
		write_file(PARAMETERS "/test_fail", "0");
		tell_numbered("hooks", label, i, HOOKS);
		tell_numbered("features", label, i, "/sys/kernel/iommu_resv/features");
		tell("inject %s %d %s %s\n", label, i, outcome(err), *steps ? steps : "-");
		for (j = 3; j < n && !err; j++)
			undeclare(word[j]);
		must("unload", LIVEPATCH, livepatch_off());
		if (!access("/sys/module/iommu_resv", F_OK))
			must("unload", CORE, unload("iommu_resv"));
		snprintf(after, sizeof(after), "%.32s.%d", label, i);
		hooked(after);
		fflush(port);
		if (!err && atoi(steps) < i)
			break;
	}
}

/*
 * inject-switch FILE LABEL MAX FROM TO GROUP: the same while the hooks are switched, and a region
 * is declared in GROUP. inject LABEL N ok|ERRNO STEPS here is of the switch; "mode LABEL.N MODE"
 * and "list LABEL.N LINE" of the kernel's list come after it.
 */
void inject_switch(char **word)
{
	const char *label = word[1], *from = word[3], *to = word[4];
	char mode[32], fail[32], steps[32], after[64], declare[PATH_MAX], path[PATH_MAX];
	char *arg[] = { word[0], mode };
	int i, err, before, max = atoi(word[2]);

	snprintf(mode, sizeof(mode), "hooks=%s", from);
	snprintf(declare, sizeof(declare), "%s/resv/declare", word[5]);
	snprintf(path, sizeof(path), "%s/reserved_regions", word[5]);
	for (i = 1; i <= max; i++) {
		tell("try %s.%d\n", label, i);
		if (must("load", CORE, load(arg, 2)))
			break;
		wait_settled();
		must("declare", declare, write_file(declare, "add 0x40000000 0x40000fff"));
		read_word(PARAMETERS "/test_steps", steps, sizeof(steps));
		before = atoi(steps);
		snprintf(fail, sizeof(fail), "%d", before + i);
		write_file(PARAMETERS "/test_fail", fail);
		err = write_file(PARAMETERS "/hooks", to);
		read_word(PARAMETERS "/test_steps", steps, sizeof(steps));
		usleep(200000);
		write_file(PARAMETERS "/test_fail", "0");
		tell_numbered("hooks", label, i, HOOKS);
		tell_numbered("features", label, i, "/sys/kernel/iommu_resv/features");
		tell_numbered("mode", label, i, PARAMETERS "/hooks");
		tell_numbered("list", label, i, path);
		tell("inject %s %d %s %d\n", label, i, outcome(err), atoi(steps) - before);
		must("undeclare", declare, write_file(declare, "remove 0x40000000 0x40000fff"));
		must("unload", LIVEPATCH, livepatch_off());
		must("unload", CORE, unload("iommu_resv"));
		snprintf(after, sizeof(after), "%.32s.%d", label, i);
		hooked(after);
		fflush(port);
		if (!err && atoi(steps) - before < i)
			break;
	}
}
