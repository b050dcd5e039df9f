// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv checks: who refuses maps, and whether the module does so where VFIO does
 * not.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "modules.h"
#include "origin.h"

static void show(struct control *ctl)
{
	char *mode = parameter_read(ctl, "checks");
	struct json j = { 0 };
	struct checks checks;

	checks_read(ctl, &checks);
	if (ctl->json) {
		json_report(ctl, &j, "checks");
		json_string(&j, "mode", mode);
		if (checks.state) {
			json_open(&j, "map_checks", '{');
			json_string(&j, "state", checks.state);
			json_string(&j, "hook", strcmp(checks.hook, "-") ?
				    checks.hook : NULL);
			json_string(&j, "reason", strcmp(checks.reason, "-") ?
				    checks.reason : NULL);
			json_close(&j, '}');
		} else {
			json_null(&j, "map_checks");
		}
		json_close(&j, '}');
	} else {
		if (mode)
			printf("checks=%s\n", mode);
		if (checks.state)
			printf("map-checks: %s, %s\n", checks.state, checks.reason);
	}
	checks_free(&checks);
	free(mode);
}

/* The parameter accepted the value; that does not show yet whether maps are checked. */
static int judge(struct control *ctl, const char *mode)
{
	bool off = !strcmp(mode, "off");
	struct checks checks;
	int ret = 0;

	checks_read(ctl, &checks);
	if (!off && checks_inert(&checks)) {
		warnx("checks=%s is set, but the module checks no maps: %s",
		      mode, checks.reason);
		ret = EXIT_TROUBLE;
	} else if (checks.state && !strcmp(checks.state, "native") &&
		   strcmp(mode, "enforce")) {
		warnx("checks=%s changes nothing here: this kernel's VFIO refuses maps by itself",
		      mode);
	}
	checks_free(&checks);
	return ret;
}

static int switch_mode(struct control *ctl, const char *mode)
{
	int error = parameter_write(ctl, "checks", mode);
	char *now;

	if (!error)
		return judge(ctl, mode);
	if (error == -ENODEV)
		warnx("checks=%s: the module is being unloaded", mode);
	else
		warnx("checks=%s: %s; see the kernel log", mode,
		      strerror(-error));
	now = parameter_read(ctl, "checks");
	warnx("checks=%s remains in force", now ?: "unknown");
	free(now);
	return EXIT_TROUBLE;
}

int cmd_checks(struct control *ctl, int argc, char **argv)
{
	static const char *const modes[] = { "enforce", "warn", "off" };
	size_t i;

	if (argc > 1)
		errx(EXIT_TROUBLE, "checks takes one operand: '%s'", argv[1]);
	for (i = 0; argc && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[0], modes[i]))
			break;
	if (i == sizeof(modes) / sizeof(modes[0]))
		errx(EXIT_TROUBLE, "checks is enforce, warn or off, not '%s'",
		     argv[0]);
	if (argc)
		may_change(ctl, "checks");
	if (!ctl->loaded)
		warnx("the module is not loaded: 'modprobe iommu_resv'");
	else if (!parameter_there(ctl, "checks"))
		warnx("the loaded module is too old to refuse maps");
	else if (argc)
		return switch_mode(ctl, argv[0]);
	if (!argc)
		show(ctl);
	return ctl->loaded && parameter_there(ctl, "checks") ? EXIT_OK :
							       EXIT_TROUBLE;
}
