/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Map checks, for kernels whose VFIO makes none (before v5.4), and explanations of
 * VFIO's refusals, for kernels whose VFIO checks maps.
 */
#ifndef RESV_FEATURE_CHECK_CHECK_H
#define RESV_FEATURE_CHECK_CHECK_H

/*
 * Indexes of this feature's clients of the tracker: the operations of domains (ops.c), and
 * the rules (rules.c), whose data[] it is.  The verdict on a domain depends on its
 * operations, so these come first.
 */
#define RESV_OPS_INDEX		0
#define RESV_CHECK_INDEX	1

struct resv_feature;

/* The parameter "checks". */
enum resv_check_mode {
	RESV_CHECK_ENFORCE,
	RESV_CHECK_WARN,
	RESV_CHECK_OFF,
};

/* The parameter "explain". */
enum resv_explain_mode {
	RESV_EXPLAIN_AUTO,
	RESV_EXPLAIN_ON,
	RESV_EXPLAIN_OFF,
};

extern const struct resv_feature resv_feature_check;

void resv_check_set_mode(enum resv_check_mode new);
enum resv_check_mode resv_check_mode(void);
bool resv_check_wanted(void);
void resv_check_set_way(bool copied, bool probed);
bool resv_check_copies_ops(void);
bool resv_check_probes_maps(void);
void resv_explain_set_mode(enum resv_explain_mode new);
enum resv_explain_mode resv_explain_mode(void);
bool resv_explain_wanted(void);

#endif /* RESV_FEATURE_CHECK_CHECK_H */
