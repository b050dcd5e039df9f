// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <time.h>

#include "lib/lib.h"

const char *errname(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "?";
}

/* CPU time, without waits; under -icount the number of instructions. */
uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}
