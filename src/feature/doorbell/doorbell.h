/* SPDX-License-Identifier: GPL-2.0-only */
/* MSI doorbells in VFIO's domains, on kernels that do not map them (Arm before v4.11). */
#ifndef RESV_FEATURE_DOORBELL_DOORBELL_H
#define RESV_FEATURE_DOORBELL_DOORBELL_H

/* Index of this feature in data[] of the tracker's objects. */
#define RESV_DOORBELL_INDEX	3

struct resv_feature;

extern const struct resv_feature resv_feature_doorbell;

#endif /* RESV_FEATURE_DOORBELL_DOORBELL_H */
