// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of the command line: the end is included, unless it is written with a unit;
 * numbers are hexadecimal with 0x, or decimal.
 */
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

static const char units[] = "kmgt";

static bool has_unit(const char *word)
{
	size_t len = strlen(word);

	return len && strchr(units, word[len - 1]);
}

/* A number, with a letter behind it for KiB, MiB, GiB or TiB. */
static bool parse_size(char *word, uint64_t *size)
{
	size_t len = strlen(word);
	const char *unit = has_unit(word) ? strchr(units, word[len - 1]) : NULL;
	unsigned int shift = 0;

	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		word[len - 1] = '\0';
	}
	if (!parse_address(word, size) || *size > UINT64_MAX >> shift)
		return false;
	*size <<= shift;
	return true;
}

static void to_lower(char *word)
{
	for (; *word; word++)
		if (*word >= 'A' && *word <= 'Z')
			*word = (char)(*word - 'A' + 'a');
}

/**
 * address_of_word() - exits with a message if it is not one
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
		errx(EXIT_TROUBLE, "'%s' is not a number like 0x8000000", word);
	free(lower);
	return value;
}

/**
 * range_of_size() - make the range of a given size
 * @start: first address
 * @size: bytes
 * @range: to fill
 *
 * Return: false if there is no such range: size 0, or beyond the last address
 */
bool range_of_size(uint64_t start, uint64_t size, struct range *range)
{
	if (!size || size - 1 > UINT64_MAX - start)
		return false;
	range->start = start;
	range->end = start + (size - 1);
	return true;
}

/* Users write 0-4G for the bytes below 4 GiB. */
static bool parse_end(char *word, uint64_t *end)
{
	bool excluded = has_unit(word);

	if (!parse_size(word, end) || (excluded && !*end))
		return false;
	*end -= excluded;
	return true;
}

/**
 * range_of_word() - START-END or START+SIZE; exits with a message if it is neither
 * @word: the word
 * @range: to fill
 */
void range_of_word(const char *word, struct range *range)
{
	char *start = xstrdup(word);
	char *second = start + strcspn(start, "+-");
	bool has_size = *second == '+';
	uint64_t size;

	to_lower(start);
	if (*second == '\0') {
		if (parse_size(start, &range->start))
			errx(EXIT_TROUBLE, "'%s' is an address, not a range: write START-END (END included) or START+SIZE",
			     word);
		second = NULL;
	} else {
		*second++ = '\0';
	}
	if (!second || !parse_size(start, &range->start) ||
	    !(has_size ? parse_size(second, &size) : parse_end(second, &range->end)))
		errx(EXIT_TROUBLE, "'%s' is neither START-END, like 0x0-0x7fffffff, nor START+SIZE, like 0x0+2G",
		     word);
	if (has_size && !range_of_size(range->start, size, range))
		errx(EXIT_TROUBLE, "'%s' %s", word,
		     size ? "extends past the last address" : "is empty");
	if (range->end < range->start)
		errx(EXIT_TROUBLE, "'%s' ends below its start", word);
	free(start);
}

/**
 * range_of_pair() - a map written as two words, START SIZE or START END
 * @first: a word
 * @second: the next one
 * @range: to fill
 *
 * A map has whole pages, so that its size and its last address cannot be mistaken for
 * each other.
 *
 * Return: false if these are not two numbers
 */
bool range_of_pair(const char *first, const char *second, struct range *range)
{
	char *start = xstrdup(first), *other = xstrdup(second), *word;
	uint64_t value;
	bool numbers, is_size;

	to_lower(start);
	to_lower(other);
	is_size = has_unit(other);
	numbers = parse_size(start, &value) && parse_size(other, &value);
	is_size |= !(value % PAGE_MIN);
	free(start);
	free(other);
	if (!numbers)
		return false;
	word = xasprintf("%s%c%s", first, is_size ? '+' : '-', second);
	range_of_word(word, range);
	free(word);
	return true;
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

/**
 * range_whole_bits() - number of address bits of an aperture
 * @end: its last address
 *
 * Return: the largest number of bits whose addresses are all inside, at most 63
 */
unsigned int range_whole_bits(uint64_t end)
{
	unsigned int bits;

	for (bits = 63; bits && end < (UINT64_C(1) << bits) - 1; bits--)
		;
	return bits;
}

bool range_aligned(const struct range *range)
{
	return range->start % PAGE_MIN == 0 &&
	       range->end % PAGE_MIN == PAGE_MIN - 1;
}

/**
 * ranges_intersect() - keep what is in both
 * @a: ranges in the order of addresses; changed
 * @b: ranges in that order
 */
void ranges_intersect(struct ranges *a, const struct ranges *b)
{
	struct ranges both = { 0 };
	size_t i = 0, k = 0;

	while (i < a->nr && k < b->nr) {
		const struct range *x = &a->r[i], *y = &b->r[k];
		struct range r = {
			x->start > y->start ? x->start : y->start,
			x->end < y->end ? x->end : y->end,
		};

		if (r.start <= r.end) {
			both.r = xreallocarray(both.r, both.nr + 1, sizeof(*both.r));
			both.r[both.nr++] = r;
		}
		if (x->end < y->end)
			i++;
		else
			k++;
	}
	free(a->r);
	*a = both;
}
