/* SPDX-License-Identifier: GPL-2.0-only */
/* FACT and HOLDS for the fuzz targets: format each fact, and abort if a condition is false. */
#ifndef TARGET_H
#define TARGET_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Formats its arguments, so that the sanitizers see uninitialized values and wild pointers. */
static inline void __attribute__((format(printf, 1, 2)))
target_fact(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
}

#define FACT target_fact
#define HOLDS(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "does not hold: %s (%s:%d)\n", #cond,	\
			__FILE__, __LINE__);				\
		abort();						\
	}								\
} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* TARGET_H */
