// SPDX-License-Identifier: GPL-2.0-only
/* Steps that load and unload modules. */
#include "agent.h"

int load(char **word, int n)
{
	char params[1024] = "";
	int fd = open(word[0], O_RDONLY | O_CLOEXEC), i, err = 0;

	if (fd < 0)
		return errno;
	for (i = 1; i < n; i++) {
		strncat(params, word[i], sizeof(params) - strlen(params) - 2);
		strcat(params, " ");
	}
	if (syscall(SYS_finit_module, fd, params, 0))
		err = errno;
	close(fd);
	return err;
}

int unload(const char *name)
{
	int i, err = 0;

	/* A reader of sysfs may hold the module for a moment. */
	for (i = 0; i < 100; i++) {
		err = syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
		if (err != EAGAIN && err != EBUSY && err != EWOULDBLOCK)
			break;
		usleep(10000);
	}
	return err;
}

/* WORD: FILE MODULE [PARAMETER...] */
void cycle(int n, char **word, int words)
{
	int i, failures = 0, err;
	char *name = word[1];

	/* load() takes the parameters right behind the file. */
	word[1] = word[0];
	for (i = 0; i < n; i++) {
		err = load(word + 1, words - 1);
		if (!err) {
			usleep(50000);
			err = unload(name);
		}
		if (err) {
			failures++;
			tell("cycle-error %d %s\n", i, outcome(err));
		}
	}
	tell("cycle %d %d\n", n, failures);
}
