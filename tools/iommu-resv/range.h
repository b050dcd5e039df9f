/* SPDX-License-Identifier: GPL-2.0-only */
/* Ranges of the command line. */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>

#include "facts.h"

/* No IOMMU of x86_64 or arm64 has smaller pages. */
#define PAGE_MIN	4096

/* The kernel's file msi_window takes no more ranges to avoid. */
#define AVOID_MAX	8

uint64_t address_of_word(const char *word);
bool range_of_size(uint64_t start, uint64_t size, struct range *range);
void range_of_word(const char *word, struct range *range);
bool range_of_pair(const char *first, const char *second, struct range *range);
void range_of_words(int argc, char **argv, struct range *range);
unsigned int range_whole_bits(uint64_t end);
bool range_aligned(const struct range *range);
void ranges_intersect(struct ranges *a, const struct ranges *b);

#endif
