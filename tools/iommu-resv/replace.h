/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are replaced in one step. */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>
#include <sys/types.h>

int replace_file(const char *path, const char *text, size_t len, mode_t mode);

#endif
