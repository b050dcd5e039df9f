// SPDX-License-Identifier: GPL-2.0-only
/*
 * The new content is written under another name, which begins with a dot so that
 * readers of the folder skip it, and the file is then renamed: no reader sees half of
 * it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iommu-resv.h"
#include "replace.h"
#include "xalloc.h"

/* In the same folder, so that rename() works. */
static char *hidden_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!*name)
		errx(EXIT_TROUBLE, "'%s' is a folder: give the name of a file", path);
	return xasprintf("%.*s.%s.new", (int)(name - path), path, name);
}

/**
 * replace_file() - give a file new content, in one step
 * @path: the file
 * @text: its content
 * @len: bytes of that
 * @mode: its permissions, whatever the umask is
 *
 * Return: an exit code, after saying what went wrong
 */
int replace_file(const char *path, const char *text, size_t len, mode_t mode)
{
	char *hidden = hidden_name(path);
	bool bad = true;
	FILE *out = NULL;
	int fd;

	/* An existing file is left from an interrupted run, or is a trap. */
	unlink(hidden);
	fd = open(hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (out) {
		bad = fwrite(text, 1, len, out) != len;
		/* The programs that read it run as other users. */
		bad |= fflush(out) || fchmod(fd, mode) || fsync(fd);
		bad |= fclose(out);
	}
	if (bad || rename(hidden, path)) {
		warn("%s", bad ? hidden : path);
		unlink(hidden);
	} else {
		path = NULL;
	}
	free(hidden);
	return path ? EXIT_TROUBLE : EXIT_OK;
}
