// SPDX-License-Identifier: GPL-2.0-only
/* Makes the steps of a test build fail, one at a time. */
#include "agent.h"

#define PARAMETERS	"/sys/module/iommu_resv/parameters"
#define HOOKS		"/sys/kernel/iommu_resv/hooks"

/* With hooks=livepatch: wait until the livepatch is active or inert. */
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
 * inject FILE LABEL MAX: load the module and make its step N fail, for N from 1 until a load has
 * fewer steps, or MAX. Each time this sends "hooks LABEL.N LINE", "features LABEL.N LINE" and
 * "inject LABEL N ok|ERRNO STEPS", and after the unload what is hooked, as LABEL.N.
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
		/* Reading the hooks tests them, which has steps that must not fail. */
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
 * inject-switch FILE LABEL MAX FROM TO GROUP: the same, but the steps that fail are those of the
 * switch of the hooks from FROM to TO, while a region is declared in GROUP. It also sends "mode
 * LABEL.N MODE" and "list LABEL.N LINE" for each line of the kernel's list.
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
