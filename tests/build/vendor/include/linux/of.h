/* SPDX-License-Identifier: GPL-2.0-only */
/* Empty: the probes that vendor shapes test need nothing of this header. */
