# SPDX-License-Identifier: GPL-2.0-only
"""Plugin of sos: collects what the module and the command report about IOMMU groups. It goes into
sos/report/plugins of Python's dist-packages."""
from sos.report.plugins import (Plugin, IndependentPlugin, RedHatPlugin, DebianPlugin,
                                UbuntuPlugin)


# Before 4.1 sos takes only plugins that name its distribution.
class IommuResv(Plugin, IndependentPlugin, RedHatPlugin, DebianPlugin, UbuntuPlugin):
    short_desc = "Reserved IOVA regions of IOMMU groups"
    plugin_name = "iommu_resv"
    profiles = ("hardware", "virt")
    packages = ("iommu-resv",)

    def setup(self):
        self.add_copy_spec(["/sys/kernel/iommu_resv/*", "/sys/kernel/iommu_groups/*/resv/*"])
        self.add_cmd_output(["iommu-resv", "iommu-resv --json", "iommu-resv features",
                             "iommu-resv-doctor"])
