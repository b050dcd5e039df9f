/* SPDX-License-Identifier: GPL-2.0-only */
/* Advice: what to do, in words and in lines to paste. */
#ifndef REMEDY_H
#define REMEDY_H

#include <stddef.h>

#include "facts.h"
#include "vm/keep.h"

struct vm_host;

#define REMEDIES_MAX	8

/**
 * struct remedy - something to do
 * @text: in words
 * @set: commands and settings, to paste
 */
struct remedy {
	const char *text;
	struct words set;
};

/**
 * struct remedies - all that can be done
 * @r: what to do, of which @nr are there
 * @nr: their number
 */
struct remedies {
	struct remedy r[REMEDIES_MAX];
	size_t nr;
};

struct remedy *remedy_add(struct remedies *all, const char *text);
void remedy_bits(struct remedies *all, unsigned int bits, const char *text);
void remedies_print(const struct remedies *all);
void remedies_of_group(const struct vm_host *host, const struct group *g,
		       struct remedies *all);
bool remedy_room(const struct ranges *usable, struct range *room);
void print_wrapped(const char *first, const char *text);

#endif
