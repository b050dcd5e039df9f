/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracks whether a tracepoint is enabled. */
#ifndef RESV_FEATURE_CHECK_LISTEN_H
#define RESV_FEATURE_CHECK_LISTEN_H

#include <linux/types.h>

int resv_listen_map(void);
void resv_unlisten_map(void);
int resv_listen_attach(void);
void resv_unlisten_attach(void);
bool resv_listening(void);
void resv_listen_init(void (*act)(void));
void resv_listen_exit(void);

#endif /* RESV_FEATURE_CHECK_LISTEN_H */
