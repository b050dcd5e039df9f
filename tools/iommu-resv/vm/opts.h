/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of QEMU: KEY=VALUE lists, JSON, sizes. */
#ifndef VM_OPTS_H
#define VM_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opt {
	char *key;
	char *value;
};

/**
 * struct opts - in the order in which they are given; the last of a key counts
 * @o: the options
 * @nr: their number
 */
struct opts {
	struct opt *o;
	size_t nr;
};

void opts_parse(struct opts *opts, const char *option, const char *text,
		const char *implied);
void opts_json(struct opts *opts, const char *option, const char *text);
const char *opts_get(const struct opts *opts, const char *key);
bool opts_bool(const struct opts *opts, const char *key, bool unset);
bool opts_number(const struct opts *opts, const char *key, uint64_t *value);
bool opts_size(const struct opts *opts, const char *key, char unit, uint64_t *value);

bool size_parse(const char *text, char unit, uint64_t *value);

#endif
