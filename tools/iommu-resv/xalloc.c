// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommu-resv.h"
#include "xalloc.h"

static void *check(void *p)
{
	if (!p)
		err(EXIT_TROUBLE, "cannot allocate memory");
	return p;
}

void *xmalloc(size_t size)
{
	return check(malloc(size));
}

void *xreallocarray(void *p, size_t nr, size_t size)
{
	return check(reallocarray(p, nr, size));
}

char *xstrdup(const char *s)
{
	return check(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	return check(len < 0 ? NULL : s);
}
