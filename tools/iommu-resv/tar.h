/* SPDX-License-Identifier: GPL-2.0-only */
/* Archives of "iommu-resv save", in the format ustar of POSIX. */
#ifndef TAR_H
#define TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* All entries of an archive are in this folder, so that tar(1) writes to no other. */
#define TAR_FOLDER	"iommu-resv-save"

/**
 * struct tar - an archive being written
 * @file: to here; its opener sees by ferror() whether all went well
 * @now: time of all that is in it
 */
struct tar {
	FILE *file;
	time_t now;
};

bool tar_file(struct tar *tar, const char *name, const char *content, size_t len);
bool tar_folder(struct tar *tar, const char *name);
bool tar_link(struct tar *tar, const char *name, const char *target);
void tar_end(struct tar *tar);

const char *tar_unpack(const char *path);

#endif
