/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is kept until the description of a VM is no longer needed. */
#ifndef VM_KEEP_H
#define VM_KEEP_H

#include <stdbool.h>
#include <stddef.h>

void *keep_alloc(size_t size);
void *keep_more(void *p, size_t old, size_t new);
char *keep_string(const char *s);
char *keep_part(const char *s, size_t len);
char *keep_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void keep_free(void);

/**
 * struct words - a list of strings
 * @w: the strings
 * @nr: their number
 */
struct words {
	char **w;
	size_t nr;
};

void words_add(struct words *words, char *word);
bool words_have(const struct words *words, const char *word);

#endif
