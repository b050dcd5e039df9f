// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the IORT parser. */

#include "alloc.h"
#include "table.h"
#include "../fuzz/facts_iort.h"

static struct table t;

static void iort(unsigned int revision)
{
	put_acpi(&t, "IORT", revision);
	put32(&t, 0);
	put32(&t, 48);
	put32(&t, 0);
}

/* One more node; counts it. */
static size_t begin(unsigned int type, unsigned int revision)
{
	size_t at = t.n;

	put8(&t, type);
	put16(&t, 0);
	put8(&t, revision);
	put32(&t, (u32)at);
	put32(&t, 0);
	put32(&t, 0);
	t.b[36]++;
	return at;
}

static void end(size_t at)
{
	set16(&t, at + 1, (unsigned int)(t.n - at));
}

static void map(size_t at, u32 input, u32 count, u32 output, size_t parent,
		u32 flags)
{
	if (!t.b[at + 8])
		set32(&t, at + 12, (u32)(t.n - at));
	t.b[at + 8]++;
	put32(&t, input);
	put32(&t, count);
	put32(&t, output);
	put32(&t, (u32)parent);
	put32(&t, flags);
	end(at);
}

static size_t its(void)
{
	size_t at = begin(RESV_IORT_ITS_GROUP, 1);

	put32(&t, 2);
	put32(&t, 5);
	put32(&t, 6);
	end(at);
	return at;
}

static size_t smmu(u64 base)
{
	size_t at = begin(RESV_IORT_SMMU, 3);

	put64(&t, base);
	put64(&t, 0x20000);
	put32(&t, 3);
	put32(&t, 2);
	put_zero(&t, 20);
	end(at);
	return at;
}

static size_t smmu_v3(u64 base)
{
	size_t at = begin(RESV_IORT_SMMU_V3, 4);

	put64(&t, base);
	put32(&t, 1);
	put32(&t, 0);
	put64(&t, 0);
	put32(&t, 2);
	put_zero(&t, 24);
	end(at);
	return at;
}

static size_t root(unsigned int segment, unsigned int revision)
{
	size_t at = begin(RESV_IORT_ROOT_COMPLEX, revision);

	put64(&t, 1);
	put32(&t, 1);
	put32(&t, segment);
	put8(&t, 44);
	put_zero(&t, 3);
	end(at);
	return at;
}

static size_t named(const char *name)
{
	size_t at = begin(RESV_IORT_NAMED, 4);

	put32(&t, 0);
	put64(&t, 1);
	put8(&t, 40);
	do {
		put8(&t, (u8)*name);
	} while (*name++);
	while (t.n & 3)
		put8(&t, 0);
	end(at);
	return at;
}

/* Writes the node and its ranges; the caller can add mappings. */
static size_t rmr(u32 flags, unsigned int nr, const u64 *ranges)
{
	size_t at = begin(RESV_IORT_RMR, 3);
	unsigned int i;

	put32(&t, flags);
	put32(&t, nr);
	put32(&t, 28);
	for (i = 0; i < nr; i++) {
		put64(&t, ranges[2 * i]);
		put64(&t, ranges[2 * i + 1]);
		put32(&t, 0);
	}
	end(at);
	return at;
}

static void expect(int want, const char *facts)
{
	int ret;

	table_close(&t);
	ret = table_parse(t.b, t.n, facts_iort);
	assert_string_equal(unit_log, facts);
	assert_int_equal(ret, want);
}

static const u64 two[] = { 0x90000000, 0x10000, 0xa0001000, 0x1800 };

static void full(void)
{
	size_t at, group, v2, v3;

	iort(5);
	group = its();
	v3 = smmu_v3(0x9050000);
	v2 = smmu(0x2b400000);
	at = root(7, 1);
	map(at, 0, 0xffff, 0x10000, v3, 0);
	map(at, 0x10000, 0, 0x20000, group, 0);
	at = named("\\_SB.DMA0");
	map(at, 0, 0, 0x77, v2, RESV_IORT_MAP_SINGLE);
	/* PMCG and one of an unknown type */
	at = begin(RESV_IORT_PMCG, 2);
	put_zero(&t, 24);
	end(at);
	at = begin(0x55, 0);
	end(at);
	at = rmr(RESV_IORT_RMR_REMAP_PERMITTED, 2, two);
	map(at, 0, 7, 0x10100, v3, 0);
	map(at, 0, 0, 0x77, v2, RESV_IORT_MAP_SINGLE);
	root(0, 0);
}

static void everything(void **state)
{
	(void)state;
	full();
	expect(0, "@48 its 5 6\n"
	       "@76 smmuv3 9050000 model 2 flags 1\n"
	       "@144 smmu 2b400000+20000 model 3 flags 2\n"
	       "@204 root 7 ats 1 bits 44\n"
	       "  map 0-ffff to 10000 at 76\n"
	       "  map 10000-10000 to 20000 at 48\n"
	       "@280 named \\_SB.DMA0 bits 40\n"
	       "  map 0-0 to 77 at 144 single\n"
	       "@396 rmr flags 1\n"
	       "  range 90000000-9000ffff\n"
	       "  range a0001000-a00027ff unaligned\n"
	       "  map 0-7 to 10100 at 76\n"
	       "  map 0-0 to 77 at 144 single\n"
	       "@504 root 0 ats 1 bits 0\n"
	       "rmr of 9050000 sid 10100-10107 90000000-9000ffff relaxable\n"
	       "rmr of 9050000 sid 10100-10107 a0001000-a0002fff relaxable\n"
	       "rmr of 2b400000 sid 77-77 90000000-9000ffff relaxable\n"
	       "rmr of 2b400000 sid 77-77 a0001000-a0002fff relaxable\n");
}

static void rmr_needs_revision(void **state)
{
	size_t at, v3;

	(void)state;
	iort(3);
	v3 = smmu_v3(0x9050000);
	at = rmr(0, 1, two);
	map(at, 0, 0, 0x100, v3, 0);
	expect(0, "@48 smmuv3 9050000 model 2 flags 1\n");
	t.b[8] = 5;
	expect(0, "@48 smmuv3 9050000 model 2 flags 1\n"
	       "@116 rmr flags 0\n"
	       "  range 90000000-9000ffff\n"
	       "  map 0-0 to 100 at 48\n"
	       "rmr of 9050000 sid 100-100 90000000-9000ffff\n");
}

static void not_this_table(void **state)
{
	(void)state;
	put_acpi(&t, "iort", 5);
	put_zero(&t, 12);
	expect(-EBADMSG, "1 faults, first at 0: no such table\n");
	put_acpi(&t, "IORT", 5);
	put_zero(&t, 11);
	expect(-EBADMSG, "1 faults, first at 4: table is too short\n");
	put8(&t, 0);
	expect(0, "");
	/* No nodes: their offset does not matter. */
	set32(&t, 40, 0xffffffff);
	expect(0, "");
	t.b[36] = 1;
	expect(-EBADMSG,
	       "1 faults, first at 40: nodes are outside of the table\n");
	set32(&t, 40, 47);
	expect(-EBADMSG,
	       "1 faults, first at 40: nodes are outside of the table\n");
	set32(&t, 40, 49);
	expect(-EBADMSG,
	       "1 faults, first at 40: nodes are outside of the table\n");
	set32(&t, 40, 48);
	expect(-EBADMSG, "1 faults, first at 48: node is truncated\n");
}

static void bad_lengths(void **state)
{
	static const unsigned int fixed[] = { 28, 0, 32, 60, 60, 0, 28 };
	size_t at;
	unsigned int type;

	(void)state;
	iort(5);
	smmu_v3(0x1000);
	at = smmu_v3(0x2000);
	smmu_v3(0x3000);
	set16(&t, at + 1, 0);
	expect(-EBADMSG, "@48 smmuv3 1000 model 2 flags 1\n"
	       "1 faults, first at 116: node has no length\n");
	set16(&t, at + 1, 15);
	expect(-EBADMSG, "@48 smmuv3 1000 model 2 flags 1\n"
	       "1 faults, first at 116: node has no length\n");
	set16(&t, at + 1, 2 * 68 + 1);
	expect(-EBADMSG, "@48 smmuv3 1000 model 2 flags 1\n"
	       "1 faults, first at 116: node extends past the end\n");
	set16(&t, at + 1, 68);
	t.b[36] = 4;
	expect(-EBADMSG, "@48 smmuv3 1000 model 2 flags 1\n"
	       "@116 smmuv3 2000 model 2 flags 1\n"
	       "@184 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 252: node is truncated\n");
	t.b[36] = 2;
	expect(0, "@48 smmuv3 1000 model 2 flags 1\n"
	       "@116 smmuv3 2000 model 2 flags 1\n");

	/* A node that is one byte too short is skipped, and the next one is found. */
	for (type = 0; type < ARRAY_SIZE(fixed); type++) {
		if (!fixed[type])
			continue;
		iort(5);
		at = begin(type, 1);
		put_zero(&t, fixed[type] - 16);
		if (type == RESV_IORT_ITS_GROUP)
			set32(&t, at + 16, 2);
		t.n--;
		end(at);
		smmu_v3(0x3000);
		table_close(&t);
		assert_int_equal(table_parse(t.b, t.n, facts_iort), -EBADMSG);
		assert_non_null(strstr(unit_log, "smmuv3 3000 model 2"));
		assert_non_null(strstr(unit_log, "1 faults, first at 48: "));
	}
}

static void bad_names(void **state)
{
	size_t at;

	(void)state;
	iort(5);
	at = named("abc");
	t.b[t.n - 1] = 'x';
	set16(&t, at + 1, 29 + 3);
	t.n = at + 32;
	smmu_v3(0x3000);
	expect(-EBADMSG, "@80 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: named component has no name\n");
	iort(5);
	at = named("");
	expect(0, "@48 named  bits 40\n");
	t.n = at + 29;
	end(at);
	expect(-EBADMSG,
	       "1 faults, first at 48: named component has no name\n");
}

static void bad_maps(void **state)
{
	size_t at;

	(void)state;
	iort(5);
	at = root(1, 1);
	map(at, 0, 0xffff, 0, 48, 0);
	smmu_v3(0x3000);

	/* One mapping more than the node has, or an offset one byte too large. */
	t.b[at + 8] = 2;
	expect(-EBADMSG, "@104 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: id mappings are outside of the node\n");
	set32(&t, at + 8, 0xffffffff);
	expect(-EBADMSG, "@104 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: id mappings are outside of the node\n");
	set32(&t, at + 8, 1);
	t.b[at + 12]++;
	expect(-EBADMSG, "@104 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: id mappings are outside of the node\n");
	set32(&t, at + 12, 0xfffffff0);
	expect(-EBADMSG, "@104 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: id mappings are outside of the node\n");
	set32(&t, at + 12, 15);
	expect(-EBADMSG, "@104 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: id mappings are outside of the node\n");

	/* A mapping whose ids wrap is left out; the node is reported. */
	iort(5);
	at = root(1, 1);
	map(at, 1, 0xffffffff, 0, 48, 0);
	map(at, 0, 0xffffffff, 1, 48, 0);
	map(at, 0, 0xffffffff, 0, 48, 0);
	expect(-EBADMSG, "@48 root 1 ats 1 bits 44\n"
	       "  map 0-ffffffff to 0 at 48\n"
	       "2 faults, first at 48: id mapping wraps\n");
}

static void bad_its(void **state)
{
	size_t at;

	(void)state;
	iort(5);
	at = its();
	t.b[at + 16] = 3;
	smmu_v3(0x3000);
	expect(-EBADMSG, "@76 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: ITS group extends past its end\n");
	set32(&t, at + 16, 0x40000001);
	expect(-EBADMSG, "@76 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: ITS group extends past its end\n");
}

static void bad_ranges(void **state)
{
	static const u64 ranges[] = {
		0x10000, 0,
		0xffffffffffff0000, 0x20000,
		0xffffffffffff0000, 0x10000,
		0x10000, 0x10000,
		0x18000, 0x10000,	/* overlaps, which is no fault */
		0, ULLONG_MAX,
	};
	size_t at, v3;

	(void)state;
	iort(5);
	v3 = smmu_v3(0x3000);
	at = rmr(2, 6, ranges);
	map(at, 0, 0xffffffff, 1, v3, 0);	/* wraps */
	map(at, 0, 0, 1, v3, 0);
	map(at, 0, 0, 1, v3 + 1, 0);		/* no node */
	map(at, 0, 0, 1, 0, 0);			/* nor this */
	map(at, 0, 0, 1, at, 0);		/* no SMMU */
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "@116 rmr flags 2\n"
	       "  range ffffffffffff0000-ffffffffffffffff\n"
	       "  range 10000-1ffff\n"
	       "  range 18000-27fff unaligned\n"
	       "  range 0-fffffffffffffffe unaligned\n"
	       "  map 0-0 to 1 at 48\n"
	       "  map 0-0 to 1 at 49\n"
	       "  map 0-0 to 1 at 0\n"
	       "  map 0-0 to 1 at 116\n"
	       "3 faults, first at 116: id mapping wraps\n"
	       "rmr of 3000 sid 1-1 ffffffffffff0000-ffffffffffffffff\n"
	       "rmr of 3000 sid 1-1 10000-1ffff\n"
	       "rmr of 3000 sid 1-1 18000-27fff\n"
	       "rmr of 3000 sid 1-1 0-ffffffffffffffff\n"
	       "6 faults, first at 116: id mapping wraps\n");

	/* If its ranges are outside of the node, the node is left out. */
	t.b[at + 20] = 0xff;
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 116: RMR ranges are outside of the node\n");
	set32(&t, at + 20, 0x10000000);
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 116: RMR ranges are outside of the node\n");
	set32(&t, at + 20, 1);
	set32(&t, at + 24, 0);
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 116: RMR ranges are outside of the node\n");
	set32(&t, at + 24, 0xfffffff0);
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 116: RMR ranges are outside of the node\n");
	/* The last byte of the last range is the last of the node. */
	set32(&t, at + 24, (u32)(t.n - at - 20));
	table_close(&t);
	table_parse(t.b, t.n, facts_iort);
	assert_null(strstr(unit_log, "outside"));
	set32(&t, at + 24, (u32)(t.n - at - 19));
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 116: RMR ranges are outside of the node\n");

	iort(5);
	rmr(0, 1, ranges + 4);
	smmu_v3(0x3000);
	expect(-EBADMSG, "@96 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 48: RMR has no id mapping\n");
}

/* An RMR node may precede the SMMU that it refers to, and may refer to several. */
static void any_order(void **state)
{
	static const u64 one[] = { 0x10000, 0x10000 };
	unsigned int i;
	size_t at;
	char want[64];

	(void)state;
	iort(5);
	at = rmr(0, 1, one);
	for (i = 0; i < 9; i++)
		map(at, 0, 0, i, 276 + 68 * i, 0);
	for (i = 0; i < 9; i++)
		assert_int_equal(smmu_v3(0x1000 * i), 276 + 68 * i);
	table_close(&t);
	assert_int_equal(table_parse(t.b, t.n, facts_iort), 0);
	for (i = 0; i < 9; i++) {
		snprintf(want, sizeof(want), "rmr of %x sid %x-%x", 0x1000 * i,
			 i, i);
		assert_non_null(strstr(unit_log, want));
	}
}

/* As many pairs of streams and ranges as the parser accepts, and then one more. */
static void too_many_pairs(void **state)
{
	u64 ranges[2 * 64];
	unsigned int i;
	size_t at, v3;

	(void)state;
	for (i = 0; i < 64; i++) {
		ranges[2 * i] = 0x10000 * i;
		ranges[2 * i + 1] = 0x10000;
	}
	iort(5);
	v3 = smmu_v3(0x3000);
	at = rmr(0, 64, ranges);
	for (i = 0; i < 64; i++)
		map(at, 0, 0, i, v3, 0);
	table_close(&t);
	unit_log_clear();
	assert_int_equal(facts_iort(t.b, t.n), 0);
	assert_non_null(strstr(unit_log, "rmr of 3000 sid 3f-3f 3f0000-3fffff"));

	map(at, 0, 0, i, v3, 0);
	expect(-EBADMSG, "@48 smmuv3 3000 model 2 flags 1\n"
	       "1 faults, first at 116: RMR has too many pairs\n");
}

static int stop_rmr(void *ctx, const struct resv_iort_rmr *r)
{
	int *n = ctx;

	(void)r;
	++*n;
	return -ENOSPC;
}

static void out_of_memory(void **state)
{
	struct resv_parse_err err;
	int n, ret, calls = 0;

	(void)state;
	full();
	table_close(&t);
	for (n = 0; n < 100; n++) {
		allocations_left = n;
		ret = resv_iort_each_rmr(t.b, t.n, 4096, stop_rmr, &calls,
					 &err);
		allocations_left = -1;
		if (ret != -ENOMEM)
			break;
		assert_int_equal(calls, 0);
	}
	assert_int_equal(n, 1);
	assert_int_equal(ret, -ENOSPC);
}

static int stop_node(void *ctx, const struct resv_iort_node *node)
{
	int *n = ctx;

	(void)node;
	++*n;
	return -ENODEV;
}

static void receiver_stops(void **state)
{
	struct resv_iort_ops ops = { NULL };
	struct resv_parse_err err;
	int n = 0;

	(void)state;
	full();
	table_close(&t);
	assert_int_equal(resv_parse_iort(t.b, t.n, &ops, NULL, &err), 0);
	ops.node = stop_node;
	assert_int_equal(resv_parse_iort(t.b, t.n, &ops, &n, &err), -ENODEV);
	assert_int_equal(n, 1);
	assert_int_equal(resv_iort_each_rmr(t.b, t.n, 4096, stop_rmr, &n,
					    &err), -ENOSPC);
	assert_int_equal(n, 2);
}

static void abuse(void **state)
{
	(void)state;
	full();
	table_close(&t);
	table_abuse(&t, facts_iort);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(rmr_needs_revision),
		cmocka_unit_test(not_this_table),
		cmocka_unit_test(bad_lengths),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(bad_maps),
		cmocka_unit_test(bad_its),
		cmocka_unit_test(bad_ranges),
		cmocka_unit_test(any_order),
		cmocka_unit_test(too_many_pairs),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(receiver_stops),
		cmocka_unit_test(abuse),
	};

	return cmocka_run_group_tests_name("iort", tests, NULL, NULL);
}
