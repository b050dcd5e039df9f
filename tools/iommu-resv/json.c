// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes JSON to standard output.  Own code, because libsmartcols writes only
 * flat tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

static void put_string(const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	putchar('"');
	while (*s) {
		unsigned int len = *s < 0x80 ? 1 : utf8_len(s);

		if (!len) {
			fputs("\\ufffd", stdout);
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			printf("\\%c", *s);
		} else if (*s < ' ' || *s == 0x7f) {
			printf("\\u%04x", *s);
		} else {
			fwrite(s, 1, len, stdout);
		}
		s += len;
	}
	putchar('"');
}

static void new_line(const struct json *j)
{
	printf("\n%*s", (int)(3 * j->depth), "");
}

static void member(struct json *j, const char *key)
{
	if (j->more)
		putchar(',');
	if (j->depth)
		new_line(j);
	if (key) {
		put_string(key);
		fputs(": ", stdout);
	}
	j->more = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
	member(j, key);
	putchar(bracket);
	j->depth++;
	j->more = false;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->more)
		new_line(j);
	putchar(bracket);
	j->more = true;
	if (!j->depth)
		putchar('\n');
}

void json_string(struct json *j, const char *key, const char *value)
{
	member(j, key);
	if (value)
		put_string(value);
	else
		fputs("null", stdout);
}

/* A string: numbers of JSON are exact only up to 2^53. */
void json_address(struct json *j, const char *key, uint64_t value)
{
	member(j, key);
	printf("\"0x%" PRIx64 "\"", value);
}

/* The same for @last + 1, which may be 2^64. */
void json_size(struct json *j, const char *key, uint64_t last)
{
	if (last < UINT64_MAX) {
		json_address(j, key, last + 1);
	} else {
		member(j, key);
		fputs("\"0x10000000000000000\"", stdout);
	}
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	member(j, key);
	printf("%" PRIu64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	member(j, key);
	fputs(value ? "true" : "false", stdout);
}

void json_null(struct json *j, const char *key)
{
	member(j, key);
	fputs("null", stdout);
}
