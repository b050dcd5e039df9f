// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the words that admins write. tests/fuzz has the many cases. */

#include "unit.h"
#include "model/words.c"

static void model(void **state)
{
	static const char *const wrong[] = {
		"", ":", "1234", "1234:", "1234:11e", "1234:11e80", "123:11e8", "12345:11e8",
		" 1234:11e8", "1234-11e8", "1234:11g8", "g234:11e8", "0x12:11e8", "0000:00:03.0",
		"0000:0000", "1234::11e8", "1234:1:e8", "*:11e8", "12:4:11e8",
	};
	unsigned int i;
	const char *p;
	u32 ids;

	(void)state;
	p = "1234:11e8";
	assert_true(resv_text_model(&p, &ids));
	assert_int_equal(ids, 0x123411e8);
	assert_string_equal(p, "");
	/* In lower and upper case; the parser leaves the text behind the ids to its caller. */
	p = "8086:15AB:0x0-0xfff";
	assert_true(resv_text_model(&p, &ids));
	assert_int_equal(ids, 0x808615ab);
	assert_string_equal(p, ":0x0-0xfff");
	p = "0000:0001 ";
	assert_true(resv_text_model(&p, &ids));
	assert_int_equal(ids, 1);
	p = "ffff:ffff";
	assert_true(resv_text_model(&p, &ids));
	assert_int_equal(ids, 0xffffffff);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		p = wrong[i];
		assert_false(resv_text_model(&p, &ids));
		assert_ptr_equal(p, wrong[i]);
	}
}

static void range(void **state)
{
	struct resv_range r;
	const char *p;

	(void)state;
	p = "0x1000-0x1fff,";
	assert_true(resv_text_range(&p, &r));
	assert_true(r.start == 0x1000 && r.end == 0x1fff);
	assert_string_equal(p, ",");
	p = "0x2000-0x1fff";
	assert_false(resv_text_range(&p, &r));
	p = "0x0-0x10000000000000000";
	assert_false(resv_text_range(&p, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model),
		cmocka_unit_test(range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
