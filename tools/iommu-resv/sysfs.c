// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files, links and directories of sysfs.  Their content is not trusted: files are
 * bounded, and lines with bytes that no kernel writes are skipped.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysfs.h"
#include "xalloc.h"

/* Some 10,000 regions of one group: far more than any group has, and read quickly. */
#define TEXT_MAX	(1024 * 1024)
#define BAD_SHOWN	3

static int read_all(int fd, struct text *t)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (room - t->len < 2) {
			if (room >= TEXT_MAX)
				return -EFBIG;
			room = room ? 2 * room : 4096;
			t->buf = xreallocarray(t->buf, room, 1);
		}
		n = read(fd, t->buf + t->len, room - t->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		t->len += (size_t)n;
	}
	t->buf[t->len] = '\0';
	return 0;
}

/**
 * text_open() - read a whole file
 * @t: to fill
 * @path: the file; freed by text_close() or, on error, here
 *
 * Return: 0 or -errno
 */
int text_open(struct text *t, char *path)
{
	int fd, ret;

	memset(t, 0, sizeof(*t));
	t->path = path;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		ret = -errno;
	} else {
		ret = read_all(fd, t);
		close(fd);
	}
	if (ret)
		text_close(t);
	return ret;
}

/**
 * text_next() - the next line that holds only printable characters
 * @t: an open text
 * @line: the line without its end
 *
 * Return: false at the end
 */
bool text_next(struct text *t, char **line)
{
	while (t->at < t->len) {
		char *start = t->buf + t->at;
		char *end = memchr(start, '\n', t->len - t->at);
		size_t len = end ? (size_t)(end - start) : t->len - t->at;
		size_t i;

		t->at += len + 1;
		t->line++;
		start[len] = '\0';
		for (i = 0; i < len; i++)
			if (start[i] < ' ' || start[i] > '~')
				break;
		if (i == len) {
			*line = start;
			return true;
		}
		text_bad(t, start);
	}
	return false;
}

/**
 * text_bad() - report the current line and skip it
 * @t: text
 * @line: as text_next() gave it
 */
void text_bad(struct text *t, const char *line)
{
	char shown[64];
	size_t i;

	if (t->bad++ >= BAD_SHOWN)
		return;
	for (i = 0; i < sizeof(shown) - 1 && line[i]; i++)
		shown[i] = line[i] < ' ' || line[i] > '~' ? '?' : line[i];
	shown[i] = '\0';
	warnx("%s:%u: malformed line skipped: '%s'", t->path, t->line, shown);
}

/**
 * text_close() - close a file
 * @t: text
 *
 * Return: true if every line was valid
 */
bool text_close(struct text *t)
{
	if (t->bad > BAD_SHOWN)
		warnx("%s: %u more malformed lines skipped", t->path,
		      t->bad - BAD_SHOWN);
	free(t->path);
	free(t->buf);
	t->path = NULL;
	t->buf = NULL;
	return t->bad == 0;
}

/**
 * file_write() - write a line into a file of sysfs
 * @path: the file, which has to be there
 * @text: the line, without its end
 *
 * Return: 0, or the kernel's answer as -errno
 */
int file_write(const char *path, const char *text)
{
	char *line = xasprintf("%s\n", text);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
	} else {
		/* In one piece: each write is a command of its own. */
		if (write(fd, line, strlen(line)) < 0)
			ret = -errno;
		close(fd);
	}
	free(line);
	return ret;
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}

/* True also for a link without a target, as in a copy of another machine's sysfs. */
bool name_exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* By the mode of the file, which sysfs checks for root, too; access() does not. */
bool file_writable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && st.st_mode & 0222;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* A folder that is given as another machine's sysfs can contain anything. */
static bool is_printable(const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			return false;
	return true;
}

/**
 * dir_list() - names in a directory, in natural order
 * @path: the directory
 * @names: to fill; strings_free() it whatever is returned
 *
 * Return: 0 or -errno
 */
int dir_list(const char *path, struct strings *names)
{
	struct dirent *d;
	int ret;
	DIR *dir;

	names->s = NULL;
	names->nr = 0;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (errno = 0, (d = readdir(dir)) != NULL) {
		/* The kernel makes no name with control characters. */
		if (d->d_name[0] == '.' || !is_printable(d->d_name))
			continue;
		names->s = xreallocarray(names->s, names->nr + 1,
					 sizeof(*names->s));
		names->s[names->nr++] = xstrdup(d->d_name);
	}
	ret = -errno;
	closedir(dir);
	if (names->nr)
		qsort(names->s, names->nr, sizeof(*names->s), by_version);
	return ret;
}

void strings_free(struct strings *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->s[i]);
	free(names->s);
}

/**
 * link_base() - last component of the target of a link
 * @path: the link
 *
 * Return: allocated, or NULL if there is no such link, or if its target has characters
 * that the kernel does not use
 */
char *link_base(const char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	if (len < 0)
		return NULL;
	target[len] = '\0';
	slash = strrchr(target, '/');
	return is_printable(target) ? xstrdup(slash ? slash + 1 : target) : NULL;
}
