# SPDX-License-Identifier: GPL-2.0-only
"""A transcript by its "say" lines."""


def sections(lines):
    """{text: lines after "say TEXT", until the next one}; "" is what comes before all."""
    out = {"": []}
    now = out[""]
    for line in lines:
        if line.startswith("say "):
            now = out.setdefault(line[4:], [])
        now.append(line)
    return out


def files(lines):
    """{path: (status, lines)}, the last that was told of each."""
    out, text = {}, []
    for line in lines:
        word = line.split(" ")
        if word[0] == "file":
            text = []
            out[word[1]] = (word[2], text)
        elif word[0] == "|":
            text.append(line[2:])
    return out
