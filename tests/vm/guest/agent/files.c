// SPDX-License-Identifier: GPL-2.0-only
/* Steps that write files in many ways, or wait for files. */
#include "agent.h"

void wait_path(const char *path, bool gone)
{
	uint64_t start = now_ns(), ms;
	bool there;

	do {
		there = !access(path, F_OK);
		ms = (now_ns() - start) / 1000000;
		if (there != gone)
			break;
		usleep(5000);
	} while (ms < 30000);
	tell("wait %s %s %llu\n", path, there != gone ? "ok" : "timeout", (unsigned long long)ms);
}

static int write_weakly(const char *cap, const char *path, const char *text)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	int nr = !strcmp(cap, "SYS_ADMIN") ? CAP_SYS_ADMIN : CAP_SYS_RAWIO;

	if (syscall(SYS_capget, &head, caps))
		return errno;
	caps[CAP_TO_INDEX(nr)].effective &= ~CAP_TO_MASK(nr);
	if (syscall(SYS_capset, &head, caps))
		return errno;
	return write_file(path, text);
}

void write_without(const char *cap, const char *path, const char *text)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(write_weakly(cap, path, text));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		tell("failed write-without %s\n", cap);
	else
		tell("write-without %s %s\n", cap, outcome(WEXITSTATUS(status)));
}

void write_hex(const char *path, const char *hex)
{
	size_t n = strlen(hex) / 2, i;
	char *bytes = malloc(n + 1);
	ssize_t done = -1;
	unsigned int byte;
	int fd, err;

	for (i = 0; i < n && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		bytes[i] = byte;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		done = write(fd, bytes, n);
	err = done < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	free(bytes);
	tell("write-hex %s %zd\n", outcome(err), done);
}

/* Write VERB with pages from START on, STRIDE apart, until one is refused or MAX were written. */
void declare_many(const char *cmd, const char *verb, char **word)
{
	uint64_t start = strtoull(word[1], NULL, 0), stride = strtoull(word[2], NULL, 0);
	uint64_t page = sysconf(_SC_PAGESIZE);
	unsigned long i, max = strtoul(word[3], NULL, 0);
	char text[80];
	int err = 0;

	for (i = 0; i < max; i++, start += stride) {
		snprintf(text, sizeof(text), "%s 0x%llx 0x%llx\n", verb,
			 (unsigned long long)start, (unsigned long long)(start + page - 1));
		err = write_file(word[0], text);
		if (err)
			break;
	}
	tell("%s %lu %s\n", cmd, i, outcome(err));
}

void cat(const char *path)
{
	char *text = read_file(path, NULL);

	tell("file %s %s\n", path, outcome(text ? 0 : errno));
	if (text)
		tell_lines("| ", text);
	free(text);
}

void wait_text(const char *path, const char *want)
{
	uint64_t start = now_ns(), ms;
	bool there = false;
	char *text;

	do {
		text = read_file(path, NULL);
		there = text && strstr(text, want);
		free(text);
		ms = (now_ns() - start) / 1000000;
		if (there)
			break;
		usleep(20000);
	} while (ms < 30000);
	tell("wait-text %s %llu\n", there ? "ok" : "timeout", (unsigned long long)ms);
}
