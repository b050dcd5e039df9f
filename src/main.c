// SPDX-License-Identifier: GPL-2.0-only
/* The tables of sources and features, and the order of loading and unloading. */
#include <linux/module.h>
#include <linux/slab.h>
#include "feature/check/check.h"
#include "feature/count/count.h"
#include "feature/declare/declare.h"
#include "feature/doorbell/doorbell.h"
#include "feature/hide/hide.h"
#include "feature/reach/reach.h"
#include "feature/window/table.h"
#include "group/attach.h"
#include "group/feature.h"
#include "group/group.h"
#include "group/verdict.h"
#include "hook/engine.h"
#include "hook/fault.h"
#include "source/source.h"
#include "source/status.h"
#include "sysfs/group.h"
#include "sysfs/module.h"

/* In order: the kernel, sources that explain its regions, sources that use them. */
static const struct resv_source *const sources[] = {
	&resv_source_kernel,
#if IS_ENABLED(CONFIG_ACPI) && IS_ENABLED(CONFIG_X86)
	&resv_source_dmar,
	&resv_source_ivrs,
#endif
#if IS_ENABLED(CONFIG_ACPI) && IS_ENABLED(CONFIG_ARM64)
	&resv_source_iort,
#endif
#if IS_ENABLED(CONFIG_OF)
	&resv_source_dt,
#endif
	&resv_source_fixed,
	&resv_source_pci,
	&resv_source_aperture,
	&resv_source_iommu,
	&resv_source_msi,
	&resv_source_dma,
	NULL
};

/* In the order of their lines in the file "features". */
static const struct resv_feature *const features[] = {
	&resv_feature_check,
	&resv_feature_reach,
	&resv_feature_doorbell,
	&resv_feature_declare,
	&resv_feature_guard,
	&resv_feature_declare_iommufd,
	&resv_feature_window,
#ifdef RESV_TEST
	&resv_feature_hide,
	&resv_feature_count,
#endif
	NULL
};

/* Runs after the first walk, when it is known which hooks this machine needs and has. */
static int check_status(void)
{
	struct resv_status *s = kzalloc(sizeof(*s), GFP_KERNEL);
	unsigned int silent;
	int ret;

	if (!s)
		return -ENOMEM;
	resv_sources_status(s);
	resv_verdict_status(s);
	/* Do not log hooks of features here: the engine has logged each that is off. */
	silent = s->nr;
	resv_features_status(s);
	ret = resv_status_judge(s, silent);
	kfree(s);
	return ret;
}

static void say_hello(void)
{
	size_t bytes;
	unsigned int nr = resv_groups_count(&bytes);

	if (nr)
		pr_info("version %s, %u IOMMU group%s\n", RESV_VERSION, nr,
			nr == 1 ? "" : "s");
	else
		pr_info("version %s, no IOMMU group yet: the IOMMU is off (firmware setup, on Intel intel_iommu=on), or this kernel makes groups when drivers bind\n",
			RESV_VERSION);
}

static int __init iommu_resv_init(void)
{
	int ret;

	resv_sources_set(sources);
	resv_features_set(features);
	ret = resv_test_step("sources") ?: resv_sources_init();
	if (ret)
		return ret;
	ret = resv_features_init();
	if (ret)
		goto exit_sources;
	ret = resv_hooks_init();
	if (ret)
		goto exit_features;
	ret = resv_test_step("report") ?: resv_sysfs_module_init();
	if (ret)
		goto exit_hooks;
	ret = resv_sysfs_group_init();
	if (ret)
		goto exit_module;
	ret = resv_test_step("groups") ?: resv_groups_init();
	if (ret)
		goto exit_files;
	ret = check_status() ?: resv_features_loaded();
	if (ret)
		goto exit_groups;
	say_hello();
	resv_hooks_run();
	resv_features_run();
	return 0;

exit_groups:
	resv_groups_exit();
exit_files:
	resv_sysfs_group_exit();
exit_module:
	resv_sysfs_module_exit();
exit_hooks:
	resv_hooks_exit();
	resv_groups_flush();
	resv_attach_exit();
exit_features:
	resv_features_exit();
exit_sources:
	resv_sources_exit();
	return ret;
}

static void __exit iommu_resv_exit(void)
{
	resv_sysfs_module_exit();
	resv_groups_exit();
	resv_sysfs_group_exit();
	resv_hooks_exit();
	resv_groups_flush();
	resv_attach_exit();
	resv_features_exit();
	resv_sources_exit();
}

module_init(iommu_resv_init);
module_exit(iommu_resv_exit);

MODULE_AUTHOR("The iommu-resv developers");
MODULE_DESCRIPTION("Reserved IOVA regions, usable ranges and MSI windows of IOMMU groups");
MODULE_LICENSE("GPL");
MODULE_VERSION(RESV_VERSION);
