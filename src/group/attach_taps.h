/* SPDX-License-Identifier: GPL-2.0-only */
/* The events of the attachment tracker; for attach.c alone. */
#ifndef RESV_GROUP_ATTACH_TAPS_H
#define RESV_GROUP_ATTACH_TAPS_H

struct resv_tap;

#define RESV_ATTACH_TAPS		5
#define RESV_ATTACH_CONTAINER_TAPS	2
#define RESV_ATTACH_BRACKET_TAPS	2
#define RESV_ATTACH_HANDLE_TAPS		5
#define RESV_ATTACH_REPLACE_TAPS	2

/* In this order: the end of everything that is seen to begin is seen, too. */
extern const struct resv_tap *const resv_attach_taps[RESV_ATTACH_TAPS];

/* Needed to know that all groups of a container are known. */
extern const struct resv_tap *const
resv_attach_container_taps[RESV_ATTACH_CONTAINER_TAPS];

/* The bracket alone, see resv_attach_when_free(). */
extern const struct resv_tap *const
resv_attach_bracket_taps[RESV_ATTACH_BRACKET_TAPS];

/* What iommufd calls besides; which of them a kernel has is in attach_taps.c. */
extern const struct resv_tap *const
resv_attach_handle_taps[RESV_ATTACH_HANDLE_TAPS];
extern const struct resv_tap *const
resv_attach_replace_taps[RESV_ATTACH_REPLACE_TAPS];

#endif /* RESV_GROUP_ATTACH_TAPS_H */
