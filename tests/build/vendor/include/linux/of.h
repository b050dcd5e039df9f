/* SPDX-License-Identifier: GPL-2.0-only */
/* No probe that a vendor shape is about needs any of it. */
