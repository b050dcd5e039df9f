// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the IVRS parser. */

#include "table.h"
#include "../fuzz/facts_ivrs.h"

static struct table t;

static void ivrs(void)
{
	put_acpi(&t, "IVRS", 2);
	put32(&t, 48 << 8 | 64 << 15);
	put_zero(&t, 8);
}

static size_t block(unsigned int type, unsigned int flags, unsigned int devid,
		    unsigned int aux)
{
	size_t at = t.n;

	put8(&t, type);
	put8(&t, flags);
	put16(&t, 0);
	put16(&t, devid);
	put16(&t, aux);
	return at;
}

static void end(size_t at)
{
	set16(&t, at + 2, (unsigned int)(t.n - at));
}

static size_t ivhd(unsigned int type)
{
	size_t at = block(type, 0xb0, 0x0002, 0x40);

	put64(&t, 0xfeb80000);
	put16(&t, 1);
	put16(&t, 0x1234);
	put32(&t, 0x80000);
	if (type != 0x10) {
		put64(&t, 0x22294ada);
		put64(&t, 0x18);
	}
	/* One device entry: all. */
	put32(&t, 1);
	end(at);
	return at;
}

/* An IVHD of type 0x40, whose device entries follow. */
static size_t ivhd_40(void)
{
	size_t at = ivhd(0x40);

	t.n -= 4;
	return at;
}

static void acpi(unsigned int devid, const char *hid, unsigned int kind,
		 unsigned int length, const char *uid)
{
	size_t i;

	put8(&t, 0xf0);
	put16(&t, devid);
	put8(&t, 0xd7);
	for (i = 0; i < 8; i++)
		put8(&t, i < strlen(hid) ? hid[i] : 0);
	put_zero(&t, 8);
	put8(&t, kind);
	put8(&t, length);
	for (i = 0; i < strlen(uid); i++)
		put8(&t, uid[i]);
}

static size_t ivmd(unsigned int type, unsigned int devid, unsigned int aux,
		   u64 start, u64 length)
{
	size_t at = block(type, 7, devid, aux);

	put16(&t, 3);
	put_zero(&t, 6);
	put64(&t, start);
	put64(&t, length);
	end(at);
	return at;
}

static void expect(int want, const char *facts)
{
	int ret;

	table_close(&t);
	ret = table_parse(t.b, t.n, facts_ivrs);
	assert_string_equal(unit_log, facts);
	assert_int_equal(ret, want);
}

static void full(void)
{
	size_t at;

	ivrs();
	ivhd(0x10);
	ivhd(0x11);
	ivhd(0x40);
	ivmd(0x20, 0x1111, 0x2222, 0x3a000000, 0x10000);
	ivmd(0x21, 0x0018, 0, 0x3a010000, 0x1000);
	at = block(0x77, 0, 0, 0);
	put_zero(&t, 9);
	end(at);
	ivmd(0x22, 0x0100, 0x01ff, 0x3a020000, 1);
}

static void everything(void **state)
{
	(void)state;
	full();
	expect(0, "ivrs 2 pa 48 va 64\n"
	       "ivhd 10 0001:0002 feb80000 cap 40 flags b0 info 1234 feat 80000\n"
	       "ivhd 11 0001:0002 feb80000 cap 40 flags b0 info 1234 feat 80000 efr 22294ada 18\n"
	       "ivhd 40 0001:0002 feb80000 cap 40 flags b0 info 1234 feat 80000 efr 22294ada 18\n"
	       "ivmd 0003:0000-ffff 3a000000-3a00ffff flags 7\n"
	       "ivmd 0003:0018-0018 3a010000-3a010fff flags 7\n"
	       "ivmd 0003:0100-01ff 3a020000-3a020000 flags 7\n");
}

static void not_this_table(void **state)
{
	(void)state;
	put_acpi(&t, "IVR ", 2);
	put_zero(&t, 12);
	expect(-EBADMSG, "1 faults, first at 0: no such table\n");
	put_acpi(&t, "IVRS", 2);
	put_zero(&t, 11);
	expect(-EBADMSG, "1 faults, first at 4: table is too short\n");
}

#define IVHD_40 "ivhd 40 0001:0002 feb80000 cap 40 flags b0 info 1234 feat 80000 efr 22294ada 18\n"

static void devices_off_pci(void **state)
{
	size_t at;

	(void)state;
	ivrs();
	at = ivhd_40();
	put32(&t, 1);
	acpi(0xa0, "AMDI0020", 2, 4, "ID00");
	/* A device entry of eight bytes, the fifth of which must not be read as a type. */
	put8(&t, 0x42);
	put_zero(&t, 3);
	put32(&t, 0xc0);
	acpi(0xa1, "INT33C3", 1, 1, "\xfa");
	acpi(0xa2, "AMDI0040", 0, 0, "");
	acpi(0xa3, "AMDI0040", 1, 8, "\x07zzzzzzz");
	end(at);
	ivmd(0x21, 0xa0, 0, 0x3a000000, 0x1000);
	expect(0, "ivrs 2 pa 48 va 64\n" IVHD_40
	       "acpi 0001:00a0 'AMDI0020' 'ID00'\n"
	       "acpi 0001:00a1 'INT33C3' '250'\n"
	       "acpi 0001:00a2 'AMDI0040' ''\n"
	       "acpi 0001:00a3 'AMDI0040' '7'\n"
	       "ivmd 0003:00a0-00a0 3a000000-3a000fff flags 7\n");
}

static void bad_devices(void **state)
{
	size_t at;

	(void)state;
	ivrs();
	at = ivhd_40();
	acpi(0xa0, "", 2, 1, "x");
	acpi(0xa1, "AMDI0020", 1, 0, "");
	acpi(0xa2, "AMDI0020", 3, 1, "x");
	acpi(0xa3, "AMDI0020", 2, 1, "x");
	put8(&t, 0xc0);
	put_zero(&t, 31);
	acpi(0xa4, "AMDI0020", 2, 1, "y");
	end(at);
	ivmd(0x21, 1, 0, 0x1000, 0x1000);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n" IVHD_40
	       "acpi 0001:00a3 'AMDI0020' 'x'\n"
	       "ivmd 0003:0001-0001 1000-1fff flags 7\n"
	       "4 faults, first at 88: IVHD lists a device without HID\n");

	/* The device entry is longer than its IVHD, and inside the table. */
	ivrs();
	at = ivhd_40();
	acpi(0xa0, "AMDI0020", 2, 2, "x");
	end(at);
	ivmd(0x21, 1, 0, 0x1000, 0x1000);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n" IVHD_40
	       "ivmd 0003:0001-0001 1000-1fff flags 7\n"
	       "1 faults, first at 88: IVHD device entry has no length or is too long\n");

	/* The kernel takes such entries from IVHDs of type 0x40 only. */
	ivrs();
	at = ivhd_40();
	acpi(0xa0, "AMDI0020", 2, 1, "x");
	end(at);
	t.b[at] = 0x11;
	expect(0, "ivrs 2 pa 48 va 64\n"
	       "ivhd 11 0001:0002 feb80000 cap 40 flags b0 info 1234 feat 80000 efr 22294ada 18\n");
}

static void bad_memory(void **state)
{
	(void)state;
	ivrs();
	ivmd(0x21, 1, 0, 0x1000, 0);
	ivmd(0x21, 2, 0, 0x1000, ULLONG_MAX);
	ivmd(0x21, 3, 0, ULLONG_MAX, 2);
	ivmd(0x22, 5, 4, 0x1000, 0x1000);
	ivmd(0x21, 6, 4, 0, ULLONG_MAX);
	ivmd(0x21, 7, 0, ULLONG_MAX, 1);
	ivmd(0x22, 8, 8, 1, ULLONG_MAX);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n"
	       "ivmd 0003:0006-0006 0-fffffffffffffffe flags 7\n"
	       "ivmd 0003:0007-0007 ffffffffffffffff-ffffffffffffffff flags 7\n"
	       "ivmd 0003:0008-0008 1-ffffffffffffffff flags 7\n"
	       "4 faults, first at 48: IVMD has zero length\n");
}

static void bad_lengths(void **state)
{
	size_t at;

	(void)state;
	ivrs();
	at = ivmd(0x21, 1, 0, 0x1000, 0x1000);
	t.n--;
	end(at);
	ivmd(0x21, 2, 0, 0x2000, 0x1000);
	at = ivhd(0x10);
	t.n -= 5;
	end(at);
	at = ivhd(0x11);
	t.n -= 5;
	end(at);
	ivmd(0x21, 3, 0, 0x3000, 0x1000);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n"
	       "ivmd 0003:0002-0002 2000-2fff flags 7\n"
	       "ivmd 0003:0003-0003 3000-3fff flags 7\n"
	       "3 faults, first at 48: IVMD is too short\n");

	ivrs();
	ivmd(0x21, 1, 0, 0x1000, 0x1000);
	at = ivmd(0x21, 2, 0, 0x2000, 0x1000);
	ivmd(0x21, 3, 0, 0x3000, 0x1000);
	set16(&t, at + 2, 0);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n"
	       "ivmd 0003:0001-0001 1000-1fff flags 7\n"
	       "1 faults, first at 80: block has no length\n");
	set16(&t, at + 2, 65);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n"
	       "ivmd 0003:0001-0001 1000-1fff flags 7\n"
	       "1 faults, first at 80: block extends past the end\n");
	/* The block is too long but inside the table: the block that it covers is lost. */
	set16(&t, at + 2, 64);
	expect(0, "ivrs 2 pa 48 va 64\n"
	       "ivmd 0003:0001-0001 1000-1fff flags 7\n"
	       "ivmd 0003:0002-0002 2000-2fff flags 7\n");

	ivrs();
	ivmd(0x21, 1, 0, 0x1000, 0x1000);
	put_zero(&t, 3);
	expect(-EBADMSG, "ivrs 2 pa 48 va 64\n"
	       "ivmd 0003:0001-0001 1000-1fff flags 7\n"
	       "1 faults, first at 80: block is truncated\n");
}

static int stop_header(void *ctx, const struct resv_ivrs_header *h)
{
	(void)ctx;
	(void)h;
	return -ENOMEM;
}

static int stop_ivhd(void *ctx, const struct resv_ivrs_ivhd *i)
{
	(void)ctx;
	(void)i;
	return -ENODEV;
}

static int stop_ivmd(void *ctx, const struct resv_ivrs_ivmd *i)
{
	int *n = ctx;

	(void)i;
	++*n;
	return 1;
}

static void receiver_stops(void **state)
{
	struct resv_ivrs_ops ops = { .header = NULL };
	struct resv_parse_err err;
	int n = 0;

	(void)state;
	full();
	table_close(&t);
	assert_int_equal(resv_parse_ivrs(t.b, t.n, &ops, NULL, &err), 0);
	ops.ivmd = stop_ivmd;
	assert_int_equal(resv_parse_ivrs(t.b, t.n, &ops, &n, &err), 1);
	assert_int_equal(n, 1);
	ops.ivhd = stop_ivhd;
	assert_int_equal(resv_parse_ivrs(t.b, t.n, &ops, &n, &err), -ENODEV);
	ops.header = stop_header;
	assert_int_equal(resv_parse_ivrs(t.b, t.n, &ops, &n, &err), -ENOMEM);
	assert_int_equal(n, 1);
}

/* An IOMMU with these images. */
static void unit(unsigned int type, unsigned int devid, u64 efr, u64 efr2)
{
	size_t at = block(type, 0xb0, devid, 0x40);

	put64(&t, 0xfeb80000);
	put16(&t, 0);
	put16(&t, 0);
	put32(&t, 0);
	if (type != 0x10) {
		put64(&t, efr);
		put64(&t, efr2);
	}
	put32(&t, 1);
	end(at);
}

static void images(unsigned int info)
{
	put_acpi(&t, "IVRS", 2);
	put32(&t, info);
	put_zero(&t, 8);
}

#define EFR	0x22294adaULL
#define FREE	0x800ULL

static enum resv_ht_range ht_range(void)
{
	table_close(&t);
	/* Check the conditions that hold for any table, too. */
	table_parse(t.b, t.n, facts_ivrs);
	return resv_ivrs_ht_range(t.b, t.n);
}

static void hypertransport(void **state)
{
	(void)state;
	images(1);
	unit(0x10, 2, 0, 0);
	unit(0x11, 2, EFR, FREE);
	assert_int_equal(ht_range(), RESV_HT_FREE);

	/* Only that bit of the register counts. */
	images(1);
	unit(0x11, 2, EFR, ~FREE);
	assert_int_equal(ht_range(), RESV_HT_TAKEN);

	/* The image in the IVHD of the type that the kernel uses counts. */
	images(1);
	unit(0x10, 2, 0, 0);
	unit(0x11, 2, EFR, FREE);
	unit(0x40, 2, EFR, 0);
	assert_int_equal(ht_range(), RESV_HT_TAKEN);
	images(1);
	unit(0x11, 2, EFR, 0);
	unit(0x40, 2, EFR, FREE);
	assert_int_equal(ht_range(), RESV_HT_FREE);

	/* The range is free only if all IOMMUs have the bit. */
	images(1);
	unit(0x11, 2, EFR, FREE);
	unit(0x11, 0x4002, EFR, FREE | 1);
	assert_int_equal(ht_range(), RESV_HT_FREE);
	images(1);
	unit(0x11, 2, EFR, FREE);
	unit(0x11, 0x4002, EFR, 1);
	assert_int_equal(ht_range(), RESV_HT_TAKEN);
}

static void hypertransport_unknown(void **state)
{
	(void)state;
	/* IVinfo says that the images are not valid. */
	images(2);
	unit(0x11, 2, EFR, FREE);
	assert_int_equal(ht_range(), RESV_HT_UNKNOWN);
	/* An IVHD of type 0x10 has no image; nor has a table without IVHDs. */
	images(1);
	unit(0x10, 2, 0, 0);
	assert_int_equal(ht_range(), RESV_HT_UNKNOWN);
	images(1);
	assert_int_equal(ht_range(), RESV_HT_UNKNOWN);
	/* The kernel ignores the images if that of the first register is 0. */
	images(1);
	unit(0x11, 2, 0, FREE);
	assert_int_equal(ht_range(), RESV_HT_UNKNOWN);
	/* If a block is faulty, the parser may have missed an IOMMU. */
	images(1);
	unit(0x11, 2, EFR, FREE);
	ivmd(0x21, 0x18, 0, 0x1000, 0);
	assert_int_equal(ht_range(), RESV_HT_UNKNOWN);
	/* Another table. */
	assert_int_equal(resv_ivrs_ht_range((const u8 *)"DMAR", 4), RESV_HT_UNKNOWN);
	assert_int_equal(resv_ivrs_ht_range(t.b, 0), RESV_HT_UNKNOWN);
}

static void abuse(void **state)
{
	(void)state;
	full();
	table_close(&t);
	table_abuse(&t, facts_ivrs);
	images(1);
	unit(0x11, 2, EFR, FREE);
	unit(0x40, 2, EFR, FREE);
	table_close(&t);
	table_abuse(&t, facts_ivrs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(not_this_table),
		cmocka_unit_test(devices_off_pci),
		cmocka_unit_test(bad_devices),
		cmocka_unit_test(bad_memory),
		cmocka_unit_test(bad_lengths),
		cmocka_unit_test(receiver_stops),
		cmocka_unit_test(hypertransport),
		cmocka_unit_test(hypertransport_unknown),
		cmocka_unit_test(abuse),
	};

	return cmocka_run_group_tests_name("ivrs", tests, NULL, NULL);
}
