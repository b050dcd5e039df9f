/* SPDX-License-Identifier: GPL-2.0-only */
/* Cached measurements of the hardware, so that each is made only once. */
#ifndef RESV_SOURCE_HW_H
#define RESV_SOURCE_HW_H

#include <linux/types.h>
#include "model/region.h"

struct device;
struct pci_dev;

/**
 * struct resv_hw_iommu - measurements that are the same for all devices behind an IOMMU
 * @fresh: geometry of a domain that no device was attached to, if @fresh_known
 * @page: smallest page that such a domain maps, in bytes
 * @cap: capability register of an Intel unit, if @vtd_known
 * @ecap: its extended capability register
 * @regs: geometry by the identification registers of an SMMUv3, if @regs_known
 * @fresh_known: a domain can be allocated, and has its geometry before an attach
 * @page_known: a domain can be allocated, and has its page sizes
 * @vtd_known: it is an Intel unit
 * @regs_known: it is an SMMUv3 whose registers were read
 */
struct resv_hw_iommu {
	struct resv_range fresh;
	u64 page;
	u64 cap;
	u64 ecap;
	struct resv_range regs;
	bool fresh_known;
	bool page_known;
	bool vtd_known;
	bool regs_known;
};

/* Bridges above a device whose ACS registers can be cached. */
#define RESV_HW_BRIDGES	32

/**
 * struct resv_hw - measurements of one device
 * @next: next one of the list
 * @dev: address of the device; only compared
 * @iommu: measurements of its IOMMU, if that has no class device; else NULL
 * @aperture: what the IOMMU can address for it, as last known, if @aperture_known
 * @page_shift: smallest page that the IOMMU maps, as a power of two; 0 if unknown
 * @round: resv_hw_list.round when the device was last collected
 * @acs_known: bit n: @acs_redirects is set for the nth bridge above the device
 * @acs_redirects: bit n: that bridge redirects requests upstream
 * @dma: enum resv_dma, as last known
 * @aperture_known: see @aperture
 * @msi_known: @msi_64bit is set
 * @msi_64bit: its MSI capability holds addresses of 64 bits
 * @name: dev_name() of the device
 */
struct resv_hw {
	struct resv_hw *next;
	const struct device *dev;
	struct resv_hw_iommu *iommu;
	struct resv_range aperture;
	u32 round;
	u32 acs_known;
	u32 acs_redirects;
	u8 page_shift;
	u8 dma;
	bool aperture_known : 1;
	bool msi_known : 1;
	bool msi_64bit : 1;
	char name[];
};

/**
 * struct resv_hw_list - the devices of one group
 * @first: first one, or NULL
 * @round: number of the collection under way, or of the last one
 */
struct resv_hw_list {
	struct resv_hw *first;
	u32 round;
};

u32 resv_hw_model(const struct device *dev);
void resv_hw_init(struct resv_hw_list *list);
void resv_hw_free(struct resv_hw_list *list);
void resv_hw_forget(struct resv_hw_list *list, const struct device *dev);
void resv_hw_begin(struct resv_hw_list *list);
void resv_hw_end(struct resv_hw_list *list);
struct resv_hw *resv_hw_device(struct resv_hw_list *list, const struct device *dev);

int resv_hw_iommu(struct resv_hw *hw, struct device *dev,
		  int (*measure)(struct device *dev, struct resv_hw_iommu *iommu),
		  struct resv_hw_iommu *iommu);
void resv_hw_instances_flush(void);

bool resv_hw_config_begin(struct pci_dev *pdev);
void resv_hw_config_end(struct pci_dev *pdev);

#endif /* RESV_SOURCE_HW_H */
