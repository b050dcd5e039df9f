// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the DMAR parser. */

#include "table.h"
#include "../fuzz/facts_dmar.h"

static struct table t;

static void dmar(void)
{
	put_acpi(&t, "DMAR", 1);
	put8(&t, 38);	/* 39 bits */
	put8(&t, 1);
	put_zero(&t, 10);
}

static size_t begin(unsigned int type)
{
	put16(&t, type);
	put16(&t, 0);
	return t.n - 4;
}

static void end(size_t at)
{
	set16(&t, at + 2, (unsigned int)(t.n - at));
}

static void scope(unsigned int type, unsigned int bus, unsigned int depth,
		  const u8 *path)
{
	unsigned int i;

	put8(&t, type);
	put8(&t, 6 + 2 * depth);
	put16(&t, 0);
	put8(&t, 9);
	put8(&t, bus);
	for (i = 0; i < 2 * depth; i++)
		put8(&t, path[i]);
}

static size_t drhd(unsigned int flags, unsigned int size, u64 base)
{
	size_t at = begin(0);

	put8(&t, flags);
	put8(&t, size);
	put16(&t, 2);
	put64(&t, base);
	end(at);
	return at;
}

static size_t rmrr(unsigned int segment, u64 first, u64 last)
{
	size_t at = begin(1);

	put16(&t, 0);
	put16(&t, segment);
	put64(&t, first);
	put64(&t, last);
	end(at);
	return at;
}

static void expect(int want, const char *facts)
{
	int ret;

	table_close(&t);
	ret = table_parse(t.b, t.n, facts_dmar);
	assert_string_equal(unit_log, facts);
	assert_int_equal(ret, want);
}

static const u8 path[] = { 0x1c, 4, 0, 0, 3, 1 };

static void full(void)
{
	size_t at;
	unsigned int type;

	dmar();
	at = drhd(0, 0, 0xfed90000);
	scope(RESV_DMAR_SCOPE_ENDPOINT, 0, 1, path);
	end(at);
	at = drhd(1, 1, 0xfed91000);
	scope(RESV_DMAR_SCOPE_IOAPIC, 0xf0, 1, path);
	scope(RESV_DMAR_SCOPE_HPET, 0xf0, 1, path);
	end(at);
	at = rmrr(0, 0x3a000000, 0x3a00ffff);
	scope(RESV_DMAR_SCOPE_ENDPOINT, 0, 3, path);
	scope(RESV_DMAR_SCOPE_BRIDGE, 0x80, 2, path);
	end(at);
	/* ATSR, RHSA, ANDD, SATC, SIDP and two of unknown types. */
	for (type = 2; type < 9; type++) {
		at = begin(type);
		put_zero(&t, type * 3);
		end(at);
	}
	at = rmrr(1, 0x3a008000, 0x3a017fff);
	scope(RESV_DMAR_SCOPE_NAMESPACE, 0, 1, path);
	end(at);
}

static void everything(void **state)
{
	(void)state;
	full();
	expect(0, "width 39 flags 01\n"
	       "drhd 0002 fed90000+1000\n"
	       "  scope 1 id 9 bus 00 1c.4\n"
	       "drhd 0002 fed91000+2000 all\n"
	       "  scope 3 id 9 bus f0 1c.4\n"
	       "  scope 4 id 9 bus f0 1c.4\n"
	       "rmrr 0000 3a000000-3a00ffff\n"
	       "  scope 1 id 9 bus 00 1c.4 00.0 03.1\n"
	       "  scope 2 id 9 bus 80 1c.4 00.0\n"
	       "rmrr 0001 3a008000-3a017fff\n"
	       "  scope 5 id 9 bus 00 1c.4\n");
}

static void not_this_table(void **state)
{
	(void)state;
	put_acpi(&t, "DMAX", 1);
	put_zero(&t, 12);
	expect(-EBADMSG, "1 faults, first at 0: no such table\n");
	t.n = 0;
	assert_int_equal(table_parse(t.b, 0, facts_dmar), -EBADMSG);
	put_acpi(&t, "DMAR", 1);
	put_zero(&t, 11);
	expect(-EBADMSG, "1 faults, first at 4: table is too short\n");
	put8(&t, 0);
	expect(0, "width 1 flags 00\n");
}

static void length_of_the_table(void **state)
{
	size_t n;
	int ret;

	(void)state;
	dmar();
	rmrr(0, 0x1000, 0x1fff);
	n = t.n;
	rmrr(0, 0x2000, 0x2fff);
	table_close(&t);

	/* The parser ignores bytes behind the length that the table states. */
	set32(&t, 4, (u32)n);
	ret = table_parse(t.b, t.n, facts_dmar);
	assert_string_equal(unit_log,
			    "width 39 flags 01\nrmrr 0000 1000-1fff\n");
	assert_int_equal(ret, 0);

	/* The stated length is too large: the parser stops at the end of the memory. */
	set32(&t, 4, 0xffffffff);
	ret = table_parse(t.b, t.n, facts_dmar);
	assert_string_equal(unit_log,
			    "width 39 flags 01\n"
			    "rmrr 0000 1000-1fff\n"
			    "rmrr 0000 2000-2fff\n"
			    "1 faults, first at 4: table is truncated\n");
	assert_int_equal(ret, -EBADMSG);
}

/* The parser reports the structures before a fault and, if it can find them, those behind it. */
static void bad_structures(void **state)
{
	size_t at;

	(void)state;
	dmar();
	rmrr(0, 0x1000, 0x1fff);
	rmrr(0, 0x3000, 0x2fff);
	rmrr(0, 0x5000, 0x4000);
	rmrr(0, 0, ULLONG_MAX);
	rmrr(0, 7, 7);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "rmrr 0000 0-ffffffffffffffff\n"
	       "rmrr 0000 7-7\n"
	       "2 faults, first at 72: RMRR ends before it starts\n");

	dmar();
	at = rmrr(0, 0x1000, 0x1fff);
	t.n--;
	end(at);
	at = drhd(0, 0, 0x1000);
	t.n--;
	end(at);
	drhd(0, 0, 0xfffffffffffff000);
	drhd(0, 1, 0xfffffffffffff000);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "drhd 0002 fffffffffffff000+1000\n"
	       "3 faults, first at 48: RMRR is too short\n");

	dmar();
	rmrr(0, 0x1000, 0x1fff);
	at = rmrr(0, 0x3000, 0x3fff);
	rmrr(0, 0x5000, 0x5fff);
	set16(&t, at + 2, 0);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "1 faults, first at 72: structure has no length\n");
	set16(&t, at + 2, 3);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "1 faults, first at 72: structure has no length\n");
	set16(&t, at + 2, 24 + 24 + 1);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "1 faults, first at 72: structure extends past the end\n");
	/* The RMRR extends over its neighbour, whose bytes are no valid scopes. */
	set16(&t, at + 2, 24 + 24);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "1 faults, first at 72: RMRR has a bad device scope\n");

	dmar();
	rmrr(0, 0x1000, 0x1fff);
	put_zero(&t, 3);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "1 faults, first at 72: structure is truncated\n");
}

static void bad_scopes(void **state)
{
	static const u8 lengths[] = { 0, 1, 5, 11, 255 };
	unsigned int i;
	size_t at;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		dmar();
		at = rmrr(0, 0x1000, 0x1fff);
		scope(RESV_DMAR_SCOPE_ENDPOINT, 0, 1, path);
		scope(RESV_DMAR_SCOPE_ENDPOINT, 0, 2, path);
		end(at);
		t.b[at + 24 + 8 + 1] = lengths[i];
		rmrr(0, 0x2000, 0x2fff);
		expect(-EBADMSG, "width 39 flags 01\n"
		       "rmrr 0000 1000-1fff\n"
		       "  scope 1 id 9 bus 00 1c.4\n"
		       "rmrr 0000 2000-2fff\n"
		       "1 faults, first at 48: RMRR has a bad device scope\n");
		/* If the first scope is bad, the region has no device. */
		t.b[48 + 24 + 1] = lengths[i];
		if (lengths[i] == 11)	/* of two scopes, together 18 bytes */
			continue;
		expect(-EBADMSG, "width 39 flags 01\n"
		       "rmrr 0000 2000-2fff\n"
		       "1 faults, first at 48: RMRR has a bad device scope\n");
	}
	dmar();
	at = drhd(0, 0, 0x1000);
	put_zero(&t, 5);
	end(at);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "1 faults, first at 48: DRHD has a bad device scope\n");

	/* The table ends behind the type of a scope. */
	dmar();
	at = rmrr(0, 0x1000, 0x1fff);
	put8(&t, RESV_DMAR_SCOPE_ENDPOINT);
	end(at);
	expect(-EBADMSG, "width 39 flags 01\n"
	       "1 faults, first at 48: RMRR has a bad device scope\n");

	/* A path of an odd number of bytes, and no path: the kernel accepts both. */
	dmar();
	at = rmrr(0, 0x1000, 0x1fff);
	scope(RESV_DMAR_SCOPE_ENDPOINT, 0, 1, path);
	put8(&t, 7);
	t.b[at + 24 + 1]++;
	scope(RESV_DMAR_SCOPE_BRIDGE, 0, 0, path);
	end(at);
	expect(0, "width 39 flags 01\n"
	       "rmrr 0000 1000-1fff\n"
	       "  scope 1 id 9 bus 00 1c.4\n"
	       "  scope 2 id 9 bus 00\n");
}

static int stop_header(void *ctx, unsigned int width, u8 flags)
{
	(void)ctx;
	(void)width;
	(void)flags;
	return -ENOMEM;
}

static int stop_drhd(void *ctx, const struct resv_dmar_drhd *d)
{
	(void)ctx;
	(void)d;
	return -ENODEV;
}

static int stop_rmrr(void *ctx, const struct resv_dmar_rmrr *r)
{
	int *n = ctx;

	(void)r;
	++*n;
	return 1;
}

static void receiver_stops(void **state)
{
	struct resv_dmar_ops ops = { NULL, NULL, NULL };
	struct resv_parse_err err;
	int n = 0;

	(void)state;
	full();
	table_close(&t);
	assert_int_equal(resv_parse_dmar(t.b, t.n, &ops, NULL, &err), 0);
	ops.rmrr = stop_rmrr;
	assert_int_equal(resv_parse_dmar(t.b, t.n, &ops, &n, &err), 1);
	assert_int_equal(n, 1);
	ops.drhd = stop_drhd;
	assert_int_equal(resv_parse_dmar(t.b, t.n, &ops, &n, &err), -ENODEV);
	ops.header = stop_header;
	assert_int_equal(resv_parse_dmar(t.b, t.n, &ops, &n, &err), -ENOMEM);
	assert_int_equal(n, 1);
}

static void abuse(void **state)
{
	(void)state;
	full();
	table_close(&t);
	table_abuse(&t, facts_dmar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(not_this_table),
		cmocka_unit_test(length_of_the_table),
		cmocka_unit_test(bad_structures),
		cmocka_unit_test(bad_scopes),
		cmocka_unit_test(receiver_stops),
		cmocka_unit_test(abuse),
	};

	return cmocka_run_group_tests_name("dmar", tests, NULL, NULL);
}
