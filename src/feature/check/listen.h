/* SPDX-License-Identifier: GPL-2.0-only */
/* Who listens to the tracepoints. */
#ifndef RESV_FEATURE_CHECK_LISTEN_H
#define RESV_FEATURE_CHECK_LISTEN_H

int resv_refused_listen(void);
void resv_refused_unlisten(void);
void resv_listen_exit(void);

#endif /* RESV_FEATURE_CHECK_LISTEN_H */
