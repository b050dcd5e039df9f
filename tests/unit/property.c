// SPDX-License-Identifier: GPL-2.0-only
/*
 * Property tests: random sets of regions against models that are too simple
 * to be wrong, and the merge against the kernel's own function.
 *
 * RESV_SEED and RESV_SETS (default 100000) in the environment choose the
 * sets; the seed is printed, so that a failure can be repeated.
 */

#include <time.h>

#include "unit.h"
#include "kernel_merge.h"
#include "model/placement.h"

/*
 * The tests use a few cells in place of addresses. A region covers a run of
 * cells, and the model is a bitmap of cells. A mapping from cells to addresses
 * puts the cells at the low end, at the high end, or at both, with all
 * addresses between them as one huge cell.
 */
#define CELLS		48
#define MIDDLE		(CELLS / 2)
#define MAX_REGIONS	14

enum { LOW, HIGH, BOTH, NR_MAPPINGS };

static u64 rng_state, seed;
static unsigned int mapping, set_no;

/* splitmix64 */
static u64 rng(void)
{
	u64 z = rng_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)(rng() % n);
}

#define check(cond) do {						\
	if (!(cond))							\
		fail_msg("RESV_SEED=%llu set %u mapping %u: %s", seed,	\
			 set_no, mapping, #cond);			\
} while (0)

static u64 cell_start(unsigned int cell)
{
	switch (mapping) {
	case LOW:
		return cell;
	case HIGH:
		return ULLONG_MAX - (CELLS - 1) + cell;
	default:
		if (cell <= MIDDLE)
			return cell;
		return ULLONG_MAX - (CELLS - 1) + cell;
	}
}

static u64 cell_end(unsigned int cell)
{
	if (mapping == BOTH && cell == MIDDLE)
		return cell_start(MIDDLE + 1) - 1;
	return cell_start(cell);
}

struct run {
	unsigned int first, last;
};

static struct run random_run(void)
{
	struct run run;

	run.first = below(CELLS);
	run.last = run.first + below(below(4) ? 6 : CELLS);
	if (run.last >= CELLS)
		run.last = CELLS - 1;
	return run;
}

static struct resv_region random_region(void)
{
	struct run run = random_run();
	struct resv_region r = {
		.start = cell_start(run.first),
		.end = cell_end(run.last),
		.name = below(3),
		.type = (u8)below(RESV_NR_TYPES),
		.origin = (u8)below(2),
		.flags = (u8)below(4),
	};

	/* Mostly few types, so that regions of one type touch each other. */
	if (below(3))
		r.type = (u8)below(2);
	return r;
}

static bool covers(const struct resv_region *r, unsigned int cell)
{
	return r->start <= cell_start(cell) && cell_end(cell) <= r->end;
}

static void shuffle(struct resv_region *r, unsigned int n)
{
	struct resv_region tmp;
	unsigned int i, j;

	for (i = n; i > 1; i--) {
		j = below(i);
		tmp = r[i - 1];
		r[i - 1] = r[j];
		r[j] = tmp;
	}
}

static bool same(const struct resv_region *a, const struct resv_region *b)
{
	return a->start == b->start && a->end == b->end &&
	       a->type == b->type && a->name == b->name &&
	       a->origin == b->origin && a->flags == b->flags;
}

/* A set holds each region once, in order, whatever the order of insertion. */
static void check_add(struct resv_set *set, struct resv_region *r,
		      unsigned int n)
{
	struct resv_set other;
	unsigned int i, j, distinct = 0, found;
	u64 reach = 0;

	for (i = 0; i < n; i++)
		check(!resv_set_add(set, &r[i]));

	for (i = 0; i < n; i++) {
		for (j = 0; j < i && !same(&r[i], &r[j]); j++)
			;
		distinct += j == i;
		for (j = 0, found = 0; j < set->nr; j++)
			found += same(&r[i], &set->r[j]);
		check(found == 1);
	}
	check(set->nr == distinct);

	for (i = 0; i < set->nr; i++) {
		const struct resv_region *a = &set->r[i], *b = a + 1;

		if (a->end > reach)
			reach = a->end;
		check(set->reach[i] == reach);
		if (i + 1 == set->nr)
			break;
		check(a->start <= b->start);
		if (a->start == b->start) {
			check(a->end <= b->end);
			if (a->end == b->end)
				check(a->type < b->type ||
				      (a->type == b->type &&
				       a->name <= b->name));
		}
	}

	resv_set_init(&other);
	shuffle(r, n);
	for (i = 0; i < n; i++)
		check(!resv_set_add(&other, &r[i]));
	check(resv_set_equal(set, &other));
	resv_set_free(&other);
}

static void check_overlap(const struct resv_set *set)
{
	const struct resv_region *want, *got;
	struct run q;
	unsigned int n, i;
	u64 start, end;
	u32 mask;

	for (n = 0; n < 6; n++) {
		q = random_run();
		start = cell_start(q.first);
		end = cell_end(q.last);
		mask = (u32)rng();
		want = NULL;
		for (i = 0; i < set->nr && !want; i++)
			if (set->r[i].start <= end && set->r[i].end >= start &&
			    (mask & RESV_TYPE(set->r[i].type)))
				want = &set->r[i];
		got = resv_set_first_overlap(set, start, end, mask);
		check(got == want);
	}
}

struct count {
	const struct resv_set *set;
	unsigned int pairs;
};

static int count_conflict(void *ctx, const struct resv_region *a,
			  const struct resv_region *b)
{
	struct count *count = ctx;

	check(a < b);
	check(a->type != b->type);
	check(a->start <= b->end && b->start <= a->end);
	check(a->flags & b->flags & RESV_F_ENFORCED);
	count->pairs++;
	return 0;
}

static void check_conflicts(const struct resv_set *set)
{
	struct count count = { set, 0 };
	const struct resv_region *a, *b;
	unsigned int i, j, want = 0;

	for (i = 0; i < set->nr; i++) {
		for (j = 0; j < i; j++) {
			a = &set->r[i];
			b = &set->r[j];
			want += (a->flags & RESV_F_ENFORCED) &&
				(b->flags & RESV_F_ENFORCED) &&
				a->type != b->type && a->start <= b->end &&
				b->start <= a->end;
		}
	}
	check(!resv_set_each_conflict(set, count_conflict, &count));
	check(count.pairs == want);
}

static unsigned int unmerged_at_top;

/* The merge against the kernel's, and against the bitmap. */
static void check_merge(const struct resv_set *facts, struct resv_region *r,
			unsigned int n)
{
	struct iommu_resv_region in, *iter, *tmp;
	u32 mask = (u32)rng() | (u32)rng();
	struct resv_set one, other, all;
	bool at_top = false;
	LIST_HEAD(kernel);
	unsigned int i, cell, type;

	resv_set_init(&one);
	resv_set_init(&other);
	resv_set_init(&all);

	for (i = 0; i < n; i++) {
		memset(&in, 0, sizeof(in));
		in.start = r[i].start;
		/* 2^64 becomes 0, as it would in the kernel. */
		in.length = (size_t)(r[i].end - r[i].start + 1);
		in.type = r[i].type;
		check(!iommu_insert_resv_region(&in, &kernel));
		check(!resv_set_merge_one(&one, &r[i]));
		at_top |= r[i].end == ULLONG_MAX;
	}
	i = 0;
	list_for_each_entry(iter, &kernel, list) {
		check(i < one.nr);
		check(one.r[i].start == iter->start);
		check(one.r[i].end == iter->start + iter->length - 1);
		check(one.r[i].type == iter->type);
		i++;
	}
	check(i == one.nr);
	list_for_each_entry_safe(iter, tmp, &kernel, list)
		free(iter);

	check_overlap(&one);
	check_conflicts(&one);

	/* Merge the whole set with a mask, and its regions one by one. */
	for (i = 0; i < facts->nr; i++)
		if (mask & RESV_TYPE(facts->r[i].type))
			check(!resv_set_merge_one(&other, &facts->r[i]));
	check(!resv_set_merge(&all, facts, mask));
	check(resv_set_equal(&all, &other));
	resv_set_free(&all);
	resv_set_free(&other);

	/* Each type covers the same cells as before. */
	for (type = 0; type < RESV_NR_TYPES; type++) {
		for (cell = 0; cell < CELLS; cell++) {
			bool want = false, got = false;

			for (i = 0; i < n; i++)
				want |= r[i].type == type &&
					covers(&r[i], cell);
			for (i = 0; i < one.nr; i++)
				got |= one.r[i].type == type &&
				       covers(&one.r[i], cell);
			check(got == want);
		}
	}

	/* Unless something ends at the top, order does not matter ... */
	shuffle(r, n);
	for (i = 0; i < n; i++)
		check(!resv_set_merge_one(&other, &r[i]));
	if (!at_top) {
		check(one.nr == other.nr);
		for (i = 0; i < one.nr; i++)
			check(one.r[i].start == other.r[i].start &&
			      one.r[i].end == other.r[i].end &&
			      one.r[i].type == other.r[i].type);
	}
	/* ... and regions of one type are apart by a gap. */
	for (i = 0; i < one.nr; i++) {
		for (cell = i + 1; cell < one.nr; cell++) {
			if (one.r[i].type != one.r[cell].type)
				continue;
			if (at_top && one.r[i].end == ULLONG_MAX)
				unmerged_at_top++;
			else if (!at_top)
				check(one.r[cell].start > one.r[i].end + 1);
		}
	}
	resv_set_free(&other);
	resv_set_free(&one);
}

/* Complement of up to three runs of cells. Returns it for the window. */
static void check_complement(struct resv_ranges *out,
			     const struct resv_set *set)
{
	unsigned int nr = below(4), i, j, at = 0;
	struct resv_range aperture[3];
	bool open[CELLS] = { false };
	u32 mask = (u32)rng();
	struct run run;

	for (i = 0; i < nr; i++) {
		run = random_run();
		if (!below(3)) {
			run.first = 0;
			run.last = CELLS - 1;
		}
		aperture[i].start = cell_start(run.first);
		aperture[i].end = cell_end(run.last);
		for (j = run.first; j <= run.last; j++)
			open[j] = true;
	}
	for (i = 0; i < set->nr; i++)
		for (j = 0; j < CELLS; j++)
			if ((mask & RESV_TYPE(set->r[i].type)) &&
			    covers(&set->r[i], j))
				open[j] = false;

	check(!resv_ranges_complement(out, aperture, nr, set, mask));
	for (i = 0; i < CELLS; i = j) {
		for (j = i; j < CELLS && open[j]; j++)
			;
		if (j == i) {
			j++;
			continue;
		}
		check(at < out->nr);
		check(out->r[at].start == cell_start(i));
		check(out->r[at].end == cell_end(j - 1));
		at++;
	}
	check(at == out->nr);

	for (i = 0; i < 6; i++) {
		bool want = true;

		run = random_run();
		for (j = run.first; j <= run.last; j++)
			want &= open[j];
		check(resv_ranges_contain(out, cell_start(run.first),
					  cell_end(run.last)) == want);
	}
}

/* Try every place and take the best. */
static void check_window(const struct resv_ranges *out)
{
	bool open[CELLS] = { false }, found = false;
	struct resv_range avoid[3];
	struct resv_window_req req;
	u64 got = 0, want = 0;
	unsigned int i, j, size, align, limit, piece, best = 0;
	struct run run;
	int ret;

	if (mapping == BOTH)
		return;

	for (i = 0; i < CELLS; i++)
		open[i] = resv_ranges_contain(out, cell_start(i),
					      cell_end(i));
	req.nr_avoid = below(4);
	req.avoid = avoid;
	for (i = 0; i < req.nr_avoid; i++) {
		run = random_run();
		avoid[i].start = cell_start(run.first);
		avoid[i].end = cell_end(run.last);
		for (j = run.first; j <= run.last; j++)
			open[j] = false;
	}
	size = 1 + below(8);
	align = 1U << below(4);
	limit = below(3) ? CELLS - 1 : below(CELLS);
	req.size = size;
	req.align = align;
	req.limit = cell_end(limit);
	req.prefer = below(3) ? RESV_WINDOW_NO_PREFER :
				cell_start(below(CELLS));

	for (i = 0; i + size <= CELLS; i++) {
		unsigned int lo = i, hi = i + size - 1;

		for (j = i; j < i + size && open[j]; j++)
			;
		if (j < i + size || hi > limit ||
		    (cell_start(i) & (align - 1)))
			continue;
		/* The last address means that nothing is preferred. */
		if (req.prefer != RESV_WINDOW_NO_PREFER &&
		    cell_start(i) == req.prefer) {
			want = req.prefer;
			found = true;
			best = 0;
			continue;
		}
		while (lo && open[lo - 1])
			lo--;
		while (hi + 1 < CELLS && open[hi + 1])
			hi++;
		piece = hi - lo + 1;
		if (found && piece > best)
			continue;
		found = true;
		best = piece;
		want = cell_start(i);
	}

	ret = resv_window_place(out, &req, &got);
	check(ret == (found ? 0 : -ENOSPC));
	if (found) {
		check(got == want);
		check(!resv_window_check(out, got, size, align, req.limit));
	}
}

static unsigned int nr_sets = 100000;

static void random_sets(void **state)
{
	struct resv_region r[MAX_REGIONS];
	struct resv_ranges out;
	struct resv_set set;
	unsigned int i, n;

	(void)state;
	resv_ranges_init(&out);
	for (set_no = 0; set_no < nr_sets; set_no++) {
		mapping = set_no % NR_MAPPINGS;
		n = below(MAX_REGIONS + 1);
		for (i = 0; i < n; i++)
			r[i] = i && !below(8) ? r[below(i)] : random_region();

		resv_set_init(&set);
		check_add(&set, r, n);
		check_overlap(&set);
		check_conflicts(&set);
		check_merge(&set, r, n);
		check_complement(&out, &set);
		check_window(&out);
		resv_set_free(&set);
	}
	resv_ranges_free(&out);
	print_message("%u sets, %u pairs left unmerged at the top\n", nr_sets,
		      unmerged_at_top);
	/* Some sets had the corner where the order matters. */
	if (nr_sets >= 1000)
		assert_true(unmerged_at_top > 0);
}

static u64 environment(const char *name, u64 value)
{
	const char *s = getenv(name);
	char *end;

	if (!s || !*s)
		return value;
	value = strtoull(s, &end, 0);
	if (*end) {
		fprintf(stderr, "%s=%s is no number\n", name, s);
		exit(2);
	}
	return value;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sets),
	};

	seed = environment("RESV_SEED", (u64)time(NULL));
	nr_sets = (unsigned int)environment("RESV_SETS", nr_sets);
	rng_state = seed;
	printf("RESV_SEED=%llu RESV_SETS=%u\n", seed, nr_sets);
	fflush(stdout);
	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
