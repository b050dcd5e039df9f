/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes JSON to standard output. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct json - a document being written; start with all zeros
 * @depth: open objects and arrays
 * @more: the innermost object or array already has a member
 */
struct json {
	unsigned int depth;
	bool more;
};

/* @key is NULL for members of arrays and for the document itself. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_string(struct json *j, const char *key, const char *value);
void json_size(struct json *j, const char *key, uint64_t last);
void json_address(struct json *j, const char *key, uint64_t value);
void json_number(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
