/* SPDX-License-Identifier: GPL-2.0-only */
/* Strict decoding of UTF-8. */
#ifndef UTF8_H
#define UTF8_H

unsigned int utf8_len(const unsigned char *s);

#endif
