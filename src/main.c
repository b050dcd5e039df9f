// SPDX-License-Identifier: GPL-2.0-only
/* Loading, unloading, and the parameters. */
#include <linux/module.h>
#include "declare.h"
#include "declared.h"
#include "status.h"
#include "group.h"
#include "hook.h"
#include "inject.h"
#include "native.h"
#include "msi.h"
#include "police.h"
#include "refusal.h"
#include "report.h"
#include "source.h"

static bool strict;

static int strict_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (ret)
		pr_err("strict=%s is not understood: give 0 or 1\n", val ?: "");
	return ret;
}

static const struct kernel_param_ops strict_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = strict_set,
	.get = param_get_bool,
};

module_param_cb(strict, &strict_ops, &strict, 0444);
MODULE_PARM_DESC(strict, "1 = refuse to load if an interface of this kernel is unknown, 0 = load without that feature (default)");

static char sources_list[64] = "all";

static int sources_set(const char *val, const struct kernel_param *kp)
{
	char *list;
	int ret;

	if (strlen(val) >= sizeof(sources_list)) {
		pr_err("sources= is too long, allowed are %s\n",
		       resv_sources_names());
		return -EINVAL;
	}
	strscpy(sources_list, val, sizeof(sources_list));
	list = strim(sources_list);
	ret = resv_sources_select(list);
	if (ret == -EINVAL)
		pr_err("sources=%s is not understood, allowed are %s, separated by commas\n",
		       list, resv_sources_names());
	return ret;
}

static int sources_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", strim(sources_list));
}

static const struct kernel_param_ops sources_ops = {
	.set = sources_set,
	.get = sources_get,
};

module_param_cb(sources, &sources_ops, NULL, 0444);
MODULE_PARM_DESC(sources, "where facts come from: all (default) or any of kernel,dmar,ivrs,iort,dt,fixed,pci,aperture,msi");

static const char *const modes[] = {
	[RESV_HOOKS_AUTO] = "auto",
	[RESV_HOOKS_KPROBE] = "kprobe",
	[RESV_HOOKS_LIVEPATCH] = "livepatch",
	[RESV_HOOKS_NONE] = "none",
};

/*
 * Which of @words is the value @val of a parameter, but for a line's end?  Or -EINVAL,
 * after a line that says what is @allowed.
 */
static int word_of(const char *param, const char *val, const char *const *words,
		   unsigned int nr, const char *allowed)
{
	size_t len = strcspn(val, "\n");
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (strlen(words[i]) == len && !strncmp(val, words[i], len) &&
		    !val[len + (val[len] == '\n')])
			return i;
	pr_err("%s=%.*s is not understood: give %s\n", param,
	       (int)min_t(size_t, len, 64), val, allowed);
	return -EINVAL;
}

static int hooks_set(const char *val, const struct kernel_param *kp)
{
	int i = word_of("hooks", val, modes, ARRAY_SIZE(modes),
			"auto, kprobe, livepatch or none");

	return i < 0 ? i : resv_hooks_switch(i);
}

static int hooks_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", modes[resv_hooks_mode()]);
}

static const struct kernel_param_ops hooks_ops = {
	.set = hooks_set,
	.get = hooks_get,
};

module_param_cb(hooks, &hooks_ops, NULL, 0644);
MODULE_PARM_DESC(hooks, "how to enforce declared regions: auto (default), kprobe, livepatch or none");

static char declare_list[4096];

static int declare_set(const char *val, const struct kernel_param *kp)
{
	if (strscpy(declare_list, val, sizeof(declare_list)) >= 0)
		return 0;
	pr_err("declare= is longer than %zu characters\n",
	       sizeof(declare_list) - 1);
	return -E2BIG;
}

static int declare_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", declare_list);
}

static const struct kernel_param_ops declare_ops = {
	.set = declare_set,
	.get = declare_get,
};

module_param_cb(declare, &declare_ops, NULL, 0444);
MODULE_PARM_DESC(declare, "regions to reserve for devices, there or yet to come: DEVICE:0xSTART-0xEND,... (last address inclusive)");

static char msi_window[512];

static int msi_window_set(const char *val, const struct kernel_param *kp)
{
	if (strscpy(msi_window, val, sizeof(msi_window)) >= 0)
		return 0;
	pr_err("msi_window= is longer than %zu characters\n",
	       sizeof(msi_window) - 1);
	return -E2BIG;
}

static int msi_window_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", msi_window);
}

static const struct kernel_param_ops msi_window_ops = {
	.set = msi_window_set,
	.get = msi_window_get,
};

module_param_cb(msi_window, &msi_window_ops, NULL, 0444);
MODULE_PARM_DESC(msi_window, "where the movable MSI window (Arm) of each group goes when it is found: 0xBASE[,0xSIZE], auto[,avoid=0xSTART-0xEND...] or default (the kernel's place)");

static const char *const police_modes[] = {
	[RESV_POLICE_ENFORCE] = "enforce",
	[RESV_POLICE_WARN] = "warn",
	[RESV_POLICE_OFF] = "off",
};

static int police_set(const char *val, const struct kernel_param *kp)
{
	int i = word_of("police", val, police_modes, ARRAY_SIZE(police_modes),
			"enforce, warn or off");

	return i < 0 ? i : resv_police_switch(i);
}

static int police_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n",
			 police_modes[resv_police_mode()]);
}

static const struct kernel_param_ops police_ops = {
	.set = police_set,
	.get = police_get,
};

module_param_cb(police, &police_ops, NULL, 0644);
MODULE_PARM_DESC(police, "where VFIO checks no maps (before 5.4): enforce = refuse maps that hit reserved regions (default), warn = only tell, off");

/* Say what is off, and refuse if the admin wants all or nothing. */
static int check_features(void)
{
	struct resv_status *f = kzalloc(sizeof(*f), GFP_KERNEL);
	unsigned int i, off = 0, told;

	if (!f)
		return -ENOMEM;
	resv_sources_status(f);
	told = f->nr;
	/* The hooks have said by themselves what is wrong with one. */
	resv_hooks_status(f);
	for (i = 0; i < f->nr; i++) {
		if (!f->line[i].unknown_api)
			continue;
		if (i < told)
			pr_warn("feature %s is off: %s\n", f->line[i].name,
				f->line[i].reason);
		off++;
	}
	kfree(f);
	if (!strict || !off)
		return 0;
	pr_err("not loading, because strict=1 and a feature is off\n");
	return -EOPNOTSUPP;
}

static int __init iommu_resv_init(void)
{
	unsigned int nr;
	size_t bytes;
	int ret;

	ret = resv_test_step("sources") ?: resv_sources_init();
	if (ret)
		return ret;
	ret = resv_refusals_init();
	if (ret)
		goto exit_sources;
	ret = resv_hooks_init();
	if (ret)
		goto exit_refusals;
	ret = resv_declare_init(declare_list) ?: resv_msi_init(msi_window);
	if (ret)
		goto exit_hooks;
	ret = resv_test_step("report") ?: resv_report_init();
	if (ret)
		goto exit_hooks;
	ret = resv_test_step("groups") ?: resv_groups_init();
	if (ret)
		goto exit_report;
	/* Now it is known which hooks this machine needs, and whether they work. */
	ret = check_features();
	if (ret)
		goto exit_groups;
	ret = resv_declare_loaded();
	if (ret)
		goto exit_groups;
	resv_msi_loaded();
	nr = resv_groups_count(&bytes);
	if (nr)
		pr_info("version %s, %u IOMMU group%s\n", RESV_VERSION, nr,
			nr == 1 ? "" : "s");
	else
		pr_info("version %s, no IOMMU group yet: the IOMMU is off (firmware setup, on Intel intel_iommu=on), or this kernel makes groups when drivers bind\n",
			RESV_VERSION);
	if (resv_native_ignored)
		pr_warn("native=ignore is for tests: VFIO does not see the kernel's reserved regions, only this module refuses maps there\n");
	resv_hooks_run();
	resv_police_loaded();
	return 0;

exit_groups:
	resv_groups_exit();
exit_report:
	resv_report_exit();
exit_hooks:
	resv_hooks_exit();
	resv_groups_flush();
	resv_declared_exit();
exit_refusals:
	resv_refusals_exit();
exit_sources:
	resv_sources_exit();
	return ret;
}

static void __exit iommu_resv_exit(void)
{
	resv_report_exit();
	resv_groups_exit();
	resv_hooks_exit();
	resv_groups_flush();
	resv_declared_exit();
	resv_refusals_exit();
	resv_sources_exit();
}

module_init(iommu_resv_init);
module_exit(iommu_resv_exit);

MODULE_AUTHOR("The iommu-resv developers");
MODULE_DESCRIPTION("Reserved IOVA regions, usable ranges and MSI windows of IOMMU groups");
MODULE_LICENSE("GPL");
MODULE_VERSION(RESV_VERSION);
