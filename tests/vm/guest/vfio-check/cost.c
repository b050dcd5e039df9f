// SPDX-License-Identifier: GPL-2.0-only
/* Measures the cost of maps and attaches. */
#include "vfio.h"

#define COST_PAIRS	10

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * The median of many rounds. If instructions are counted, nearly all rounds are equal: an interrupt
 * makes one more expensive, and one in hundreds is cheaper, because another task did a part of it.
 */
static uint64_t middle(uint64_t ns[COST_ROUNDS], int n)
{
	qsort(ns, n, sizeof(*ns), by_value);
	return ns[n / 2];
}

/* Memory for maps of PAGES pages: MEM for one page, otherwise new memory in huge pages. */
static char *cost_memory(char *mem, unsigned long pages)
{
	char *more;

	if (pages == 1)
		return mem;
	more = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (more == MAP_FAILED) {
		printf("cost no huge pages: %s\n", errname(errno));
		return NULL;
	}
	memset(more, 1, pages * page);
	return more;
}

int do_cost(const char *id, char *mem, unsigned long pages, int rounds)
{
	uint64_t start, pair[COST_ROUNDS], attach[COST_ROUNDS];
	struct vfio v;
	int i, j;

	if (rounds < 1 || rounds > COST_ROUNDS)
		return 2;
	mem = cost_memory(mem, pages);
	if (!mem || !open_loud(&v, id))
		return 1;
	for (i = 0; i < rounds; i++) {
		start = cpu_ns();
		for (j = 0; j < COST_PAIRS; j++)
			if (map(&v, mem, 0x1000000, pages * page) ||
			    unmap(&v, 0x1000000, pages * page))
				return 1;
		pair[i] = cpu_ns() - start;
	}
	vfio_close(&v);
	for (i = 0; i < rounds; i++) {
		start = cpu_ns();
		if (vfio_open(&v, id))
			return 1;
		vfio_close(&v);
		attach[i] = cpu_ns() - start;
	}
	printf("cost pairs=%" PRIu64 " attach=%" PRIu64 "\n", middle(pair, rounds),
	       middle(attach, rounds));
	return 0;
}
