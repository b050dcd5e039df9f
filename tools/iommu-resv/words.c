// SPDX-License-Identifier: GPL-2.0-only
/* Strict parsing of words of a line: accepts only what the kernel writes. */
#include <string.h>

#include "words.h"

/**
 * words_split() - cut a line at its blanks
 * @line: is written to
 * @words: to fill; the last takes the rest of the line
 * @nr: number of words
 *
 * Return: true if there are @nr words with one blank between each two
 */
bool words_split(char *line, char **words, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (line[0] == '\0' || line[0] == ' ')
			return false;
		words[i] = line;
		if (i == nr - 1)
			return true;
		line = strchr(line, ' ');
		if (!line)
			return false;
		*line++ = '\0';
	}
	return true;
}

/* A keyword of the module: short, of lower case letters, digits and dashes. */
bool word_is_name(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len && len < 32 && word[len] == '\0';
}

bool word_among(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

/**
 * word_hex() - 0x and up to 16 digits
 * @word: the word
 * @min_digits: fewer are wrong
 * @value: the number
 *
 * Return: true if the word is exactly that
 */
bool word_hex(const char *word, size_t min_digits, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (strncmp(word, "0x", 2))
		return false;
	word += 2;
	*value = 0;
	for (i = 0; word[i]; i++) {
		const char *d = strchr(digits, word[i]);

		if (!d || i == 16)
			return false;
		*value = *value << 4 | (uint64_t)(d - digits);
	}
	return i >= min_digits;
}

/* A decimal number without sign or leading zeros. */
bool word_decimal(const char *word, uint64_t *value)
{
	size_t i;

	if (word[0] == '0' && word[1])
		return false;
	*value = 0;
	for (i = 0; word[i]; i++) {
		unsigned int digit = (unsigned int)(word[i] - '0');

		if (word[i] < '0' || word[i] > '9' ||
		    *value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return i > 0;
}
