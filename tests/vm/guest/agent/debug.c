// SPDX-License-Identifier: GPL-2.0-only
/* The kernel log, and what a debug kernel found. */
#include "agent.h"

/* Send the lines of the log since the last call. */
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
 * The time that all tasks together have run on CPU 0: the seventh number of its line in
 * /proc/schedstat. The kernel adds a task's time when the task leaves the CPU, so this one sleeps
 * before it reads the file.
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

/* kmemleak reports an object only some seconds after it was allocated. */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6

/*
 * On a kernel with lockdep, sends "debug lockdep 1", or 0 if lockdep has stopped after a report;
 * then "debug kmemleak scanned ok|ERRNO", and "leak LINE" for each line of kmemleak's file.
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
	/* Scan twice: in one scan the only pointer to an object may be in a register. */
	err = err ? err : write_file(KMEMLEAK, "scan");
	tell("debug kmemleak scanned %s\n", outcome(err));
	text = read_file(KMEMLEAK, NULL);
	if (text)
		tell_lines("leak ", text);
	free(text);
}
