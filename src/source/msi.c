// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the group's interrupt messages go, and whether interrupts are isolated.
 */
#include "compat/iommu.h"
#include "compat/pci.h"
#include "source/doorbells.h"
#include "source/native.h"
#include "source/hw.h"
#include "source/source.h"

/* MSI_IOVA_BASE and MSI_IOVA_LENGTH of the SMMU drivers in every kernel that has them. */
#define WINDOW_START	0x8000000ULL
#define WINDOW_END	0x80fffffULL

static bool machine_remaps;	/* see compat_irq_domain_check_msi_remap() */

/* This misses an interrupt controller whose driver is a module that is loaded later. */
static int msi_init(void)
{
	machine_remaps = compat_irq_domain_check_msi_remap();
	return resv_doorbells_init();
}

/*
 * Add the window that the driver of an SMMU lists since v4.11.  On older kernels this
 * module maps doorbells there.
 */
static int add_window(struct resv_facts *c, struct device *dev)
{
	int name;

	if (!IS_ENABLED(CONFIG_ARM64) || !c->own_list || !c->own_device ||
	    !compat_dev_is_behind(dev, COMPAT_ARM_SMMU))
		return 0;
	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	return resv_facts_add(c, name, WINDOW_START, WINDOW_END, RESV_SW_MSI,
			      RESV_ORIGIN_WINDOW,
			      RESV_F_ADDED | RESV_F_LISTED);
}

/*
 * Read the device's MSI capability, once.
 *
 * A guest that owns the device may reset it, or put it to sleep, at any time.  So do not
 * read such a device; it is read when the group is looked at after the guest has released
 * it.
 */
static void read_capability(const struct resv_facts *c, struct pci_dev *pdev)
{
	struct iommu_domain *domain = compat_iommu_get_domain_for_dev(&pdev->dev);
	struct resv_hw *hw = c->device_hw;
	u16 flags;

	if (c->in_use || compat_domain_is_users(domain) ||
	    !resv_hw_config_begin(pdev))
		return;
	if (!pci_read_config_word(pdev, compat_pci_msi_pos(pdev) + PCI_MSI_FLAGS,
				  &flags) && flags != 0xffff) {
		hw->msi_64bit = flags & PCI_MSI_FLAGS_64BIT;
		hw->msi_known = true;
	}
	resv_hw_config_end(pdev);
}

/*
 * Can the device send messages only to 32-bit addresses?
 *
 * Its MSI capability says so (PCI Local Bus Specification 3.0, section 6.8.1.3; MSI-X
 * always has 64 bits), or a quirk of the kernel.  A device that could not be read yet
 * counts as limited, too: every device can reach 32-bit addresses.
 */
static bool is_32bit(const struct resv_facts *c, struct pci_dev *pdev)
{
	if (compat_pci_msi_is_limited(pdev))
		return true;
	if (!compat_pci_msi_pos(pdev))
		return false;
	if (!c->device_hw->msi_known)
		read_capability(c, pdev);
	return !c->device_hw->msi_known || !c->device_hw->msi_64bit;
}

static int msi_device(struct resv_facts *c, struct device *dev)
{
	int name = add_window(c, dev);

	if (name)
		return name;
	if (compat_device_intr_remap(dev))
		c->intr_remap = true;
	if (c->msi32 || !dev_is_pci(dev) ||
	    !is_32bit(c, to_pci_dev(dev)))
		return 0;
	name = resv_facts_name(c, dev_name(dev));
	if (name < 0)
		return name;
	c->msi32 = name;
	return 0;
}

static int msi_group(struct resv_facts *c)
{
	/* Only the kernel's list shows whether there is a window. */
	c->window_asked = c->listed;
	if (c->window_asked)
		c->window_known = resv_facts_soft_window(c, &c->window);
	if (COMPAT_HAS_MSI_ISOLATION)
		c->isolation =
			compat_iommu_group_has_isolated_msi(c->group,
							    machine_remaps ||
							    c->intr_remap) ?
			RESV_ISOLATION_ISOLATED : RESV_ISOLATION_UNSAFE;
	else
		c->isolation = resv_doorbells_isolation();
	/* Before v4.11 on Arm VFIO only checks what the SMMU's driver claims. */
	if (COMPAT_HAS_MSI_ISOLATION)
		c->unguarded = c->isolation != RESV_ISOLATION_ISOLATED;
	else
		c->unguarded = !COMPAT_HAS_INTR_REMAP || !c->intr_remap;
	return 0;
}

static void msi_status(struct resv_status *f)
{
	if (RESV_HAVE(ISOLATED_MSI_GROUP))
		resv_status_add(f, "msi-isolation", RESV_STATUS_ADDED,
				"iommu_group_has_isolated_msi");
	else if (COMPAT_HAS_MSI_ISOLATION)
		resv_status_add(f, "msi-isolation", RESV_STATUS_ADDED,
				RESV_HAVE(ISOLATED_MSI_DOMAINS) ?
				 "irq_domain_check_msi_remap or interrupt remapping of the IOMMU" :
				 "interrupt remapping of the IOMMU");
	else if (IS_ENABLED(CONFIG_ARM64) &&
		 resv_doorbells_isolation() != RESV_ISOLATION_UNKNOWN)
		resv_status_add(f, "msi-isolation", RESV_STATUS_ADDED,
				"from the hardware that takes messages: this kernel's VFIO opens unsafe groups, too");
	else
		resv_status_unknown(f, "msi-isolation",
				    "unknown interface to find interrupt isolation: msi_isolation is unknown");
	resv_status_add(f, "msi-window", RESV_STATUS_ADDED,
			"reported, and distinguished from windows fixed by hardware");
	resv_doorbells_status(f);
}

const struct resv_source resv_source_msi = {
	.name = "msi",
	.init = msi_init,
	.device = msi_device,
	.group = msi_group,
	.status = msi_status,
};
