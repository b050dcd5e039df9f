// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the parser of iommu-addresses. */

#include "table.h"
#include "../fuzz/facts_dt.h"

static struct table t;

/* Cells of one entry, up to a cell END. */
#define END 0xeeeeeeee

static void cells(const u32 *c)
{
	for (; *c != END; c++)
		put_be32(&t, *c);
}

#define CELLS(...) cells((const u32[]){ __VA_ARGS__, END })

static void expect(int want, const char *facts)
{
	int ret = table_parse(t.b, t.n, facts_dt);

	assert_string_equal(unit_log, facts);
	assert_int_equal(ret, want);
}

static void full(void)
{
	t.n = 0;
	CELLS(0x11000001, 0x8000000, 0x100000);
	CELLS(0x22000002, 1, 0x80000000, 0, 0x1000);
	/* PCI: the first address cell is no part of the address. */
	CELLS(0x32000003, 0x02000800, 0, 0x50000000, 0, 0x10000);
	CELLS(0x22000002, 0xffffffff, 0xffffffff, 0, 1);
	CELLS(0x22000002, 0, 0, 0xffffffff, 0xffffffff);
	CELLS(0x21000004, 0xffffffff, 0, 0xffffffff);
	CELLS(0x12000005, 1, 0xffffffff, 0xffffffff);
}

static void everything(void **state)
{
	(void)state;
	full();
	expect(0, "11000001 8000000-80fffff\n"
	       "22000002 180000000-180000fff\n"
	       "32000003 50000000-5000ffff\n"
	       "22000002 ffffffffffffffff-ffffffffffffffff\n"
	       "22000002 0-fffffffffffffffe\n"
	       "21000004 ffffffff00000000-fffffffffffffffe\n"
	       "12000005 1-ffffffffffffffff\n");
	t.n = 0;
	expect(0, "");
}

static void bad_entries(void **state)
{
	(void)state;
	t.n = 0;
	CELLS(0x11000001, 0x1000, 0);
	CELLS(0x22000002, 0xffffffff, 0xffffffff, 0, 2);
	CELLS(0x12000002, 2, 0xffffffff, 0xffffffff);
	/* Too many cells, but it is known how many. */
	CELLS(0x42000003, 1, 2, 3, 4, 5, 6);
	CELLS(0x13000003, 1, 0, 0, 6);
	CELLS(0x11000001, 0x2000, 0x1000);
	expect(-EBADMSG, "11000001 2000-2fff\n"
	       "5 faults, first at 0: entry has zero length\n");
}

static void lost(void **state)
{
	static const u32 impossible[] = {
		0x01000000, 0x10000000, 0x51000000, 0x15000000,
	};
	unsigned int i;

	(void)state;
	t.n = 0;
	CELLS(0x11000001, 0x2000, 0x1000);
	CELLS(0xff000000, 1, 2);
	CELLS(0x11000001, 0x3000, 0x1000);
	expect(-EBADMSG, "11000001 2000-2fff\n"
	       "1 faults, first at 12: unknown phandle\n");

	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		t.n = 0;
		CELLS(0x11000001, 0x2000, 0x1000);
		CELLS(impossible[i], 1, 2, 3, 4, 5, 6, 7, 8);
		expect(-EBADMSG, "11000001 2000-2fff\n"
		       "1 faults, first at 12: impossible number of cells\n");
	}

	t.n = 0;
	CELLS(0x11000001, 0x2000, 0x1000);
	CELLS(0x11000001, 0x3000);
	expect(-EBADMSG, "11000001 2000-2fff\n"
	       "1 faults, first at 12: entry extends past the end\n");
	t.n -= 5;
	expect(-EBADMSG, "11000001 2000-2fff\n"
	       "1 faults, first at 12: property ends inside a cell\n");
}

static int stop(void *ctx, u32 phandle, u64 start, u64 end)
{
	int *n = ctx;

	(void)phandle;
	(void)start;
	(void)end;
	++*n;
	return -ENOMEM;
}

static void receiver_stops(void **state)
{
	const struct resv_dt_ops ops = { facts_dt_cells, stop };
	struct resv_parse_err err;
	int n = 0;

	(void)state;
	full();
	assert_int_equal(resv_parse_dt(t.b, t.n, &ops, &n, &err), -ENOMEM);
	assert_int_equal(n, 1);
}

static void abuse(void **state)
{
	(void)state;
	full();
	table_abuse(&t, facts_dt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(bad_entries),
		cmocka_unit_test(lost),
		cmocka_unit_test(receiver_stops),
		cmocka_unit_test(abuse),
	};

	return cmocka_run_group_tests_name("dt", tests, NULL, NULL);
}
