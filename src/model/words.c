// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses texts that admins write: addresses, words and separators.
 *
 * Each function reads at *@p.  A function that finds the text that it looks for moves *@p
 * behind that text; otherwise it leaves *@p unchanged.  Texts are zero-terminated.
 */
#include "model/words.h"

/**
 * resv_text_blanks() - skip blanks and tabs
 * @p: where to read
 *
 * Return: true if there was one
 */
bool resv_text_blanks(const char **p)
{
	const char *from = *p;

	while (**p == ' ' || **p == '\t')
		(*p)++;
	return *p != from;
}

/**
 * resv_text_word() - read a given word; anything may follow it
 * @p: where to read
 * @word: the word
 *
 * Return: true if it was there
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
 * Return: true if it was there
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
 * @range: set to the range, which does not end before it starts
 *
 * Return: true if it was there
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
 * @model: set to the vendor ID in the upper half and the device ID in the lower half;
 *	never 0
 *
 * Return: true if it was there
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
 * resv_text_end() - are only blanks and the end of a line left?
 * @p: where to read
 *
 * Return: true if so
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
 * resv_text_choice() - find the word that equals a text, ignoring the end of a line
 * @text: the text
 * @words: the words
 * @nr: number of @words
 *
 * Return: index of the word, or -EINVAL if there is none
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
