/* SPDX-License-Identifier: GPL-2.0-only */
/* The content of a picture of address space, which draw.c and svg.c draw. */
#ifndef PICTURE_H
#define PICTURE_H

#include "facts.h"
#include "vm/vm.h"

/* A step shows the first of these that is true for any group. */
enum host_state {
	HOST_REFUSED,		/* a guest cannot have it */
	HOST_UNKNOWN,
	HOST_ADVICE,		/* usable, but advice says to avoid it */
	HOST_USABLE,
	HOST_STATES,
};

/**
 * struct label - a reserved region beside a step
 * @text: its type, origin and device
 * @hit: FINDING_NO or FINDING_WARNING if the guest has an area there; else FINDING_NOTE
 */
struct label {
	char *text;
	enum severity hit;
};

/**
 * struct step - a range in which no region, usable range or area of the guest begins or ends
 * @at: the range
 * @host: whether a guest can use it on the host
 * @guest: the area that the guest has there, or NULL
 * @labels: the reserved regions there
 * @nr_labels: their number
 * @hit: the worst of the labels
 */
struct step {
	struct range at;
	enum host_state host;
	char *guest;
	struct label *labels;
	size_t nr_labels;
	enum severity hit;
};

/**
 * struct picture - what is drawn
 * @has_guest: a VM is shown
 * @steps: all addresses, lowest first
 * @nr: number of steps
 * @heads: lines above
 * @remarks: lines below
 */
struct picture {
	bool has_guest;
	struct step *steps;
	size_t nr;
	struct words heads;
	struct words remarks;
};

extern const char *const host_state_names[HOST_STATES];

/**
 * struct shown - the facts from which a picture is made
 * @groups: the groups
 * @guest: the VM, or NULL
 * @map: its memory map, or NULL
 * @verdict: the findings of check --vm about that map, or NULL
 */
struct shown {
	const struct groups *groups;
	const struct guest *guest;
	const struct guest_map *map;
	const struct vm_verdict *verdict;
};

/**
 * struct seen - the signs in a picture that its legend has to explain
 * @host: the states of steps in the picture
 * @guest: the guest has an area where it fits
 * @hit: the guest has an area where it does not fit
 */
struct seen {
	bool host[HOST_STATES];
	bool guest;
	bool hit;
};

void picture_make(const struct control *ctl, const struct shown *s, struct picture *p);
void picture_seen(const struct picture *p, struct seen *seen);
char *picture_hit(const struct label *label);
unsigned int picture_bits(const struct range *at);

/* draw.c */
void picture_draw(const struct control *ctl, const struct picture *p);

/* svg.c */
void picture_svg(const struct control *ctl, const struct picture *p, FILE *out);

#endif
