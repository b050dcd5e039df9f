// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps in lines of logs, as programs that use VFIO write them:
 *
 *   vfio_dma_map(0x55d6, 0xc0000, 0x7ff40000, 0x7f2c) = -22 (Invalid argument)
 *	QEMU, vfio_listener_region_add(): container, address, size, memory.  Since 9.1
 *	the function is vfio_container_dma_map().
 *   ... iova 0x100000000, gpa 0x100000000, size 0x80000000: ...
 *	Cloud Hypervisor, VfioDmaMapping::map(); other lines have '=' between name and number
 *   ... IOVA:0x100000000, len:2097152, ...
 *	DPDK, rte_dump_physmem_layout()
 *
 * The line is not trusted, except that it ends with a NUL.
 */
#include <ctype.h>
#include <string.h>

#include "logline.h"
#include "range.h"
#include "words.h"

/* The longest number is 18446744073709551615. */
#define NUMBER_MAX	20

/**
 * logline_is() - is a word of the command line such a line?
 * @word: the word
 *
 * Return: true if it has a character that no range has
 */
bool logline_is(const char *word)
{
	return strpbrk(word, "(=: \t") != NULL;
}

static bool number(const char *text, uint64_t *value)
{
	char word[NUMBER_MAX + 1];
	size_t i;

	for (i = 0; isalnum((unsigned char)text[i]); i++) {
		if (i == NUMBER_MAX)
			return false;
		word[i] = (char)tolower((unsigned char)text[i]);
	}
	word[i] = '\0';
	return word_hex(word, 1, value) || word_decimal(word, value);
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The number behind the name KEY, in any case, with ' ', ':' or '=' between. */
static bool keyed(const char *line, const char *key, uint64_t *value)
{
	size_t len = strlen(key);
	const char *at;

	for (at = line; (at = strcasestr(at, key)); at++) {
		const char *behind = at + len;

		if (at > line && in_name(at[-1]))
			continue;
		if (*behind == '\0' || in_name(*behind))
			continue;
		if (number(behind + strspn(behind, " :="), value))
			return true;
	}
	return false;
}

/* The second and the third argument of a call of something that ends in "dma_map". */
static bool called(const char *line, uint64_t *start, uint64_t *size)
{
	const char *at = strstr(line, "dma_map(");

	if (!at)
		return false;
	at = strchr(at, ',');
	if (!at || !number(at + 1 + strspn(at + 1, " "), start))
		return false;
	at = strchr(at + 1, ',');
	return at && number(at + 1 + strspn(at + 1, " "), size);
}

/**
 * logline_map() - the map in a line of a log
 * @line: the line
 * @map: set to the map
 *
 * Return: what the line has
 */
enum logline logline_map(const char *line, struct range *map)
{
	uint64_t start, size;

	if (!called(line, &start, &size) &&
	    (strcasestr(line, "unmap") || !keyed(line, "iova", &start) ||
	     !(keyed(line, "size", &size) || keyed(line, "len", &size) ||
	       keyed(line, "length", &size))))
		return LOGLINE_OTHER;
	return range_of_size(start, size, map) ? LOGLINE_MAP : LOGLINE_BAD;
}
