/* SPDX-License-Identifier: GPL-2.0-only */
/* Help about one command. */
#ifndef HELP_H
#define HELP_H

#include <stdbool.h>

bool help_command(const char *command);

#endif
