/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

/* One block of SHA-256 holds no more, with its padding. */
#define SHA256_SHORT	55

void sha256_short(const char *text, size_t len, uint8_t digest[32]);

#endif
