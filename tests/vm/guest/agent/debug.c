// SPDX-License-Identifier: GPL-2.0-only
/* The kernel log, and what a debug kernel found. */
#include "agent.h"

/* From where the last call has stopped */
void kernel_log(void)
{
	static int fd = -1;
	char buf[8192], *text;
	ssize_t got;

	if (fd < 0)
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	while (fd >= 0) {
		got = read(fd, buf, sizeof(buf) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			break;
		buf[got] = 0;
		text = strchr(buf, ';');
		text = text ? text + 1 : buf;
		text[strcspn(text, "\n")] = 0;
		tell("log %s\n", text);
	}
}

/*
 * What all tasks together have run on CPU 0: the seventh number of its line in /proc/schedstat. It
 * grows when a task leaves the CPU, as this one does here.
 */
static uint64_t tasks_ns(void)
{
	unsigned long long ns = 0;
	char *text, *at;

	usleep(1000);
	text = read_file("/proc/schedstat", NULL);
	at = text ? strstr(text, "cpu0 ") : NULL;
	if (!at || sscanf(at, "cpu0 %*u %*u %*u %*u %*u %*u %llu", &ns) != 1)
		tell("no-schedstat\n");
	free(text);
	return ns;
}

void busy(const char *label, int ms, char *line)
{
	uint64_t start = tasks_ns();

	step(line);
	usleep(ms * 1000);
	tell("busy %s %llu\n", label, (unsigned long long)(tasks_ns() - start));
}

/* The kernel reports an object only some seconds after it was allocated. */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6

/*
 * For a kernel with lockdep: "debug lockdep 1", or 0 if it has given up after a report; then for
 * kmemleak, "debug kmemleak scanned ok|ERRNO" and "leak LINE" for all that it shows.
 */
void debug_kernel(void)
{
	char *text = read_file("/proc/lockdep_stats", NULL), *at;
	int err;

	if (!text)
		return;
	at = strstr(text, "debug_locks:");
	tell("debug lockdep %d\n", at ? atoi(at + strlen("debug_locks:")) : -1);
	free(text);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	sleep(KMEMLEAK_AGE);
	err = write_file(KMEMLEAK, "scan");
	/* What one scan takes for a leak may just be in a register, or on its way. */
	err = err ? err : write_file(KMEMLEAK, "scan");
	tell("debug kmemleak scanned %s\n", outcome(err));
	text = read_file(KMEMLEAK, NULL);
	if (text)
		tell_lines("leak ", text);
	free(text);
}
