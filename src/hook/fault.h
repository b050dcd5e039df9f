/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault injection.  Only a test build (RESV_TEST=1) has it; in all others these
 * functions return constants and leave no code.
 */
#ifndef RESV_HOOK_FAULT_H
#define RESV_HOOK_FAULT_H

#include <linux/types.h>

#ifdef RESV_TEST
int resv_test_step(const char *name);
const char *resv_test_symbol(void);
bool resv_test_module_symbol(const char **module, const char **name);
bool resv_test_group_level(void);
bool resv_test_ftrace(void);
bool resv_test_overwrites(void);
bool resv_test_stock_empty(void);
#else
/**
 * resv_test_step() - a step that a test can let fail
 * @name: the step
 *
 * Context: any.
 * Return: 0, or -ENOMEM in a test
 */
static inline int resv_test_step(const char *name)
{
	return 0;
}

/**
 * resv_test_symbol() - function to hook in place of the drivers' callbacks
 *
 * Context: any.
 * Return: its name, or NULL
 */
static inline const char *resv_test_symbol(void)
{
	return NULL;
}

/**
 * resv_test_group_level() - edit the lists of groups, not those of devices?
 *
 * Context: any.
 * Return: true if a test asks for it
 */
static inline bool resv_test_group_level(void)
{
	return false;
}

/**
 * resv_test_ftrace() - hook by own ftrace_ops, as on x86 before v5.5?
 *
 * Context: any.
 * Return: true if a test asks for it
 */
static inline bool resv_test_ftrace(void)
{
	return false;
}

/**
 * resv_test_overwrites() - do livepatches overwrite what ftrace has written?
 *
 * Context: any.
 * Return: true if a test asks for it
 */
static inline bool resv_test_overwrites(void)
{
	return false;
}

/**
 * resv_test_stock_empty() - behave as if the stock of entries were empty?
 *
 * Context: any.
 * Return: true if a test asks for it
 */
static inline bool resv_test_stock_empty(void)
{
	return false;
}
#endif

#endif /* RESV_HOOK_FAULT_H */
