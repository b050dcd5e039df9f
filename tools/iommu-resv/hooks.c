// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv hooks: what is hooked, and the mode of the hooks. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "features.h"
#include "hooks.h"
#include "modules.h"
#include "origin.h"
#include "xalloc.h"

/**
 * hooks_mode() - the mode in force
 * @ctl: options
 *
 * Return: allocated, or NULL if it cannot be read
 */
char *hooks_mode(const struct control *ctl)
{
	return parameter_read(ctl, "hooks");
}

/**
 * hooks_restore() - restore the earlier mode, and say which is in force
 * @ctl: options
 * @mode: earlier mode, or NULL if that could not be read
 */
void hooks_restore(const struct control *ctl, const char *mode)
{
	char *now = hooks_mode(ctl);

	if (mode && now && strcmp(mode, now) &&
	    !parameter_write(ctl, "hooks", mode)) {
		free(now);
		now = xstrdup(mode);
	}
	warnx("hooks=%s remains in force", now ?: "unknown");
	free(now);
}

static const char *why_not(struct control *ctl, const char *mode, int error,
			   char **reason)
{
	bool livepatch = !strcmp(mode, "livepatch");

	switch (error) {
	case -ENOENT:
		return "the module " LIVEPATCH " is not built for this kernel (that needs CONFIG_LIVEPATCH=y), or cannot be loaded: see the kernel log";
	case -ETIMEDOUT:
		return "some task has not switched to the livepatch: 'grep -l 0 /proc/[0-9]*/patch_state' lists it, try again later";
	case -EBUSY:
		if (groups_moved(ctl, false) > 0)
			return "MSI windows are moved, and only kprobes can do that: move them back first";
		return livepatch ? "the module is busy, see the kernel log: try again" :
				   "regions are declared: remove them first";
	case -EOPNOTSUPP:
		if (!livepatch)
			return "kprobes do not work here: see the kernel log";
		*reason = livepatch_reason(ctl);
		return *reason ?: "this kernel has no livepatches (CONFIG_LIVEPATCH)";
	default:
		return strerror(-error);
	}
}

static int set_mode(struct control *ctl, const char *mode)
{
	int error = parameter_write(ctl, "hooks", mode);
	char *reason = NULL;

	if (!error)
		return 0;
	warnx("hooks=%s: %s", mode, why_not(ctl, mode, error, &reason));
	free(reason);
	return EXIT_TROUBLE;
}

static int to_livepatch(struct control *ctl)
{
	bool before;
	int ret;

	/* Once disabled, the livepatch must be loaded again. */
	if (module_there(ctl, LIVEPATCH) && !livepatch_enabled(ctl) &&
	    livepatch_remove(ctl, false))
		return EXIT_TROUBLE;
	before = module_there(ctl, LIVEPATCH);
	ret = set_mode(ctl, "livepatch");
	/* Leave nothing half done: unload what was loaded in vain. */
	if (ret && !before && module_there(ctl, LIVEPATCH))
		livepatch_remove(ctl, false);
	return ret;
}

/* The order of the module: first install the new backend, then remove the old one. */
static int to_kprobe(struct control *ctl, const char *mode)
{
	int ret = set_mode(ctl, mode);

	if (!ret && module_there(ctl, LIVEPATCH))
		ret = livepatch_remove(ctl, true);
	return ret;
}

static int to_none(struct control *ctl)
{
	int nr = groups_declared(ctl, false);

	if (nr) {
		if (nr > 0)
			warnx("hooks=none: regions are declared, remove them first");
		return EXIT_TROUBLE;
	}
	if (module_there(ctl, LIVEPATCH) && livepatch_remove(ctl, true))
		return EXIT_TROUBLE;
	return set_mode(ctl, "none");
}

static int switch_mode(struct control *ctl, const char *mode)
{
	char *old = hooks_mode(ctl);
	int ret;

	if (!strcmp(mode, "livepatch"))
		ret = to_livepatch(ctl);
	else if (!strcmp(mode, "none"))
		ret = to_none(ctl);
	else
		ret = to_kprobe(ctl, mode);
	if (ret)
		hooks_restore(ctl, old);
	free(old);
	return ret;
}

static void show(struct control *ctl)
{
	char *mode = hooks_mode(ctl);
	struct json j = { 0 };

	if (ctl->json) {
		json_report(ctl, &j, "hooks");
		json_string(&j, "mode", mode);
	} else if (mode) {
		printf("hooks=%s\n", mode);
	}
	print_hooks(ctl, &j);
	if (ctl->json)
		json_close(&j, '}');
	free(mode);
}

int cmd_hooks(struct control *ctl, int argc, char **argv)
{
	static const char *const modes[] = {
		"auto", "kprobe", "livepatch", "none",
	};
	size_t i;

	if (argc > 1)
		errx(EXIT_TROUBLE, "hooks takes one operand: '%s'", argv[1]);
	for (i = 0; argc && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[0], modes[i]))
			break;
	if (i == sizeof(modes) / sizeof(modes[0]))
		errx(EXIT_TROUBLE, "hooks is auto, kprobe, livepatch or none, not '%s'",
		     argv[0]);
	if (argc)
		may_change(ctl, "hooks");
	if (!ctl->loaded)
		warnx("the module is not loaded: 'modprobe iommu_resv'");
	if (!argc)
		show(ctl);
	if (!ctl->loaded)
		return EXIT_TROUBLE;
	return argc ? switch_mode(ctl, argv[0]) : EXIT_OK;
}
