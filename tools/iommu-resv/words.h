/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of a line. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool words_split(char *line, char **words, size_t nr);
bool word_is_name(const char *word);
bool word_among(const char *word, const char *a, const char *b);
bool word_hex(const char *word, size_t min_digits, uint64_t *value);
bool word_decimal(const char *word, uint64_t *value);

#endif
