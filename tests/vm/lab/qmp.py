# SPDX-License-Identifier: GPL-2.0-only
"""The control protocol of QEMU."""
import json
import socket

from lab import kernels


class Qmp:
    """Just enough of QEMU's control protocol to plug devices."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        # A long timeout: plugging waits for all CPUs of the guest, which are slow on a busy host.
        self.sock.settimeout(120)
        self.sock.connect(str(path))
        self.file = self.sock.makefile("rw")
        self.file.readline()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise kernels.Failure(f"QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
