/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings that declare and window have saved, for the next boot and for devices that
 * are added later.
 */
#ifndef SAVED_H
#define SAVED_H

#include <stdbool.h>

#include "facts.h"

enum saved_kind {
	SAVED_DECLARE,
	SAVED_WINDOW,
};

/**
 * struct saved_item - one line that was understood
 * @kind: a region or a window
 * @owner: the device, by its address, or all devices of VENDOR:DEVICE
 * @range: SAVED_DECLARE: the region
 * @request: SAVED_WINDOW: as the kernel's file takes it
 */
struct saved_item {
	enum saved_kind kind;
	char *owner;
	struct range range;
	char *request;
};

/**
 * struct saved - the file
 * @items: its items
 * @nr: their number
 * @bad: some line was not understood
 */
struct saved {
	struct saved_item *items;
	size_t nr;
	bool bad;
};

extern const char *const saved_kinds[];

bool saved_names_model(const char *word);
char *saved_owner(struct control *ctl, const char *word);
int saved_groups(struct control *ctl, int argc, char **argv, struct groups *groups);
int groups_meant(struct control *ctl, char *word, struct groups *groups);
void saved_present(struct control *ctl, const char *owner, struct groups *groups);
bool region_holds(const struct group *g, const struct range *range);
bool saved_owns(const char *owner, const struct group *g);

void saved_lock(void);
bool saved_read(struct saved *saved);
void saved_free(struct saved *saved);

int saved_add_declare(const char *owner, const struct range *range);
int saved_add_window(const char *owner, const char *request);
int saved_forget_declare(const char *owner, const struct range *range);
int saved_forget_window(const char *owner);

#endif
