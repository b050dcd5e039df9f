/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of PCI vendors and devices, pci.ids. */
#ifndef IDS_H
#define IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct ids - a list in memory
 * @text: its content, NUL-terminated; NULL if it is not there
 * @vendors: where each vendor is, in the order of the list
 * @nr: their number
 */
struct ids {
	char *text;
	struct ids_vendor *vendors;
	size_t nr;
};

bool ids_open(struct ids *ids, const char *path);
char *ids_name(const struct ids *ids, uint16_t vendor, uint16_t device);
void ids_close(struct ids *ids);

#endif
