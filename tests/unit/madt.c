// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the MADT parser. */

#include "table.h"
#include "../fuzz/facts_madt.h"

static struct table t;

static void madt(void)
{
	put_acpi(&t, "APIC", 6);
	put32(&t, 0x08000000);
	put32(&t, 1);
}

static size_t subtable(unsigned int type)
{
	size_t at = t.n;

	put8(&t, type);
	put8(&t, 0);
	return at;
}

static void end(size_t at)
{
	assert_true(t.n - at < 256);
	t.b[at + 1] = (u8)(t.n - at);
}

/* A subtable without a doorbell, whose bytes would be valid as one. */
static size_t other(unsigned int type, unsigned int len)
{
	size_t at = subtable(type);

	while (t.n - at < len)
		put8(&t, 0xa5);
	end(at);
	return at;
}

/* The fields around the base are not zero, and each is different. */
static size_t msi_frame(u64 base)
{
	size_t at = subtable(13);

	put16(&t, 0x1111);
	put32(&t, 0x22222222);
	put64(&t, base);
	put32(&t, 1);
	put16(&t, 64);
	put16(&t, 80);
	end(at);
	return at;
}

static size_t its(u64 base)
{
	size_t at = subtable(15);

	put16(&t, 1);
	put32(&t, 0x33333333);
	put64(&t, base);
	put32(&t, 0x44444444);
	end(at);
	return at;
}

static size_t its_frame(u64 base)
{
	size_t at = subtable(30);

	put16(&t, 0x5555);
	put32(&t, 0x66666666);
	put32(&t, 0x77777777);
	put32(&t, 0x88888888);
	put64(&t, base);
	end(at);
	return at;
}

static void expect(int want, const char *facts)
{
	int ret;

	table_close(&t);
	ret = table_parse(t.b, t.n, facts_madt);
	assert_string_equal(unit_log, facts);
	assert_int_equal(ret, want);
}

static void full(void)
{
	madt();
	other(12, 24);		/* distributor */
	other(11, 82);		/* two processors */
	other(11, 82);
	msi_frame(0x8020000);
	other(14, 16);		/* redistributor */
	its(0x8080000);
	other(29, 16);		/* configuration frame of a GICv5 ITS */
	its_frame(0x123456780000);
	other(0xee, 2);
	its(0xfedcba9800000000);
	other(0xff, 255);
}

static void everything(void **state)
{
	(void)state;
	full();
	expect(0, "@232 type 13 base 8020000 doorbell 8020040\n"
	       "@272 type 15 base 8080000 doorbell 8090040\n"
	       "@308 type 30 base 123456780000 doorbell 123456780000\n"
	       "@334 type 15 base fedcba9800000000 doorbell fedcba9800010040\n");
}

static void nothing(void **state)
{
	unsigned int type;

	(void)state;
	madt();
	expect(0, "");

	/* The parser does not read subtables of other types. */
	madt();
	for (type = 0; type < 256; type++)
		if (type != 13 && type != 15 && type != 30)
			other(type, 2 + type % 23);
	expect(0, "");

	/* The smallest subtable has only a type and a length; here it is at the end of the table. */
	other(0xee, 2);
	expect(0, "");
}

static void not_this_table(void **state)
{
	(void)state;
	put_acpi(&t, "MADT", 6);
	put_zero(&t, 8);
	expect(-EBADMSG, "1 faults, first at 0: no such table\n");
	put_acpi(&t, "APIC", 6);
	put_zero(&t, 7);
	expect(-EBADMSG, "1 faults, first at 4: table is too short\n");
}

static void table_lengths(void **state)
{
	(void)state;
	/* The stated length is too large: the parser reads what the memory has. */
	madt();
	msi_frame(0x1000);
	table_close(&t);
	set32(&t, 4, 0x10000);
	assert_int_equal(table_parse(t.b, t.n, facts_madt), -EBADMSG);
	assert_string_equal(unit_log,
			    "@44 type 13 base 1000 doorbell 1040\n"
			    "1 faults, first at 4: table is truncated\n");

	/* The parser ignores bytes behind the length that the table states. */
	table_close(&t);
	its(0x20000);
	assert_int_equal(table_parse(t.b, t.n, facts_madt), 0);
	assert_string_equal(unit_log, "@44 type 13 base 1000 doorbell 1040\n");
}

static void bad_addresses(void **state)
{
	(void)state;
	madt();
	msi_frame(0);
	its(0);
	its_frame(0);
	msi_frame(0x1000);
	expect(-EBADMSG, "@112 type 13 base 1000 doorbell 1040\n"
	       "3 faults, first at 44: doorbell has no base\n");

	madt();
	msi_frame(1);
	msi_frame(0ULL - 0x40);
	msi_frame(0ULL - 0x41);
	its(0ULL - 0x10040);
	its(0ULL - 0x10041);
	its(ULLONG_MAX);
	its_frame(ULLONG_MAX);
	expect(-EBADMSG, "@44 type 13 base 1 doorbell 41\n"
	       "@92 type 13 base ffffffffffffffbf doorbell ffffffffffffffff\n"
	       "@136 type 15 base fffffffffffeffbf doorbell ffffffffffffffff\n"
	       "@176 type 30 base ffffffffffffffff doorbell ffffffffffffffff\n"
	       "3 faults, first at 68: doorbell wraps\n");
}

static void bad_subtables(void **state)
{
	size_t at;

	(void)state;
	/* Subtables that are one byte too short, and one that has no fields. */
	madt();
	at = msi_frame(0x1000);
	t.n--;
	end(at);
	its(0x20000);
	at = its(0x30000);
	t.n--;
	end(at);
	at = its_frame(0x40000);
	t.n--;
	end(at);
	end(subtable(30));
	its_frame(0x50000);
	expect(-EBADMSG, "@67 type 15 base 20000 doorbell 30040\n"
	       "@131 type 30 base 50000 doorbell 50000\n"
	       "4 faults, first at 44: doorbell subtable is too short\n");

	/* A subtable may be longer, as in a later revision. */
	madt();
	at = msi_frame(0x1000);
	put8(&t, 0xff);
	end(at);
	at = its(0x20000);
	put8(&t, 0xff);
	end(at);
	at = its_frame(0x40000);
	put8(&t, 0xff);
	end(at);
	expect(0, "@44 type 13 base 1000 doorbell 1040\n"
	       "@69 type 15 base 20000 doorbell 30040\n"
	       "@90 type 30 base 40000 doorbell 40000\n");
}

static void bad_lengths(void **state)
{
	size_t at;

	(void)state;
	madt();
	msi_frame(0x1000);
	at = msi_frame(0x2000);
	msi_frame(0x3000);
	t.b[at + 1] = 0;
	expect(-EBADMSG, "@44 type 13 base 1000 doorbell 1040\n"
	       "1 faults, first at 68: subtable has no length\n");
	t.b[at + 1] = 1;
	expect(-EBADMSG, "@44 type 13 base 1000 doorbell 1040\n"
	       "1 faults, first at 68: subtable has no length\n");
	t.b[at + 1] = 49;
	expect(-EBADMSG, "@44 type 13 base 1000 doorbell 1040\n"
	       "1 faults, first at 68: subtable extends past the end\n");
	/* The subtable is too long but inside the table: the one that it covers is lost. */
	t.b[at + 1] = 48;
	expect(0, "@44 type 13 base 1000 doorbell 1040\n"
	       "@68 type 13 base 2000 doorbell 2040\n");

	/* The same with a subtable of another type. */
	madt();
	at = other(11, 82);
	msi_frame(0x1000);
	t.b[at + 1] = 0;
	expect(-EBADMSG, "1 faults, first at 44: subtable has no length\n");
	t.b[at + 1] = 107;
	expect(-EBADMSG, "1 faults, first at 44: subtable extends past the end\n");

	madt();
	its(0x20000);
	put8(&t, 13);
	expect(-EBADMSG, "@44 type 15 base 20000 doorbell 30040\n"
	       "1 faults, first at 64: subtable is truncated\n");
}

/* Accepts as many doorbells as the context says, then stops the parser. */
static int stop(void *ctx, const struct resv_madt_doorbell *doorbell)
{
	int *n = ctx;

	(void)doorbell;
	return --*n < 0 ? -ENODEV : 0;
}

static int positive(void *ctx, const struct resv_madt_doorbell *doorbell)
{
	int *n = ctx;

	(void)doorbell;
	++*n;
	return 1;
}

static void receiver_stops(void **state)
{
	struct resv_parse_err err;
	int n;

	(void)state;
	full();
	table_close(&t);
	n = 4;
	assert_int_equal(resv_parse_madt(t.b, t.n, stop, &n, &err), 0);
	assert_int_equal(n, 0);
	n = 2;
	assert_int_equal(resv_parse_madt(t.b, t.n, stop, &n, &err), -ENODEV);
	assert_int_equal(n, -1);
	n = 0;
	assert_int_equal(resv_parse_madt(t.b, t.n, positive, &n, &err), 1);
	assert_int_equal(n, 1);

	/* The parser returns the receiver's value even if the table has faults. */
	madt();
	its(0);
	its(0x20000);
	table_close(&t);
	n = 0;
	assert_int_equal(resv_parse_madt(t.b, t.n, stop, &n, &err), -ENODEV);
	assert_int_equal(err.count, 1);
	assert_int_equal(err.offset, 44);
}

static void abuse(void **state)
{
	(void)state;
	full();
	table_close(&t);
	table_abuse(&t, facts_madt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(nothing),
		cmocka_unit_test(not_this_table),
		cmocka_unit_test(table_lengths),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(bad_subtables),
		cmocka_unit_test(bad_lengths),
		cmocka_unit_test(receiver_stops),
		cmocka_unit_test(abuse),
	};

	return cmocka_run_group_tests_name("madt", tests, NULL, NULL);
}
