// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the region sets. tests/unit/property.c does the many cases. */

#include "alloc.h"
#include "model/region.h"

#define TOP	ULLONG_MAX

static struct resv_region region(u64 start, u64 end, enum resv_type type)
{
	struct resv_region r = {
		.start = start,
		.end = end,
		.type = (u8)type,
		.flags = RESV_F_ENFORCED,
	};
	return r;
}

static int add(struct resv_set *set, u64 start, u64 end, enum resv_type type)
{
	struct resv_region r = region(start, end, type);

	return resv_set_add(set, &r);
}

static int merge_one(struct resv_set *set, u64 start, u64 end,
		     enum resv_type type)
{
	struct resv_region r = region(start, end, type);

	return resv_set_merge_one(set, &r);
}

static const char *show(const struct resv_set *set)
{
	unsigned int i;

	unit_log_clear();
	for (i = 0; i < set->nr; i++)
		unit_log_add("%llx-%llx %s\n", set->r[i].start, set->r[i].end,
			     resv_type_name(set->r[i].type));
	return unit_log;
}

static const char *show_ranges(const struct resv_ranges *ranges)
{
	unsigned int i;

	unit_log_clear();
	for (i = 0; i < ranges->nr; i++)
		unit_log_add("%llx-%llx\n", ranges->r[i].start,
			     ranges->r[i].end);
	return unit_log;
}

static void names(void **state)
{
	unsigned int i;

	(void)state;
	assert_string_equal(resv_type_name(RESV_DIRECT), "direct");
	assert_string_equal(resv_type_name(RESV_DIRECT_RELAXABLE),
			    "direct-relaxable");
	assert_string_equal(resv_type_name(RESV_RESERVED), "reserved");
	assert_string_equal(resv_type_name(RESV_MSI), "msi");
	assert_string_equal(resv_type_name(RESV_SW_MSI), "sw-msi");
	assert_string_equal(resv_type_name(RESV_OUT_OF_RANGE), "out-of-range");
	assert_string_equal(resv_type_name(RESV_PCI_WINDOW), "pci-window");
	assert_string_equal(resv_type_name(RESV_NR_TYPES), "?");
	assert_string_equal(resv_origin_name(RESV_ORIGIN_KERNEL), "kernel");
	assert_string_equal(resv_origin_name(RESV_ORIGIN_WINDOW), "window");
	assert_string_equal(resv_origin_name(RESV_NR_ORIGINS), "?");
	for (i = 0; i < RESV_NR_TYPES; i++)
		assert_non_null(resv_type_name(i));
	for (i = 0; i < RESV_NR_ORIGINS; i++)
		assert_non_null(resv_origin_name(i));
}

static void add_sorts(void **state)
{
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	assert_int_equal(add(&set, 0x20, 0x2f, RESV_RESERVED), 0);
	assert_int_equal(add(&set, 0, TOP, RESV_RESERVED), 0);
	assert_int_equal(add(&set, TOP, TOP, RESV_MSI), 0);
	assert_int_equal(add(&set, 0x20, 0x2f, RESV_DIRECT), 0);
	assert_int_equal(add(&set, 0, 0, RESV_SW_MSI), 0);
	assert_int_equal(add(&set, 0x20, 0x27, RESV_SW_MSI), 0);
	assert_string_equal(show(&set),
			    "0-0 sw-msi\n"
			    "0-ffffffffffffffff reserved\n"
			    "20-27 sw-msi\n"
			    "20-2f direct\n"
			    "20-2f reserved\n"
			    "ffffffffffffffff-ffffffffffffffff msi\n");
	resv_set_free(&set);
	assert_int_equal(set.nr, 0);
}

static void add_drops_duplicates_only(void **state)
{
	struct resv_region r = region(1, 2, RESV_DIRECT);
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	assert_int_equal(resv_set_add(&set, &r), 0);
	assert_int_equal(resv_set_add(&set, &r), 0);
	assert_int_equal(set.nr, 1);
	r.name = 7;
	assert_int_equal(resv_set_add(&set, &r), 0);
	assert_int_equal(set.nr, 2);
	r.origin = RESV_ORIGIN_RMRR;
	assert_int_equal(resv_set_add(&set, &r), 0);
	assert_int_equal(set.nr, 3);
	r.flags = RESV_F_ADDED;
	assert_int_equal(resv_set_add(&set, &r), 0);
	assert_int_equal(resv_set_add(&set, &r), 0);
	assert_int_equal(set.nr, 4);
	resv_set_free(&set);
}

static void add_refuses(void **state)
{
	struct resv_region r = region(1, 2, RESV_DIRECT);
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	assert_int_equal(add(&set, 2, 1, RESV_DIRECT), -EINVAL);
	assert_int_equal(add(&set, 1, 2, RESV_NR_TYPES), -EINVAL);
	r.origin = RESV_NR_ORIGINS;
	assert_int_equal(resv_set_add(&set, &r), -EINVAL);
	assert_int_equal(set.nr, 0);

	assert_int_equal(merge_one(&set, 2, 1, RESV_DIRECT), -EINVAL);
	assert_int_equal(merge_one(&set, 1, 2, RESV_DIRECT), 0);
	assert_int_equal(add(&set, 1, 2, RESV_DIRECT), -EINVAL);
	resv_set_free(&set);

	assert_int_equal(add(&set, 1, 2, RESV_DIRECT), 0);
	assert_int_equal(merge_one(&set, 1, 2, RESV_DIRECT), -EINVAL);
	assert_int_equal(resv_set_merge(&set, &set, RESV_ALL_TYPES), -EINVAL);
	resv_set_free(&set);
}

static void merge_rule(void **state)
{
	struct resv_set set, facts;

	(void)state;
	resv_set_init(&set);
	resv_set_init(&facts);

	/* Regions of one type that touch or overlap become one ... */
	merge_one(&set, 0x1000, 0x1fff, RESV_DIRECT);
	merge_one(&set, 0x3000, 0x3fff, RESV_DIRECT);
	assert_int_equal(set.nr, 2);
	merge_one(&set, 0x2000, 0x2fff, RESV_DIRECT);
	assert_string_equal(show(&set), "1000-3fff direct\n");
	/* ... regions with one byte between them do not ... */
	merge_one(&set, 0x4001, 0x4fff, RESV_DIRECT);
	assert_int_equal(set.nr, 2);
	/* ... and regions of other types neither prevent that nor change. */
	merge_one(&set, 0x3000, 0x4000, RESV_MSI);
	merge_one(&set, 0x3000, 0x4000, RESV_DIRECT_RELAXABLE);
	merge_one(&set, 0x4000, 0x4000, RESV_DIRECT);
	assert_string_equal(show(&set),
			    "1000-4fff direct\n"
			    "3000-4000 direct-relaxable\n"
			    "3000-4000 msi\n");
	resv_set_free(&set);

	/* resv_set_merge() takes only the types in the mask. */
	add(&facts, 0, 9, RESV_PCI_WINDOW);
	add(&facts, 0, 3, RESV_SW_MSI);
	add(&facts, 0, 9, RESV_RESERVED);
	assert_int_equal(resv_set_merge(&set, &facts, RESV_KERNEL_TYPES), 0);
	assert_string_equal(show(&set), "0-9 reserved\n0-3 sw-msi\n");
	resv_set_free(&set);
	resv_set_free(&facts);
}

/* The kernel's sum wraps at the top: see resv_set_merge_one(). */
static void merge_at_the_top(void **state)
{
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	merge_one(&set, 5, 10, RESV_RESERVED);
	merge_one(&set, 8, 20, RESV_RESERVED);
	merge_one(&set, 6, TOP, RESV_RESERVED);
	assert_string_equal(show(&set), "5-ffffffffffffffff reserved\n");
	resv_set_free(&set);

	merge_one(&set, 8, 20, RESV_RESERVED);
	merge_one(&set, 6, TOP, RESV_RESERVED);
	merge_one(&set, 5, 10, RESV_RESERVED);
	assert_string_equal(show(&set),
			    "5-ffffffffffffffff reserved\n"
			    "8-14 reserved\n");
	resv_set_free(&set);

	/* Two devices that list the same region up to the top: two lines. */
	merge_one(&set, 9, TOP, RESV_RESERVED);
	merge_one(&set, 9, TOP, RESV_RESERVED);
	assert_int_equal(set.nr, 2);
	resv_set_free(&set);

	merge_one(&set, 0, TOP, RESV_RESERVED);
	merge_one(&set, 0, TOP, RESV_RESERVED);
	assert_string_equal(show(&set), "0-ffffffffffffffff reserved\n");
	resv_set_free(&set);
}

static void merge_keeps_what_agrees(void **state)
{
	struct resv_region r = region(1, 2, RESV_DIRECT);
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	r.name = 4;
	r.origin = RESV_ORIGIN_RMRR;
	r.flags = RESV_F_ADDED | RESV_F_ENFORCED;
	resv_set_merge_one(&set, &r);
	r.start = 3;
	r.end = 4;
	resv_set_merge_one(&set, &r);
	assert_int_equal(set.nr, 1);
	assert_int_equal(set.r[0].name, 4);
	assert_int_equal(set.r[0].origin, RESV_ORIGIN_RMRR);
	assert_int_equal(set.r[0].flags, RESV_F_ADDED | RESV_F_ENFORCED);

	r.name = 5;
	r.origin = RESV_ORIGIN_DT;
	r.flags = 0;
	resv_set_merge_one(&set, &r);
	assert_int_equal(set.nr, 1);
	assert_int_equal(set.r[0].name, 0);
	assert_int_equal(set.r[0].origin, RESV_ORIGIN_KERNEL);
	assert_int_equal(set.r[0].flags, RESV_F_ENFORCED);
	resv_set_free(&set);
}

static void copy_and_equal(void **state)
{
	struct resv_set a, b;

	(void)state;
	resv_set_init(&a);
	resv_set_init(&b);
	assert_true(resv_set_equal(&a, &b));
	add(&a, 1, 2, RESV_MSI);
	add(&a, 0, TOP, RESV_RESERVED);
	assert_false(resv_set_equal(&a, &b));
	assert_int_equal(resv_set_copy(&b, &a), 0);
	assert_int_equal(resv_set_copy(&b, &b), 0);
	assert_true(resv_set_equal(&a, &b));
	assert_ptr_equal(resv_set_first_overlap(&b, 3, 3, RESV_ALL_TYPES),
			 &b.r[0]);
	b.r[1].name = 3;
	assert_false(resv_set_equal(&a, &b));
	resv_set_free(&a);
	assert_int_equal(resv_set_copy(&b, &a), 0);
	assert_int_equal(b.nr, 0);
	resv_set_free(&b);

	/* A copy of a merged set is a merged set. */
	merge_one(&a, 1, 2, RESV_MSI);
	assert_int_equal(resv_set_copy(&b, &a), 0);
	assert_int_equal(add(&b, 1, 2, RESV_DIRECT), -EINVAL);
	resv_set_free(&a);
	resv_set_free(&b);
}

static void first_overlap(void **state)
{
	const struct resv_region *r;
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	assert_null(resv_set_first_overlap(&set, 0, TOP, RESV_ALL_TYPES));
	add(&set, 0x100, 0x1ff, RESV_DIRECT);
	add(&set, 0x100, 0xfff, RESV_OUT_OF_RANGE);
	add(&set, 0x300, 0x3ff, RESV_MSI);
	add(&set, TOP, TOP, RESV_RESERVED);

	assert_null(resv_set_first_overlap(&set, 0, 0xff, RESV_ALL_TYPES));
	r = resv_set_first_overlap(&set, 0, 0x100, RESV_ALL_TYPES);
	assert_int_equal(r->type, RESV_DIRECT);
	/* A region that begins before shorter ones is still found. */
	r = resv_set_first_overlap(&set, 0x400, 0x400, RESV_ALL_TYPES);
	assert_int_equal(r->type, RESV_OUT_OF_RANGE);
	assert_null(resv_set_first_overlap(&set, 0x400, 0x400,
					   RESV_TYPE(RESV_MSI)));
	r = resv_set_first_overlap(&set, 0x3ff, TOP, RESV_TYPE(RESV_MSI));
	assert_int_equal(r->type, RESV_MSI);
	assert_null(resv_set_first_overlap(&set, 0x1000, TOP - 1,
					   RESV_ALL_TYPES));
	r = resv_set_first_overlap(&set, TOP, TOP, RESV_ALL_TYPES);
	assert_int_equal(r->type, RESV_RESERVED);
	assert_null(resv_set_first_overlap(&set, 0x301, 0x300,
					   RESV_ALL_TYPES));
	resv_set_free(&set);
}

static int log_conflict(void *ctx, const struct resv_region *a,
			const struct resv_region *b)
{
	int *stop_after = ctx;

	unit_log_add("%s %s\n", resv_type_name(a->type),
		     resv_type_name(b->type));
	return --*stop_after ? 0 : -EAGAIN;
}

static void conflicts(void **state)
{
	struct resv_region advice = region(0x8000000, 0x9000000,
					   RESV_PCI_WINDOW);
	struct resv_set set;
	int stop = 100;

	(void)state;
	advice.flags = 0;
	resv_set_init(&set);
	add(&set, 0x8000000, 0x80fffff, RESV_SW_MSI);
	add(&set, 0x80ff000, 0x81fffff, RESV_DIRECT);
	add(&set, 0x8000000, 0x80effff, RESV_SW_MSI);
	add(&set, 0x8200000, 0x82fffff, RESV_DIRECT);
	resv_set_add(&set, &advice);
	unit_log_clear();
	assert_int_equal(resv_set_each_conflict(&set, log_conflict, &stop), 0);
	assert_string_equal(unit_log, "sw-msi direct\n");

	add(&set, 0x82fffff, TOP, RESV_OUT_OF_RANGE);
	unit_log_clear();
	stop = 100;
	assert_int_equal(resv_set_each_conflict(&set, log_conflict, &stop), 0);
	assert_string_equal(unit_log,
			    "sw-msi direct\ndirect out-of-range\n");
	stop = 1;
	assert_int_equal(resv_set_each_conflict(&set, log_conflict, &stop),
			 -EAGAIN);
	resv_set_free(&set);
}

static void complement(void **state)
{
	const struct resv_range all = { 0, TOP };
	const struct resv_range two[] = { { 0x8000, 0x8fff }, { 0, 0xfff } };
	const struct resv_range touch[] = {
		{ 0x1000, 0x1fff }, { 0, 0xfff }, { 0, 5 }, { 0x1800, 0x18ff }
	};
	const struct resv_range bad = { 1, 0 };
	struct resv_ranges out;
	struct resv_set set;

	(void)state;
	resv_set_init(&set);
	resv_ranges_init(&out);

	assert_int_equal(resv_ranges_complement(&out, &all, 1, &set, ~0U), 0);
	assert_string_equal(show_ranges(&out), "0-ffffffffffffffff\n");
	assert_int_equal(resv_ranges_complement(&out, &all, 0, &set, ~0U), 0);
	assert_int_equal(out.nr, 0);

	assert_int_equal(resv_ranges_complement(&out, touch, 4, &set, ~0U), 0);
	assert_string_equal(show_ranges(&out), "0-1fff\n");

	add(&set, 0xfee00000, 0xfeefffff, RESV_MSI);
	add(&set, 0, 0, RESV_DIRECT);
	add(&set, TOP, TOP, RESV_RESERVED);
	add(&set, 0x10, 0x1f, RESV_DIRECT_RELAXABLE);
	add(&set, 0x8100, 0x81ff, RESV_DIRECT);
	add(&set, 0x8200, 0x82ff, RESV_RESERVED);
	assert_int_equal(resv_ranges_complement(&out, &all, 1, &set,
				~RESV_TYPE(RESV_DIRECT_RELAXABLE)), 0);
	assert_string_equal(show_ranges(&out),
			    "1-80ff\n"
			    "8300-fedfffff\n"
			    "fef00000-fffffffffffffffe\n");
	assert_int_equal(resv_ranges_complement(&out, two, 2, &set,
						RESV_ALL_TYPES), 0);
	assert_string_equal(show_ranges(&out),
			    "1-f\n20-fff\n8000-80ff\n8300-8fff\n");

	assert_true(resv_ranges_contain(&out, 0x20, 0xfff));
	assert_true(resv_ranges_contain(&out, 0x8fff, 0x8fff));
	assert_false(resv_ranges_contain(&out, 0x1f, 0x20));
	assert_false(resv_ranges_contain(&out, 0xfff, 0x1000));
	assert_false(resv_ranges_contain(&out, 0xfff, 0x8000));
	assert_false(resv_ranges_contain(&out, 0x9000, TOP));
	assert_false(resv_ranges_contain(&out, 0x30, 0x20));

	assert_int_equal(resv_ranges_complement(&out, &bad, 1, &set, ~0U),
			 -EINVAL);
	assert_int_equal(out.nr, 4);

	add(&set, 0, TOP, RESV_OUT_OF_RANGE);
	assert_int_equal(resv_ranges_complement(&out, &all, 1, &set, ~0U), 0);
	assert_int_equal(out.nr, 0);
	resv_ranges_free(&out);
	resv_set_free(&set);
}

static void ranges(void **state)
{
	struct resv_ranges a, b;

	(void)state;
	resv_ranges_init(&a);
	resv_ranges_init(&b);
	assert_int_equal(resv_ranges_append(&a, 1, 0), -EINVAL);
	assert_int_equal(resv_ranges_append(&a, 0, TOP), 0);
	assert_false(resv_ranges_equal(&a, &b));
	assert_int_equal(resv_ranges_copy(&b, &a), 0);
	assert_int_equal(resv_ranges_copy(&b, &b), 0);
	assert_true(resv_ranges_equal(&a, &b));
	b.r[0].end--;
	assert_false(resv_ranges_equal(&a, &b));
	resv_ranges_free(&a);
	assert_int_equal(resv_ranges_copy(&b, &a), 0);
	assert_int_equal(b.nr, 0);
	resv_ranges_free(&b);
}

/* Let each allocation fail in turn: an error, and nothing has changed. */
static void out_of_memory(void **state)
{
	const struct resv_range all = { 0, TOP };
	struct resv_set set, facts, before, copy;
	struct resv_ranges out;
	unsigned int i;
	int n, ret;

	(void)state;
	resv_set_init(&set);
	resv_set_init(&facts);
	resv_set_init(&before);
	resv_set_init(&copy);
	resv_ranges_init(&out);
	for (i = 0; i < 20; i++)
		assert_int_equal(add(&facts, 3 * i, 3 * i + 1, RESV_MSI), 0);

	for (n = 0; n < 100; n++) {
		allocations_left = n;
		ret = add(&copy, 1, 2, RESV_MSI);
		allocations_left = -1;
		assert_int_equal(copy.nr, !ret);
		resv_set_free(&copy);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
	}
	assert_int_equal(n, 2);

	assert_int_equal(merge_one(&set, 0, 1, RESV_DIRECT), 0);
	assert_int_equal(resv_set_copy(&before, &set), 0);
	for (n = 0; n < 100; n++) {
		allocations_left = n;
		ret = resv_set_merge(&set, &facts, RESV_ALL_TYPES);
		allocations_left = -1;
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_true(resv_set_equal(&set, &before));
	}
	assert_true(n > 0);
	assert_int_equal(set.nr, 21);

	for (n = 0; n < 100; n++) {
		allocations_left = n;
		ret = resv_set_copy(&before, &set);
		allocations_left = -1;
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(before.nr, 1);
	}
	assert_true(n > 0);

	resv_ranges_append(&out, 0, 5);
	for (n = 0; n < 100; n++) {
		allocations_left = n;
		ret = resv_ranges_complement(&out, &all, 1, &facts, ~0U);
		allocations_left = -1;
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(out.nr, 1);
	}
	assert_true(n > 1);
	assert_int_equal(out.nr, 20);

	for (n = 0; n < 100; n++) {
		struct resv_ranges ranges;

		resv_ranges_init(&ranges);
		allocations_left = n;
		ret = resv_ranges_copy(&ranges, &out);
		if (!ret)
			ret = resv_ranges_append(&ranges, 0, 1);
		allocations_left = -1;
		resv_ranges_free(&ranges);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
	}
	assert_true(n > 0);

	for (n = 0; n < 100; n++) {
		allocations_left = n;
		ret = merge_one(&copy, 1, 2, RESV_MSI);
		allocations_left = -1;
		assert_int_equal(copy.nr, !ret);
		resv_set_free(&copy);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
	}
	assert_int_equal(n, 2);

	resv_ranges_free(&out);
	resv_set_free(&set);
	resv_set_free(&facts);
	resv_set_free(&before);
}

/* Counters that cannot grow are an error, before anything is touched. */
static void absurd_numbers(void **state)
{
	struct resv_ranges list = { NULL, UINT_MAX, UINT_MAX };
	struct resv_set set;

	(void)state;
	assert_int_equal(resv_ranges_append(&list, 0, 1), -ENOMEM);
	list.nr = 0x80000000;
	list.cap = 0x80000000;
	assert_int_equal(resv_ranges_append(&list, 0, 1), -ENOMEM);

	resv_set_init(&set);
	set.merged = true;
	set.nr = UINT_MAX;
	set.cap = UINT_MAX;
	assert_int_equal(merge_one(&set, 0, 1, RESV_MSI), -ENOMEM);
	set.nr = 0x80000000;
	set.cap = 0x80000000;
	assert_int_equal(merge_one(&set, 0, 1, RESV_MSI), -ENOMEM);
	assert_int_equal(set.nr, 0x80000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(add_sorts),
		cmocka_unit_test(add_drops_duplicates_only),
		cmocka_unit_test(add_refuses),
		cmocka_unit_test(merge_rule),
		cmocka_unit_test(merge_at_the_top),
		cmocka_unit_test(merge_keeps_what_agrees),
		cmocka_unit_test(copy_and_equal),
		cmocka_unit_test(first_overlap),
		cmocka_unit_test(conflicts),
		cmocka_unit_test(complement),
		cmocka_unit_test(ranges),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(absurd_numbers),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
