/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables whose columns, order and form the command line chooses. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "facts.h"
#include "iommu-resv.h"

/**
 * struct choice - a column that can be asked for
 * @name: header
 * @flags: SCOLS_FL_*; a column that is aligned to the right has numbers, and is sorted by them
 * @extra: not printed unless it is asked for
 * @help: what -o help says
 */
struct choice {
	const char *name;
	int flags;
	bool extra;
	const char *help;
};

/**
 * struct row - the facts of one line of a table
 * @g: group
 * @d: list: device of the group, NULL if it has none
 * @r: show: region of the group
 * @assign: list: can the group be given to a guest?
 */
struct row {
	const struct group *g;
	const struct device *d;
	const struct region *r;
	const char *assign;
};

/**
 * struct sheet - a kind of table
 * @command: the command that prints it
 * @choices: its columns
 * @nr: their number
 * @cell: text of a cell, allocated; "-" if there is none
 */
struct sheet {
	const char *command;
	const struct choice *choices;
	size_t nr;
	char *(*cell)(const struct control *ctl, const struct row *row, size_t choice);
};

/**
 * struct chosen - the columns to print, and the order of the lines
 * @columns: indices of choices, in order
 * @nr: their number
 * @sorted: by the column @by
 * @by: index of a choice
 */
struct chosen {
	size_t *columns;
	size_t nr;
	bool sorted;
	size_t by;
};

bool columns_asked(const struct control *ctl);
bool columns_choose(const struct control *ctl, const struct sheet *sheet,
		    struct chosen *chosen);
void columns_print(const struct control *ctl, const struct sheet *sheet,
		   const struct chosen *chosen, const struct row *rows, size_t nr);
bool columns_have(const struct chosen *chosen, size_t column);
void columns_free(struct chosen *chosen);

#endif
