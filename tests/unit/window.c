// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the window placement. */

#include "unit.h"
#include "../../src/window.h"

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

	/* It moves if it is in the way of the guest. */
	req.avoid = &guest;
	req.nr_avoid = 1;
	assert_int_equal(resv_window_place(&free_ranges, &req, &base), 0);
	assert_int_equal(base, 0xfed00000);

	/* Or if it is not free. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check),
		cmocka_unit_test(keeps_what_fits),
		cmocka_unit_test(smallest_range_highest_place),
		cmocka_unit_test(equal_ranges_highest_wins),
		cmocka_unit_test(whole_space),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
