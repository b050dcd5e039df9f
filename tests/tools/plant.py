#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""plant.py TREE DIR: make the files that a description of a sysfs tree lists.

Lines of a description:
  # comment                          outside of a file's content
  @ PATH                             a file, its content follows
  @ PATH mode 444                    the same, with these permissions
  @ PATH/                            a folder
  @ PATH -> TARGET                   a symbolic link
and in content:
  hex BYTES...                       a line of these bytes
  repeat N LINE                      the line N times
  long N LINE                        the line's last character N times
  errno N                            reading the file fails (see fake_kernel.c)
A file NAME,write or NAME,delete says what the fake kernel does on a write or a delete (see
fake_kernel.c).
"""
import os
import sys


def content(lines):
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "hex":
            yield bytes.fromhex(rest) + b"\n"
        elif word == "repeat":
            count, _, rest = rest.partition(" ")
            yield (rest + "\n").encode() * int(count)
        elif word == "long":
            count, _, rest = rest.partition(" ")
            yield (rest[:-1] + rest[-1] * int(count) + "\n").encode()
        else:
            yield (line + "\n").encode()


def plant(tree, root):
    os.makedirs(root)
    entries = []
    with open(tree, encoding="utf-8") as lines:
        for line in lines.read().splitlines():
            if line.startswith("@ "):
                entries.append((line[2:], []))
            elif not line.startswith("# "):
                entries[-1][1].append(line)
    for name, lines in entries:
        path, arrow, target = name.partition(" -> ")
        path, _, mode = path.partition(" mode ")
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if arrow:
            os.symlink(target, path)
        elif not path.endswith("/"):
            with open(path, "wb") as out:
                out.writelines(content(lines))
            if mode:
                os.chmod(path, int(mode, 8))


plant(sys.argv[1], sys.argv[2])
