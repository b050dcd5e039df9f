// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words that admins write: addresses and what is between them.
 *
 * Each function reads at *@p, and moves it behind what it has read only if
 * that was there.  Texts end in a zero.
 */
#include "model/words.h"

/**
 * resv_text_blanks() - skip blanks and tabs
 * @p: where to read
 *
 * Return: there was one
 */
bool resv_text_blanks(const char **p)
{
	const char *from = *p;

	while (**p == ' ' || **p == '\t')
		(*p)++;
	return *p != from;
}

/**
 * resv_text_word() - read a certain word, whatever comes after it
 * @p: where to read
 * @word: the word
 *
 * Return: it was there
 */
bool resv_text_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len))
		return false;
	*p += len;
	return true;
}

/**
 * resv_text_address() - read "0x" and up to 16 hexadecimal digits
 * @p: where to read
 * @value: set to the number
 *
 * Return: it was there
 */
bool resv_text_address(const char **p, u64 *value)
{
	const char *q = *p;
	unsigned int digits;

	if (q[0] != '0' || (q[1] != 'x' && q[1] != 'X'))
		return false;
	q += 2;
	*value = 0;
	for (digits = 0; isxdigit(*q); digits++, q++) {
		if (digits == 16)
			return false;
		*value = *value << 4 | (isdigit(*q) ? *q - '0' :
						      tolower(*q) - 'a' + 10);
	}
	if (!digits)
		return false;
	*p = q;
	return true;
}

/**
 * resv_text_range() - read "0xSTART-0xEND"
 * @p: where to read
 * @range: set to it; does not end before it starts
 *
 * Return: it was there
 */
bool resv_text_range(const char **p, struct resv_range *range)
{
	const char *q = *p;

	if (!resv_text_address(&q, &range->start) || *q++ != '-' ||
	    !resv_text_address(&q, &range->end) || range->end < range->start)
		return false;
	*p = q;
	return true;
}

/**
 * resv_text_model() - read "VENDOR:DEVICE" of PCI, four hexadecimal digits each
 * @p: where to read
 * @model: set to the vendor's ID in the upper half and that of the device in the lower;
 *	never 0
 *
 * Return: it was there
 */
bool resv_text_model(const char **p, u32 *model)
{
	const char *q = *p;
	unsigned int i;

	*model = 0;
	for (i = 0; i < 9; i++, q++) {
		if (i == 4 && *q == ':')
			continue;
		if (i == 4 || !isxdigit(*q))
			return false;
		*model = *model << 4 | (u32)(isdigit(*q) ? *q - '0' :
						       tolower(*q) - 'a' + 10);
	}
	if (isxdigit(*q) || !*model)
		return false;
	*p = q;
	return true;
}

/**
 * resv_text_end() - is nothing left but blanks and the end of a line?
 * @p: where to read
 *
 * Return: true if nothing is
 */
bool resv_text_end(const char **p)
{
	const char *q = *p;

	resv_text_blanks(&q);
	if (*q == '\n')
		q++;
	if (*q)
		return false;
	*p = q;
	return true;
}

/**
 * resv_text_choice() - which of some words is a text, but for the end of a line?
 * @text: the text
 * @words: the words
 * @nr: how many
 *
 * Return: index of the word, or -EINVAL if it is none
 */
int resv_text_choice(const char *text, const char *const *words, unsigned int nr)
{
	size_t len = strcspn(text, "\n");
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (strlen(words[i]) == len && !strncmp(text, words[i], len) &&
		    !text[len + (text[len] == '\n')])
			return i;
	return -EINVAL;
}
