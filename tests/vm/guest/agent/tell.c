// SPDX-License-Identifier: GPL-2.0-only
/* Sends lines to the host, and reads files for that. */
#include "agent.h"

FILE *port;
char port_device[64];

void tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(port, fmt, ap);
	va_end(ap);
}

/* Name of an errno, "ok" for 0. */
const char *outcome(int err)
{
	return err ? errname(err) : "ok";
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* The content, NUL-terminated, to be freed; NULL with errno set. */
char *read_file(const char *path, size_t *len)
{
	size_t cap = 65536, n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	char *buf;
	ssize_t got;

	if (fd < 0)
		return NULL;
	buf = malloc(cap + 1);
	while ((got = read(fd, buf + n, cap - n)) > 0) {
		n += got;
		if (n == cap)
			buf = realloc(buf, (cap *= 2) + 1);
	}
	err = errno;
	close(fd);
	if (got < 0) {
		free(buf);
		errno = err;
		return NULL;
	}
	buf[n] = 0;
	if (len)
		*len = n;
	return buf;
}

void read_word(const char *path, char *word, size_t size)
{
	char *text = read_file(path, NULL);

	snprintf(word, size, "%s", text ? text : "");
	word[strcspn(word, "\n")] = 0;
	free(text);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int not_dot(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int list(const char *dir, struct dirent ***names)
{
	int n = scandir(dir, names, not_dot, by_number);

	if (n >= 0)
		return n;
	*names = NULL;
	return 0;
}

void list_free(struct dirent **names, int n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

/* Send each line of TEXT behind PREFIX. */
void tell_lines(const char *prefix, char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line || rest)
			tell("%s%s\n", prefix, line);
}

/* Send file NAME ok|ERRNO, then each line of the file behind "| ". */
void tell_file(const char *dir, const char *name)
{
	char path[PATH_MAX], *text;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = read_file(path, NULL);
	tell("file %s %s\n", name, outcome(text ? 0 : errno));
	if (text)
		tell_lines("| ", text);
	free(text);
}
