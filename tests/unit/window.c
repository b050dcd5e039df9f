// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the window placement. */

#include "unit.h"
#include "model/placement.h"

#define MB	0x100000ULL
#define GB	0x40000000ULL
#define TOP	ULLONG_MAX

static struct resv_range free_r[] = {
	{ 0x1000000, 0x7ffffff },	/* 112 MB */
	{ 0x8100000, 0xfedfffff },	/* nearly 4 GB */
	{ 0xfef00000, (1ULL << 48) - 1 },
};

static const struct resv_ranges free_ranges = { free_r, 3, 3 };

static struct resv_window_req request(void)
{
	struct resv_window_req req = {
		.size = MB,
		.align = MB,
		.limit = 4 * GB - 1,
		.prefer = RESV_WINDOW_NO_PREFER,
	};
	return req;
}

static void check(void **state)
{
	const struct resv_ranges *f = &free_ranges;

	(void)state;
	assert_int_equal(resv_window_check(f, 0x7f00000, MB, MB, TOP), 0);
	assert_int_equal(resv_window_check(f, 0x7f00000, MB, MB, 0x7ffffff),
			 0);
	assert_int_equal(resv_window_check(f, 0x7f00000, 0, MB, TOP), -EINVAL);
	assert_int_equal(resv_window_check(f, 0x7f00000, MB, 0, TOP), -EINVAL);
	assert_int_equal(resv_window_check(f, 0x7f00000, MB, 3, TOP), -EINVAL);
	assert_int_equal(resv_window_check(f, 0x7f01000, MB, MB, TOP),
			 -EINVAL);
	assert_int_equal(resv_window_check(f, 0x7f00000, MB, MB, 0x7fffffe),
			 -ERANGE);
	assert_int_equal(resv_window_check(f, TOP - MB + 1, MB, MB, TOP),
			 -EADDRINUSE);
	assert_int_equal(resv_window_check(f, TOP - MB + 1, MB + 1, MB, TOP),
			 -ERANGE);
	assert_int_equal(resv_window_check(f, 0x8000000, MB, MB, TOP),
			 -EADDRINUSE);
	assert_int_equal(resv_window_check(f, 0x7f00000, 2 * MB, MB, TOP),
			 -EADDRINUSE);
}

static void keeps_what_fits(void **state)
{
	struct resv_window_req req = request();
	const struct resv_range guest = { 0, GB - 1 };
	u64 base = 0;

	(void)state;
	req.prefer = 0x9000000;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base), 0);
	assert_int_equal(base, 0x9000000);

	/* The window moves if it overlaps the guest's memory. */
	req.avoid = &guest;
	req.nr_avoid = 1;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base), 0);
	assert_int_equal(base, 0xfed00000);

	/* It also moves if its place is not free. */
	req.nr_avoid = 0;
	req.prefer = 0x8000000;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base), 0);
	assert_int_equal(base, 0x7f00000);
}

static void smallest_range_highest_place(void **state)
{
	struct resv_window_req req = request();
	u64 base = 0;

	(void)state;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base), 0);
	assert_int_equal(base, 0x7f00000);

	req.size = 113 * MB;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base), 0);
	assert_int_equal(base, 0xf7d00000);

	req.limit = 0x7fffff;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base),
			 -ENOSPC);
}

static void equal_ranges_highest_wins(void **state)
{
	struct resv_range r[] = { { 0, 15 }, { 32, 47 }, { 64, 79 } };
	const struct resv_ranges f = { r, 3, 3 };
	struct resv_window_req req = request();
	u64 base = 0;

	(void)state;
	req.size = 8;
	req.align = 8;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_int_equal(base, 72);
	req.limit = 70;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_int_equal(base, 40);
}

static void whole_space(void **state)
{
	struct resv_range all = { 0, TOP };
	const struct resv_ranges f = { &all, 1, 1 };
	const struct resv_range avoid[] = {
		{ TOP, TOP }, { 0, 0 }, { 5, TOP - 0x20 }, { 3, 9 },
	};
	struct resv_window_req req = request();
	u64 base = 1;

	(void)state;
	req.limit = TOP;
	req.align = 1;
	req.size = TOP;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_int_equal(base, 1);
	req.align = 1ULL << 63;
	req.size = 1ULL << 63;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_true(base == 1ULL << 63);
	req.size++;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_int_equal(base, 0);

	req.avoid = avoid;
	req.nr_avoid = ARRAY_SIZE(avoid);
	req.align = 1;
	req.size = 2;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_int_equal(base, 1);
	req.size = 3;
	assert_int_equal(resv_window_place(&f, &req, &base), 0);
	assert_true(base == TOP - 3);
	req.size = 0x20;
	assert_int_equal(resv_window_place(&f, &req, &base), -ENOSPC);
}

static void refuses(void **state)
{
	const struct resv_range bad = { 1, 0 };
	struct resv_window_req req = request();
	u64 base = 42;

	(void)state;
	req.size = 0;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base),
			 -EINVAL);
	req = request();
	req.align = 0;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base),
			 -EINVAL);
	req.align = 12;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base),
			 -EINVAL);
	req = request();
	req.avoid = &bad;
	req.nr_avoid = 1;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base),
			 -EINVAL);
	assert_int_equal(base, 42);
}

/* A group as an Arm machine has it, with every kind of region. */
static struct resv_set regions, bridges;
static const struct resv_range aperture = { 0, (1ULL << 48) - 1 };

static struct resv_window_plan a_plan(void)
{
	return (struct resv_window_plan) {
		.regions = &regions,
		.bridges = &bridges,
		.aperture = &aperture,
		.page = 0x1000,
		.need = 0x3000,
		.size = MB,
		.native = 0x8000000,
	};
}

static void add(struct resv_set *set, u64 start, u64 end, enum resv_type type)
{
	const struct resv_region r = {
		.start = start,
		.end = end,
		.type = (u8)type,
		.origin = RESV_ORIGIN_KERNEL,
	};

	assert_int_equal(resv_set_add(set, &r), 0);
}

static int set_up(void **state)
{
	(void)state;
	resv_set_init(&regions);
	resv_set_init(&bridges);
	add(&regions, 0x8000000, 0x80fffff, RESV_SW_MSI);
	add(&regions, 1ULL << 48, TOP, RESV_OUT_OF_RANGE);
	add(&regions, 0x20000000, 0x2000ffff, RESV_RESERVED);
	add(&regions, 0x21000000, 0x2100ffff, RESV_DIRECT);
	add(&regions, 0x22000000, 0x2200ffff, RESV_DIRECT_RELAXABLE);
	add(&regions, 0x23000000, 0x2300ffff, RESV_MSI);
	add(&regions, 0x24000000, 0x2400ffff, RESV_PCI_WINDOW);
	add(&bridges, 0x30000000, 0x3effffff, RESV_PCI_WINDOW);
	add(&bridges, 0x8000000000, 0xffffffffff, RESV_PCI_WINDOW);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	resv_set_free(&regions);
	resv_set_free(&bridges);
	return 0;
}

static void judged(const struct resv_window_plan *plan, u64 base, u64 size,
		   int want, enum resv_window_fault fault, u64 hit_start)
{
	const struct resv_region *hit;
	enum resv_window_fault got;

	assert_int_equal(resv_window_judge(plan, base, size, &got, &hit), want);
	if (want)
		assert_int_equal(got, fault);
	if (want == -EADDRINUSE)
		assert_true(hit && hit->start == hit_start);
	else
		assert_null(hit);
}

static void judges(void **state)
{
	static const u64 taken[] = {
		0x20000000, 0x21000000, 0x22000000, 0x23000000, 0x24000000,
		0x30000000, 0x8000000000,
	};
	struct resv_window_plan plan = a_plan();
	const u64 end = 1ULL << 48;
	unsigned int i;

	(void)state;
	/* Accepted: the window's own place, a part of it, and free places up to the aperture's end. */
	judged(&plan, 0x8000000, MB, 0, 0, 0);
	judged(&plan, 0x8080000, MB, 0, 0, 0);
	judged(&plan, 0x1000, 0x3000, 0, 0, 0);
	judged(&plan, end - MB, MB, 0, 0, 0);

	judged(&plan, 0x8000001, MB, -EINVAL, RESV_WINDOW_ALIGN, 0);
	judged(&plan, 0x8000800, MB, -EINVAL, RESV_WINDOW_ALIGN, 0);
	judged(&plan, 0x8000000, MB + 1, -EINVAL, RESV_WINDOW_ALIGN, 0);
	judged(&plan, 0x8000000, 0, -EINVAL, RESV_WINDOW_ALIGN, 0);
	judged(&plan, 0, MB, -EINVAL, RESV_WINDOW_ZERO, 0);
	judged(&plan, 0x8000000, 0x2000, -EINVAL, RESV_WINDOW_SMALL, 0);
	judged(&plan, end, MB, -ERANGE, RESV_WINDOW_OUTSIDE, 0);
	judged(&plan, end - MB + 0x1000, MB, -ERANGE, RESV_WINDOW_OUTSIDE, 0);
	judged(&plan, TOP - 0xfff, 0x3000, -ERANGE, RESV_WINDOW_OUTSIDE, 0);
	judged(&plan, 0x1000, TOP - 0xfff, -ERANGE, RESV_WINDOW_OUTSIDE, 0);
	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		judged(&plan, taken[i], MB, -EADDRINUSE, RESV_WINDOW_TAKEN,
		       taken[i]);
		judged(&plan, taken[i] - MB + 0x1000, MB, -EADDRINUSE,
		       RESV_WINDOW_TAKEN, taken[i]);
		judged(&plan, taken[i] - MB, MB, 0, 0, 0);
		judged(&plan, taken[i] - MB, 0x10000000, -EADDRINUSE,
		       RESV_WINDOW_TAKEN, taken[i]);
	}
	judged(&plan, 0x20010000, MB, 0, 0, 0);
	judged(&plan, 0x2000f000, MB, -EADDRINUSE, RESV_WINDOW_TAKEN,
	       0x20000000);

	judged(&plan, 4 * GB, MB, 0, 0, 0);
	plan.below_4g = true;
	judged(&plan, 4 * GB - MB, MB, 0, 0, 0);
	judged(&plan, 4 * GB - MB + 0x1000, MB, -ERANGE, RESV_WINDOW_HIGH32, 0);
	judged(&plan, 4 * GB, MB, -ERANGE, RESV_WINDOW_HIGH32, 0);
	plan.below_4g = false;
	plan.aperture = NULL;
	judged(&plan, 4 * GB - MB, MB, 0, 0, 0);
	judged(&plan, 4 * GB, MB, -ERANGE, RESV_WINDOW_OUTSIDE, 0);
	plan.page = 0x10000;
	judged(&plan, 0x8001000, MB, -EINVAL, RESV_WINDOW_ALIGN, 0);
}

static void chosen(const struct resv_window_plan *plan,
		   const struct resv_range *avoid, unsigned int nr, int want,
		   u64 base, enum resv_window_why why)
{
	enum resv_window_why got_why;
	u64 got = 0;

	assert_int_equal(resv_window_choose(plan, avoid, nr, &got, &got_why),
			 want);
	if (want)
		return;
	if (got != base)
		fail_msg("0x%llx, expected 0x%llx", got, base);
	assert_int_equal(got_why, why);
	judged(plan, got, plan->size, 0, 0, 0);
}

static void chooses(void **state)
{
	const struct resv_range low = { 0, GB - 1 }, all32 = { 0, 4 * GB - 1 };
	const struct resv_range all = { 0, TOP }, bad = { 2, 1 };
	struct resv_window_plan plan = a_plan();

	(void)state;
	chosen(&plan, NULL, 0, 0, 0x8000000, RESV_WINDOW_KEPT);
	chosen(&plan, &low, 1, 0, 0xfff00000, RESV_WINDOW_LOW);
	/* Between 4 GiB and the bridge's window is less than above it. */
	chosen(&plan, &all32, 1, 0, 0x8000000000 - MB, RESV_WINDOW_HIGH);
	chosen(&plan, &all, 1, -ENOSPC, 0, 0);
	chosen(&plan, &bad, 1, -EINVAL, 0, 0);
	plan.below_4g = true;
	chosen(&plan, &all32, 1, -ENOSPC, 0, 0);
	chosen(&plan, &low, 1, 0, 0xfff00000, RESV_WINDOW_LOW);
	plan.below_4g = false;
	plan.aperture = NULL;
	chosen(&plan, &low, 1, 0, 0xfff00000, RESV_WINDOW_LOW);
	chosen(&plan, &all32, 1, -ENOSPC, 0, 0);
	/* Firmware's region over the kernel's place: it moves. */
	plan = a_plan();
	add(&regions, 0x7800000, 0x87fffff, RESV_RESERVED);
	chosen(&plan, NULL, 0, 0, 0x23f00000, RESV_WINDOW_LOW);
	/* The doorbells need more than the kernel's window. */
	plan.size = 4 * MB;
	plan.need = 3 * MB + 0x1000;
	chosen(&plan, NULL, 0, 0, 0x23c00000, RESV_WINDOW_LOW);
	/* Only the page at 0 is free here, which is never used. */
	plan.size = 0x1000;
	plan.need = 0x1000;
	add(&regions, 0x1000, TOP, RESV_RESERVED);
	chosen(&plan, NULL, 0, -ENOSPC, 0, 0);
}

/* The function finds a place exactly if trying every place finds one. */
static void chooses_if_there_is_one(void **state)
{
	const struct resv_range reach = { 0, 32 * MB - 1 };
	unsigned int i, n, found = 0, none = 0;
	struct resv_window_plan plan = a_plan();

	(void)state;
	srand(1);
	plan.aperture = &reach;
	for (n = 0; n < 3000; n++) {
		const struct resv_region *hit;
		struct resv_range avoid[3];
		enum resv_window_fault fault;
		enum resv_window_why why;
		bool any = false;
		u64 base;
		int ret;

		resv_set_free(&regions);
		resv_set_free(&bridges);
		for (i = 0; i < 8; i++) {
			u64 start = (u64)(rand() % 64) << 19;
			u64 end = start + ((u64)(rand() % 8 + 1) << 19) - 1;

			add(i < 6 ? &regions : &bridges, start, end,
			    (enum resv_type)(i < 6 ? rand() % RESV_SW_MSI :
					     RESV_PCI_WINDOW));
		}
		for (i = 0; i < 3; i++) {
			avoid[i].start = (u64)(rand() % 64) << 19;
			avoid[i].end = avoid[i].start +
				       ((u64)(rand() % 16 + 1) << 19) - 1;
		}
		plan.size = (u64)(rand() % 4 + 1) << 20;
		plan.native = (u64)(rand() % 32) << 20;
		ret = resv_window_choose(&plan, avoid, 3, &base, &why);
		for (i = 0; i < 32 && !any; i++) {
			u64 at = (u64)i << 20, end = at + plan.size - 1;

			any = !resv_window_judge(&plan, at, plan.size, &fault,
						 &hit) &&
			      (avoid[0].start > end || avoid[0].end < at) &&
			      (avoid[1].start > end || avoid[1].end < at) &&
			      (avoid[2].start > end || avoid[2].end < at);
		}
		assert_int_equal(ret, any ? 0 : -ENOSPC);
		if (ret) {
			none++;
			continue;
		}
		found++;
		judged(&plan, base, plan.size, 0, 0, 0);
		for (i = 0; i < 3; i++)
			assert_true(avoid[i].start > base + plan.size - 1 ||
				    avoid[i].end < base);
	}
	/* Both results occurred often enough. */
	if (found < 100 || none < 100)
		fail_msg("%u found, %u not", found, none);
}

static void conflicts(void **state)
{
	const struct resv_region *r;

	(void)state;
	r = resv_window_conflict(&regions, 0x20000000, 0x21ffffff, NULL);
	assert_true(r && r->start == 0x20000000);
	r = resv_window_conflict(&regions, 0x20000000, 0x21ffffff, r);
	assert_true(r && r->start == 0x21000000);
	r = resv_window_conflict(&regions, 0x20000000, 0x21ffffff, r);
	assert_null(r);
	/* Neither the window's own place nor a region beyond the aperture is a conflict. */
	assert_null(resv_window_conflict(&regions, 0x8000000, 0x80fffff, NULL));
	assert_null(resv_window_conflict(&regions, 1ULL << 48, TOP, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check),
		cmocka_unit_test(keeps_what_fits),
		cmocka_unit_test(smallest_range_highest_place),
		cmocka_unit_test(equal_ranges_highest_wins),
		cmocka_unit_test(whole_space),
		cmocka_unit_test(refuses),
		cmocka_unit_test_setup_teardown(judges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chooses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chooses_if_there_is_one, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(conflicts, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
