// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked in place of read() by -Wl,--wrap=read: a file that begins with
 * "errno N" fails with that error, as files of sysfs can.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);

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
