// SPDX-License-Identifier: GPL-2.0-only
/* Ranges of the command line: both ends inclusive, 0x or decimal. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "words.h"
#include "xalloc.h"

static bool parse_address(const char *word, uint64_t *value)
{
	return word_hex(word, 1, value) || word_decimal(word, value);
}

static void to_lower(char *word)
{
	for (; *word; word++)
		if (*word >= 'A' && *word <= 'Z')
			*word = (char)(*word - 'A' + 'a');
}

/**
 * address_of_word() - leaves with a message if it is not that
 * @word: the word
 *
 * Return: the address, or a size
 */
uint64_t address_of_word(const char *word)
{
	char *lower = xstrdup(word);
	uint64_t value;

	to_lower(lower);
	if (!parse_address(lower, &value))
		errx(EXIT_TROUBLE, "'%s' is no number like 0x8000000", word);
	free(lower);
	return value;
}

/**
 * range_of_word() - START-END; leaves with a message if it is not that
 * @word: the word
 * @range: to fill
 */
void range_of_word(const char *word, struct range *range)
{
	char *start = xstrdup(word);
	char *end = strchr(start, '-');

	to_lower(start);
	if (end)
		*end++ = '\0';
	if (!end || !parse_address(start, &range->start) ||
	    !parse_address(end, &range->end))
		errx(EXIT_TROUBLE, "'%s' is no range START-END, like 0x0-0x7fffffff",
		     word);
	if (range->end < range->start)
		errx(EXIT_TROUBLE, "'%s' ends below its start", word);
	free(start);
}

/**
 * range_of_words() - the same, of one word or of two
 * @argc: number of words, 1 or 2
 * @argv: the words
 * @range: to fill
 */
void range_of_words(int argc, char **argv, struct range *range)
{
	char *word = argc == 1 ? xstrdup(argv[0]) :
				 xasprintf("%s-%s", argv[0], argv[1]);

	range_of_word(word, range);
	free(word);
}

bool range_aligned(const struct range *range)
{
	return range->start % PAGE_MIN == 0 &&
	       range->end % PAGE_MIN == PAGE_MIN - 1;
}
