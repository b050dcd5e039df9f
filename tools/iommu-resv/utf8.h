/* SPDX-License-Identifier: GPL-2.0-only */
/* Characters in UTF-8, taken strictly. */
#ifndef UTF8_H
#define UTF8_H

unsigned int utf8_len(const unsigned char *s);

#endif
