// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: access_ok() has an argument that distinguishes reads from writes.
 * Upstream: 96d4f267e40f ("Remove 'type' argument from access_ok() function"), v5.0;
 * RHEL 8 has it from 8.1 on.
 */
#include <linux/uaccess.h>
#include "probe.h"

PROBE(int, probe_access_ok_type, (void __user *to, unsigned long len))
{
	return access_ok(VERIFY_WRITE, to, len);
}
