/* SPDX-License-Identifier: GPL-2.0-only */
/* The events of the attachment tracker; only for attach.c. */
#ifndef RESV_GROUP_ATTACH_TAPS_H
#define RESV_GROUP_ATTACH_TAPS_H

struct resv_tap;

#define RESV_ATTACH_TAPS		5
#define RESV_ATTACH_CONTAINER_TAPS	2
#define RESV_ATTACH_BRACKET_TAPS	2
#define RESV_ATTACH_HANDLE_TAPS		5
#define RESV_ATTACH_REPLACE_TAPS	2

/* Ends come first: every attach whose beginning the taps see is also seen to end. */
extern const struct resv_tap *const resv_attach_taps[RESV_ATTACH_TAPS];

/* From these the tracker knows that it has seen all groups of a container. */
extern const struct resv_tap *const
resv_attach_container_taps[RESV_ATTACH_CONTAINER_TAPS];

/* Only the bracket, see resv_attach_when_free(). */
extern const struct resv_tap *const
resv_attach_bracket_taps[RESV_ATTACH_BRACKET_TAPS];

/* Functions that only iommufd calls; attach_taps.c says which kernels have them. */
extern const struct resv_tap *const
resv_attach_handle_taps[RESV_ATTACH_HANDLE_TAPS];
extern const struct resv_tap *const
resv_attach_replace_taps[RESV_ATTACH_REPLACE_TAPS];

#endif /* RESV_GROUP_ATTACH_TAPS_H */
