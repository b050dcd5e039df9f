/* SPDX-License-Identifier: GPL-2.0-only */
/* Other hosts: documents of --json, archives of save, copies of sysfs. */
#ifndef HOSTFILE_H
#define HOSTFILE_H

#include "facts.h"
#include "vm/vm.h"

enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_UNKNOWN,
};

/**
 * struct hostfile - another host
 * @path: the file with its facts, which names the host in messages
 * @cpu: the properties that a guest's CPU inherits
 * @complete: the command that wrote the file could read everything
 * @groups: its groups
 * @assignable: of each group: would VFIO give it to a guest?
 */
struct hostfile {
	const char *path;
	struct vm_host cpu;
	bool complete;
	struct groups groups;
	enum answer *assignable;
};

void hostfile_read(const struct control *ctl, const char *path, struct hostfile *h);
void hostfile_free(struct hostfile *h);

#endif
