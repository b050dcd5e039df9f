/* SPDX-License-Identifier: GPL-2.0-only */
/* Files, links and directories of sysfs. */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct text - a file read line by line
 * @path: its name, for messages
 * @buf: content, NUL-terminated
 * @len: its length
 * @at: where the next line begins
 * @line: number of the current line, from 1
 * @bad: lines that made no sense
 */
struct text {
	char *path;
	char *buf;
	size_t len;
	size_t at;
	unsigned int line;
	unsigned int bad;
};

int text_open(struct text *t, char *path);
bool text_next(struct text *t, char **line);
void text_bad(struct text *t, const char *line);
bool text_close(struct text *t);

struct strings {
	char **s;
	size_t nr;
};

int file_write(const char *path, const char *text);
bool file_exists(const char *path);
bool name_exists(const char *path);
bool file_writable(const char *path);

int dir_list(const char *path, struct strings *names);
void strings_free(struct strings *names);
char *link_base(const char *path);

#endif
