/* SPDX-License-Identifier: GPL-2.0-only */
/* Parses texts that admins write: addresses, words and separators. */
#ifndef RESV_MODEL_WORDS_H
#define RESV_MODEL_WORDS_H

#include "model/region.h"

bool resv_text_blanks(const char **p);
bool resv_text_word(const char **p, const char *word);
bool resv_text_address(const char **p, u64 *value);
bool resv_text_range(const char **p, struct resv_range *range);
bool resv_text_model(const char **p, u32 *model);
bool resv_text_end(const char **p);
int resv_text_choice(const char *text, const char *const *words, unsigned int nr);

#endif /* RESV_MODEL_WORDS_H */
