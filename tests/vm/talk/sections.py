# SPDX-License-Identifier: GPL-2.0-only
"""Split a transcript at its "say" lines."""


def sections(lines):
    """{text: lines from "say TEXT" to the next "say"}; "" has the lines before the first one."""
    out = {"": []}
    now = out[""]
    for line in lines:
        if line.startswith("say "):
            now = out.setdefault(line[4:], [])
        now.append(line)
    return out


def files(lines):
    """{path: (status, lines)} of the last time that each file was read."""
    out, text = {}, []
    for line in lines:
        word = line.split(" ")
        if word[0] == "file":
            text = []
            out[word[1]] = (word[2], text)
        elif word[0] == "|":
            text.append(line[2:])
    return out
