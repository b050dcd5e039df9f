/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps in lines of logs. */
#ifndef LOGLINE_H
#define LOGLINE_H

#include <stdbool.h>

#include "facts.h"

/**
 * enum logline - kinds of lines of a log
 * @LOGLINE_OTHER: no map
 * @LOGLINE_MAP: a map
 * @LOGLINE_BAD: a map of size 0, or beyond the last address
 */
enum logline {
	LOGLINE_OTHER,
	LOGLINE_MAP,
	LOGLINE_BAD,
};

bool logline_is(const char *word);
enum logline logline_map(const char *line, struct range *map);

#endif
