// SPDX-License-Identifier: GPL-2.0-only
/*
 * Acts as the kernel behind a made-up sysfs. The linker puts these functions in
 * place of those of libc (-Wl,--wrap=NAME).
 *
 * read(): a file that begins with "errno N" fails with that error.
 *
 * write(), module_delete(): prints the call on standard error, then reads the
 * file PATH,write (for a module: module/NAME,delete) and acts line by line:
 *   TEXT: ACTION...	if TEXT was written (* is any text; for a module, "delete")
 * Actions, with paths below the folder "sys":
 *   errno N		fail with that error, and do no further action
 *   once N		the same, but only the first time
 *   set PATH TEXT...	write this line into a file, and no other
 *   drop PATH		delete a file or folder
 *
 * geteuid(): returns $FAKE_EUID, or 0.
 *
 * uname(): returns made-up values.
 *
 * nanosleep(), clock_gettime(): each sleep returns at once, and the clock advances
 * by 20 seconds.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILES	64

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
int __wrap_module_delete(const char *module);
uid_t __wrap_geteuid(void);
int __wrap_nanosleep(const struct timespec *nap, struct timespec *left);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_uname(struct utsname *name);

static time_t seconds = 1000;

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	ssize_t n = __real_read(fd, buf, size);
	char start[16];
	int number;

	if (n <= 0)
		return n;
	snprintf(start, sizeof(start), "%.*s", (int)(n < 15 ? n : 15), (char *)buf);
	if (sscanf(start, "errno %d", &number) != 1)
		return n;
	errno = number;
	return -1;
}

static int act(const char *play, unsigned int line, char *action)
{
	static char done[MAX_FILES][PATH_MAX];
	char key[PATH_MAX], command[2 * PATH_MAX];
	char *verb = strsep(&action, " ");
	char *path;
	size_t i;

	if (!strcmp(verb, "errno"))
		return atoi(action);
	if (!strcmp(verb, "once")) {
		snprintf(key, sizeof(key), "%.*s:%u", PATH_MAX - 16, play, line);
		for (i = 0; i < MAX_FILES && done[i][0]; i++)
			if (!strcmp(done[i], key))
				return 0;
		strcpy(done[i], key);
		return atoi(action);
	}
	path = strsep(&action, " ");
	if (!strcmp(verb, "drop"))
		snprintf(command, sizeof(command), "rm -rf 'sys/%s'", path);
	else
		snprintf(command, sizeof(command), "echo '%s' > 'sys/%s'",
			 action, path);
	if (system(command))
		abort();
	return 0;
}

/* Do the actions of the file @play for @text; returns 0 or an errno. */
static int run(const char *play, const char *text)
{
	char line[PATH_MAX], *action;
	unsigned int nr;
	int ret = 0;
	FILE *f;

	f = fopen(play, "r");
	if (!f)
		return 0;
	for (nr = 0; !ret && fgets(line, sizeof(line), f); nr++) {
		line[strcspn(line, "\n")] = '\0';
		action = strstr(line, ": ");
		if (!action)
			abort();
		*action = '\0';
		if (!strcmp(line, text) || !strcmp(line, "*"))
			ret = act(play, nr, action + 2);
	}
	fclose(f);
	return ret;
}

/* The path of a file relative to the folder "sys". */
static const char *below(const char *path)
{
	char top[PATH_MAX];

	if (!realpath("sys", top) || strncmp(path, top, strlen(top)))
		return NULL;
	return path + strlen(top) + 1;
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	char link[64], path[PATH_MAX], text[512];
	const char *name;
	ssize_t len;
	int ret;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - sizeof(",write"));
	path[len < 0 ? 0 : len] = '\0';
	name = below(path);
	if (!name)
		return __real_write(fd, buf, size);
	snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)buf);
	text[strcspn(text, "\n")] = '\0';
	fprintf(stderr, "kernel: '%s' > %s\n", text, name);
	strcat(path, ",write");
	ret = run(path, text);
	if (!ret)
		return (ssize_t)size;
	errno = ret;
	return -1;
}

int __wrap_module_delete(const char *module)
{
	char path[PATH_MAX];

	fprintf(stderr, "kernel: delete %s\n", module);
	snprintf(path, sizeof(path), "sys/module/%s,delete", module);
	return -run(path, "delete");
}

uid_t __wrap_geteuid(void)
{
	const char *id = getenv("FAKE_EUID");

	return id ? (uid_t)atoi(id) : 0;
}

int __wrap_nanosleep(const struct timespec *nap, struct timespec *left)
{
	(void)nap;
	(void)left;
	seconds += 20;
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	*now = (struct timespec) { .tv_sec = seconds };
	return 0;
}

int __wrap_uname(struct utsname *name)
{
	*name = (struct utsname) { .release = "6.1.0-test", .machine = "x86_64" };
	return 0;
}
