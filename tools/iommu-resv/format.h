/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts as text, as tables and as JSON. */
#ifndef FORMAT_H
#define FORMAT_H

#include <libsmartcols/libsmartcols.h>

#include "facts.h"
#include "iommu-resv.h"
#include "json.h"

/* Purposes of regions */
#define WORDS_DIRECT	"firmware uses these addresses, mapped 1:1"
#define WORDS_RELAXABLE	"firmware used these addresses before the kernel took over"
#define WORDS_SW_MSI	"the host maps the interrupt doorbells here"

/**
 * struct column - of a table
 * @name: header
 * @flags: SCOLS_FL_*
 */
struct column {
	const char *name;
	int flags;
};

struct libscols_table *table_new(const struct control *ctl,
				 const struct column *columns, size_t nr);
struct libscols_line *table_line(struct libscols_table *table);
void table_cell(struct libscols_line *line, size_t column, char *text);
void table_print(struct libscols_table *table);

char *format_address(uint64_t address);
char *format_size(const struct control *ctl, const struct range *ranges,
		  size_t nr);
char *format_region(const struct region *r);
char *format_flags(const struct region *r);
char *format_refused(const struct control *ctl, const struct refused *refused);
const char *format_refusals(const struct refused *refused);
char *format_reason(const struct refused *refused);
unsigned int format_bits(const struct range *aperture);

void print_window(const struct control *ctl, const struct group *g);

void json_range(struct json *j, const char *key, const struct range *range);
void json_region(struct json *j, const struct region *r);
void json_refused(struct json *j, const struct refused *refused);
void json_groups(const struct control *ctl, struct groups *groups);

void say_not_loaded(const struct control *ctl);
void say_no_facts(const struct group *g);

#endif
