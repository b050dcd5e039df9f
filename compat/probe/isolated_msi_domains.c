// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: irq_domain_check_msi_remap() answers for all MSI domains of the machine.
 * Upstream: the ARM passthrough MSI series, v4.11, until v6.2.
 */
#include <linux/irqdomain.h>
#include "probe.h"

PROBE(bool, probe_isolated_msi_domains, (void))
{
	return irq_domain_check_msi_remap();
}
