// SPDX-License-Identifier: GPL-2.0-only
/*
 * A description of a VM is read once, and no part of it outlives the command. All of
 * its memory is on one list, so that no parser has to free anything on its many error
 * paths.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../xalloc.h"
#include "keep.h"

struct kept {
	struct kept *next;
	max_align_t data[];
};

static struct kept *kept;

/**
 * keep_alloc() - allocate zeroed memory
 * @size: number of bytes
 *
 * Return: the memory; keep_free() frees it
 */
void *keep_alloc(size_t size)
{
	struct kept *k = xmalloc(sizeof(*k) + size);

	memset(k, 0, sizeof(*k) + size);
	k->next = kept;
	kept = k;
	return k->data;
}

/**
 * keep_more() - enlarge a piece, and keep its content
 * @p: the piece, or NULL
 * @old: its size
 * @new: the size wanted
 *
 * Return: the larger piece
 */
void *keep_more(void *p, size_t old, size_t new)
{
	void *q = keep_alloc(new);

	if (old)
		memcpy(q, p, old);
	return q;
}

char *keep_part(const char *s, size_t len)
{
	char *copy = keep_alloc(len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *keep_string(const char *s)
{
	return keep_part(s, strlen(s));
}

char *keep_printf(const char *fmt, ...)
{
	char *s, *copy;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	copy = keep_string(s ?: "");
	free(s);
	return copy;
}

void keep_free(void)
{
	while (kept) {
		struct kept *next = kept->next;

		free(kept);
		kept = next;
	}
}

/* The list grows by doubling, at the powers of two. */
void words_add(struct words *words, char *word)
{
	if (!(words->nr & (words->nr - 1)))
		words->w = keep_more(words->w, words->nr * sizeof(*words->w),
				     (words->nr ? 2 * words->nr : 1) * sizeof(*words->w));
	words->w[words->nr++] = word;
}

bool words_have(const struct words *words, const char *word)
{
	size_t i;

	for (i = 0; i < words->nr; i++)
		if (!strcmp(words->w[i], word))
			return true;
	return false;
}
