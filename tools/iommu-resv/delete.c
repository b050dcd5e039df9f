// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "modules.h"

/**
 * module_delete() - what rmmod does
 * @module: its name
 *
 * Return: 0 or -errno; -EAGAIN if it is in use
 */
int module_delete(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}
