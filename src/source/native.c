// SPDX-License-Identifier: GPL-2.0-only
/* The parameter "native", for test builds only (see native.h and Kbuild). */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include "source/native.h"
#include "model/words.h"

bool resv_native_ignored;

static const char *const words[] = { "use", "ignore" };

static int native_set(const char *val, const struct kernel_param *kp)
{
	int i = resv_text_choice(val, words, ARRAY_SIZE(words));

	if (i < 0) {
		pr_err("native=%.*s is invalid: the values are use and ignore\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return i;
	}
	resv_native_ignored = i;
	return 0;
}

static int native_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", words[resv_native_ignored]);
}

static const struct kernel_param_ops native_ops = {
	.set = native_set,
	.get = native_get,
};

module_param_cb(native, &native_ops, NULL, 0444);
MODULE_PARM_DESC(native, "features that the kernel has: use (default), or ignore = add them nevertheless, and hide the kernel's from VFIO");
