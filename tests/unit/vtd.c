// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the width of an Intel unit. */

#include "unit.h"
#include "firmware/vtd.h"

#define END(bits)	((1ULL << (bits)) - 1)

#define SAGAW39		(1ULL << 9)
#define SAGAW48		(1ULL << 10)
#define SAGAW57		(1ULL << 11)
#define MGAW(bits)	((u64)((bits) - 1) << 16)
#define FL5LP		(1ULL << 60)

#define SMTS		(1ULL << 43)
#define SLTS		(1ULL << 46)
#define FLTS		(1ULL << 47)
#define BOTH		(SMTS | SLTS | FLTS)

static const enum resv_vtd_tables all[] = {
	RESV_VTD_SECOND_ONLY, RESV_VTD_FIRST, RESV_VTD_SECOND, RESV_VTD_EITHER,
};

/* On these units no kernel uses first-level tables for any domain. */
static void legacy_unit(void **state)
{
	static const u64 ecaps[] = { 0, SMTS, SMTS | SLTS, FLTS | SLTS };
	unsigned int i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (j = 0; j < ARRAY_SIZE(ecaps); j++) {
			assert_true(resv_vtd_end(SAGAW39 | MGAW(39), ecaps[j],
						 all[i], 0) == END(39));
			assert_true(resv_vtd_end(SAGAW39 | SAGAW48 | MGAW(48),
						 ecaps[j], all[i], END(47)) ==
				    END(48));
			assert_true(resv_vtd_end(SAGAW48 | MGAW(46), ecaps[j],
						 all[i], 0) == END(46));
			assert_true(resv_vtd_end(MGAW(48), ecaps[j], all[i], 0) ==
				    0);
		}
}

/* Kernels that use first-level tables for all domains, or for none. */
static void one_kind(void **state)
{
	u64 cap = SAGAW48 | SAGAW57 | MGAW(57);

	(void)state;
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_SECOND_ONLY, END(47)) == END(57));
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_FIRST, END(47)) == END(47));
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_FIRST, END(57)) == END(57));
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_FIRST, 0) == 0);
	/* A unit without second-level tables. */
	assert_true(resv_vtd_end(cap, SMTS | FLTS, RESV_VTD_SECOND, END(47)) == END(47));
	assert_true(resv_vtd_end(cap, SMTS | FLTS, RESV_VTD_SECOND, 0) == 0);
}

/* The end of the DMA domain shows which mode, and so which tables, VFIO's domains get. */
static void mode_by_dma_domain(void **state)
{
	u64 cap = SAGAW48 | SAGAW57 | MGAW(57);

	(void)state;
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_SECOND, END(47)) == END(48));
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_SECOND, END(57)) == END(57));
	assert_true(resv_vtd_end(cap | FL5LP, BOTH, RESV_VTD_SECOND, END(56)) == END(57));
	/* A width that this unit does not have: unknown. */
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_SECOND, END(40)) == 0);
	/* 5.15.0 to 5.15.98 keep 47 bits, later ones have 48. */
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_EITHER, END(47)) == END(47));
	assert_true(resv_vtd_end(cap, BOTH, RESV_VTD_EITHER, END(57)) == END(57));
}

/* iommu=pt: there is no DMA domain that shows the mode. */
static void passthrough(void **state)
{
	u64 cap48 = SAGAW48 | MGAW(48), cap57 = SAGAW48 | SAGAW57 | MGAW(57);

	(void)state;
	assert_true(resv_vtd_end(cap48, BOTH, RESV_VTD_SECOND, 0) == END(48));
	assert_true(resv_vtd_end(cap57 | FL5LP, BOTH, RESV_VTD_SECOND, 0) == END(57));
	/* 57 bits in legacy mode, 48 in scalable mode. */
	assert_true(resv_vtd_end(cap57, BOTH, RESV_VTD_SECOND, 0) == 0);
	assert_true(resv_vtd_end(cap48, BOTH, RESV_VTD_EITHER, 0) == 0);
	/* Neither mode has a width. */
	assert_true(resv_vtd_end(MGAW(48), BOTH, RESV_VTD_SECOND, 0) == 0);
}

/* A domain that claims more bits than its unit has, as on kernels before 5.11. */
static void claims(void **state)
{
	u64 end = RESV_VTD_PLACEHOLDER;

	(void)state;
	assert_true(end == END(57));
	assert_true(resv_vtd_claim_end(SAGAW39 | MGAW(39), 0, end) == END(39));
	assert_true(resv_vtd_claim_end(SAGAW39 | SAGAW48 | MGAW(48), SMTS, end) == END(48));
	assert_true(resv_vtd_claim_end(SAGAW57 | MGAW(52), 0, end) == END(52));
	/* The claim may be right. */
	assert_true(resv_vtd_claim_end(SAGAW48 | SAGAW57 | MGAW(57), BOTH, end) == 0);
	/* A domain with any other end claims nothing: it has the end of its unit. */
	assert_true(resv_vtd_claim_end(SAGAW39 | MGAW(39), 0, END(39)) == 0);
	assert_true(resv_vtd_claim_end(SAGAW39 | MGAW(39), 0, END(48)) == 0);
	assert_true(resv_vtd_claim_end(SAGAW39 | MGAW(39), 0, 0) == 0);
	/* The registers of this unit name no width: unknown. */
	assert_true(resv_vtd_claim_end(MGAW(48), 0, end) == 0);
	/* First-level tables may be used, and lose a bit. */
	assert_true(resv_vtd_claim_end(SAGAW48 | MGAW(48), BOTH, end) == END(47));
	assert_true(resv_vtd_claim_end(SAGAW48 | MGAW(46), BOTH, end) == END(46));
	/* A DMA domain with the end of a claim does not show the mode. */
	assert_true(resv_vtd_end(SAGAW48 | MGAW(48), BOTH, RESV_VTD_FIRST, end) == END(47));
	assert_true(resv_vtd_end(SAGAW39 | MGAW(39), SMTS, RESV_VTD_FIRST, end) == END(39));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_unit),
		cmocka_unit_test(one_kind),
		cmocka_unit_test(mode_by_dma_domain),
		cmocka_unit_test(passthrough),
		cmocka_unit_test(claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
