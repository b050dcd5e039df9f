// SPDX-License-Identifier: GPL-2.0-only
/* Fault injection, for test builds only (see Kbuild). */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include "hook/fault.h"

static unsigned int fail;
module_param_named(test_fail, fail, uint, 0644);
MODULE_PARM_DESC(test_fail, "number of the step that fails, 0 = none");

static atomic_t steps = ATOMIC_INIT(0);

static int steps_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%d\n", atomic_read(&steps));
}

static const struct kernel_param_ops steps_ops = {
	.get = steps_get,
};

module_param_cb(test_steps, &steps_ops, NULL, 0444);
MODULE_PARM_DESC(test_steps, "steps so far");

static char symbol[128];
module_param_string(test_symbol, symbol, sizeof(symbol), 0444);
MODULE_PARM_DESC(test_symbol, "FUNCTION to hook, or MODULE:FUNCTION to count");

static bool group_level;
module_param_named(test_group, group_level, bool, 0444);
MODULE_PARM_DESC(test_group, "edit the lists of groups");

static bool ftrace;
module_param_named(test_ftrace, ftrace, bool, 0444);
MODULE_PARM_DESC(test_ftrace, "hook by own ftrace_ops, as on x86 before v5.5");

static bool overwrites;
module_param_named(test_overwrites, overwrites, bool, 0644);
MODULE_PARM_DESC(test_overwrites, "do not hook what a livepatch replaces, as on openEuler");

static unsigned int stock;
module_param_named(test_stock, stock, uint, 0644);
MODULE_PARM_DESC(test_stock, "every so many entries or domains are not in stock, 0 = all are");

static atomic_t stock_gets = ATOMIC_INIT(0);

int resv_test_step(const char *name)
{
	unsigned int n = atomic_inc_return(&steps);

	if (n != READ_ONCE(fail))
		return 0;
	pr_info("test: step %u (%s) fails\n", n, name);
	return -ENOMEM;
}
EXPORT_SYMBOL_GPL(resv_test_step);

const char *resv_test_symbol(void)
{
	return symbol[0] && !strchr(symbol, ':') ? symbol : NULL;
}

bool resv_test_module_symbol(const char **module, const char **name)
{
	static char copy[sizeof(symbol)];
	char *colon;

	strscpy(copy, symbol, sizeof(copy));
	colon = strchr(copy, ':');
	if (!colon)
		return false;
	*colon = '\0';
	*module = copy;
	*name = colon + 1;
	return true;
}

bool resv_test_group_level(void)
{
	return group_level;
}

bool resv_test_ftrace(void)
{
	return ftrace;
}

bool resv_test_overwrites(void)
{
	return READ_ONCE(overwrites);
}

bool resv_test_stock_empty(void)
{
	unsigned int every = READ_ONCE(stock);

	return every && !((unsigned int)atomic_inc_return(&stock_gets) % every);
}
