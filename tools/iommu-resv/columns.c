// SPDX-License-Identifier: GPL-2.0-only
/* -o, -x, -r and -P, as lsblk has them. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "columns.h"
#include "format.h"
#include "xalloc.h"

/* One line to be sorted. */
struct key {
	char *text;
	bool number;
	size_t at;
};

/**
 * columns_asked() - does the command line say anything about columns?
 * @ctl: options
 */
bool columns_asked(const struct control *ctl)
{
	return ctl->columns || ctl->sort || ctl->raw || ctl->pairs;
}

static size_t find(const struct sheet *sheet, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sheet->nr; i++)
		if (strlen(sheet->choices[i].name) == len &&
		    !strncasecmp(sheet->choices[i].name, name, len))
			return i;
	errx(EXIT_TROUBLE, "%s has no column '%.*s': 'iommu-resv %s -o help' lists those that it has",
	     sheet->command, (int)len, name, sheet->command);
}

static void add(struct chosen *chosen, size_t column)
{
	chosen->columns = xreallocarray(chosen->columns, chosen->nr + 1,
					sizeof(*chosen->columns));
	chosen->columns[chosen->nr++] = column;
}

static void add_usual(const struct sheet *sheet, struct chosen *chosen)
{
	size_t i;

	for (i = 0; i < sheet->nr; i++)
		if (!sheet->choices[i].extra)
			add(chosen, i);
}

/* COL,COL... or +COL,COL... for these beside the usual ones */
static void add_asked(const struct sheet *sheet, const char *list,
		      struct chosen *chosen)
{
	size_t len;

	if (*list == '+') {
		add_usual(sheet, chosen);
		list++;
	}
	for (;; list += len + 1) {
		len = strcspn(list, ",");
		add(chosen, find(sheet, list, len));
		if (!list[len])
			break;
	}
}

static void print_help(const struct sheet *sheet)
{
	size_t i;

	for (i = 0; i < sheet->nr; i++)
		printf("%-8s %s%s\n", sheet->choices[i].name,
		       sheet->choices[i].help,
		       sheet->choices[i].extra ? "" : " *");
	puts("\n* without -o; '-o +COL,...' prints more than these");
}

/**
 * columns_choose() - understand -o and -x; exits with a message if they are invalid
 * @ctl: options
 * @sheet: kind of table
 * @chosen: to fill; columns_free() it
 *
 * Return: false if only the columns were to be listed, which is done
 */
bool columns_choose(const struct control *ctl, const struct sheet *sheet,
		    struct chosen *chosen)
{
	*chosen = (struct chosen) { 0 };
	if (ctl->json && columns_asked(ctl))
		errx(EXIT_TROUBLE, "-o, -x, -r and -P are for tables: omit --json");
	if (ctl->raw && ctl->pairs)
		errx(EXIT_TROUBLE, "-r and -P are two forms of the table: give one of them");
	if (ctl->columns && !strcmp(ctl->columns, "help")) {
		print_help(sheet);
		return false;
	}
	if (ctl->sort) {
		chosen->sorted = true;
		chosen->by = find(sheet, ctl->sort, strlen(ctl->sort));
	}
	if (ctl->columns)
		add_asked(sheet, ctl->columns, chosen);
	else
		add_usual(sheet, chosen);
	return true;
}

/**
 * columns_have() - is a column printed, or the table sorted by it?
 * @chosen: of columns_choose()
 * @column: its number in the sheet
 */
bool columns_have(const struct chosen *chosen, size_t column)
{
	size_t i;

	for (i = 0; i < chosen->nr; i++)
		if (chosen->columns[i] == column)
			return true;
	return chosen->sorted && chosen->by == column;
}

/**
 * columns_free() - free what columns_choose() has filled
 * @chosen: the columns
 */
void columns_free(struct chosen *chosen)
{
	free(chosen->columns);
}

/* Unknown values come first; equal lines keep their order. */
static int by_key(const void *va, const void *vb)
{
	const struct key *a = va, *b = vb;
	int order;

	if (a->number && strcmp(a->text, "-") && strcmp(b->text, "-")) {
		unsigned long long na = strtoull(a->text, NULL, 0);
		unsigned long long nb = strtoull(b->text, NULL, 0);

		order = (na > nb) - (na < nb);
	} else if (a->number) {
		order = !strcmp(b->text, "-") - !strcmp(a->text, "-");
	} else {
		order = strverscmp(a->text, b->text);
	}
	return order ?: (a->at > b->at) - (a->at < b->at);
}

static struct key *sort(const struct control *ctl, const struct sheet *sheet,
			const struct chosen *chosen, const struct row *rows, size_t nr)
{
	struct key *keys = xreallocarray(NULL, nr + 1, sizeof(*keys));
	struct control plain = *ctl;
	size_t i;

	/* Compare values, not texts: 9G is less than 10G. */
	plain.bytes = true;
	for (i = 0; i < nr; i++)
		keys[i] = (struct key) {
			.text = chosen->sorted ?
				sheet->cell(&plain, &rows[i], chosen->by) : NULL,
			.number = sheet->choices[chosen->by].flags & SCOLS_FL_RIGHT,
			.at = i,
		};
	if (chosen->sorted && nr)
		qsort(keys, nr, sizeof(*keys), by_key);
	return keys;
}

static struct libscols_table *new_table(const struct control *ctl,
					const struct sheet *sheet,
					const struct chosen *chosen)
{
	struct column *columns = xreallocarray(NULL, chosen->nr, sizeof(*columns));
	struct libscols_table *table;
	size_t i;

	for (i = 0; i < chosen->nr; i++)
		columns[i] = (struct column) {
			.name = sheet->choices[chosen->columns[i]].name,
			.flags = sheet->choices[chosen->columns[i]].flags,
		};
	table = table_new(ctl, columns, chosen->nr);
	scols_table_enable_raw(table, ctl->raw);
	scols_table_enable_export(table, ctl->pairs);
	free(columns);
	return table;
}

/* Text of one byte a column, with nothing that the library would escape */
static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/**
 * struct grid - the cells of a table
 * @cells: their texts, line by line
 * @nr: number of lines
 * @columns: number of columns
 * @widths: of each column with its heading, which counts even if it is not printed
 */
struct grid {
	char **cells;
	size_t nr;
	size_t columns;
	size_t *widths;
};

static void grid_fill(const struct control *ctl, const struct sheet *sheet,
		      const struct chosen *chosen, const struct row *rows, size_t nr,
		      struct grid *grid)
{
	struct key *keys = sort(ctl, sheet, chosen, rows, nr);
	char **cell;
	size_t i, k;

	*grid = (struct grid) { .nr = nr, .columns = chosen->nr };
	grid->cells = xreallocarray(NULL, nr * chosen->nr + 1, sizeof(*grid->cells));
	cell = grid->cells;
	for (i = 0; i < nr; i++) {
		for (k = 0; k < chosen->nr; k++)
			*cell++ = sheet->cell(ctl, &rows[keys[i].at], chosen->columns[k]);
		free(keys[i].text);
	}
	free(keys);
	grid->widths = xreallocarray(NULL, chosen->nr, sizeof(*grid->widths));
	for (k = 0; k < chosen->nr; k++) {
		size_t *width = &grid->widths[k];

		*width = strlen(sheet->choices[chosen->columns[k]].name);
		for (i = 0; i < nr; i++) {
			size_t len = strlen(grid->cells[i * chosen->nr + k]);

			if (len > *width)
				*width = len;
		}
	}
}

/*
 * Does a table need nothing of the library?  It measures each cell several times, in
 * wide characters: half of what "list" would cost on a host with 1,000 groups.
 */
static bool grid_is_plain(const struct control *ctl, const struct grid *grid,
			  struct libscols_table *table)
{
	size_t i, width = 0;

	if (ctl->raw || ctl->pairs || !grid->nr)
		return false;
	for (i = 0; i < grid->columns; i++)
		width += grid->widths[i] + 1;
	if (isatty(STDOUT_FILENO) && width > scols_table_get_termwidth(table))
		return false;
	for (i = 0; i < grid->nr * grid->columns; i++)
		if (!*grid->cells[i] || !is_ascii(grid->cells[i]))
			return false;
	return true;
}

static void blanks(size_t nr)
{
	while (nr--)
		putchar_unlocked(' ');
}

static void plain_cell(const struct choice *choice, const char *text, size_t width,
		       bool last)
{
	size_t more = width - strlen(text);

	if (choice->flags & SCOLS_FL_RIGHT)
		blanks(more);
	fputs_unlocked(text, stdout);
	if (!(choice->flags & SCOLS_FL_RIGHT) && !last)
		blanks(more);
	putchar_unlocked(last ? '\n' : ' ');
}

static void print_plain(const struct control *ctl, const struct sheet *sheet,
			const struct chosen *chosen, const struct grid *grid)
{
	size_t i, k;

	for (k = 0; !ctl->noheadings && k < grid->columns; k++)
		plain_cell(&sheet->choices[chosen->columns[k]],
			   sheet->choices[chosen->columns[k]].name, grid->widths[k],
			   k + 1 == grid->columns);
	for (i = 0; i < grid->nr; i++)
		for (k = 0; k < grid->columns; k++)
			plain_cell(&sheet->choices[chosen->columns[k]],
				   grid->cells[i * grid->columns + k], grid->widths[k],
				   k + 1 == grid->columns);
}

/**
 * columns_print() - print the table
 * @ctl: options
 * @sheet: kind of table
 * @chosen: of columns_choose()
 * @rows: its lines
 * @nr: their number
 */
void columns_print(const struct control *ctl, const struct sheet *sheet,
		   const struct chosen *chosen, const struct row *rows, size_t nr)
{
	struct libscols_table *table = new_table(ctl, sheet, chosen);
	struct grid grid;
	size_t i, k;

	grid_fill(ctl, sheet, chosen, rows, nr, &grid);
	if (grid_is_plain(ctl, &grid, table)) {
		print_plain(ctl, sheet, chosen, &grid);
		for (i = 0; i < nr * chosen->nr; i++)
			free(grid.cells[i]);
		scols_unref_table(table);
	} else {
		for (i = 0; i < nr; i++) {
			struct libscols_line *line = table_line(table);

			/* The table owns them from here on. */
			for (k = 0; k < chosen->nr; k++)
				table_cell(line, k, grid.cells[i * chosen->nr + k]);
		}
		table_print(table);
	}
	free(grid.cells);
	free(grid.widths);
}
