"""The documented values of values.yaml, and the table of them in the chart's README.

    python tests/chart/values_table.py     updates the table
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml
from helm import CHART

README = CHART / "README.md"
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"
KEY = re.compile(r"^( *)([A-Za-z]+):")


@dataclass
class Value:
    path: str
    default: Any
    comment: str


def documented():
    """A value is a key with a comment directly above it; `##` heads a group."""
    text = (CHART / "values.yaml").read_text()
    defaults, found, path, comment = yaml.safe_load(text), [], [], ""
    for line in text.splitlines():
        if match := KEY.match(line):
            depth = len(match[1]) // 2
            path = path[:depth] + [match[2]]
            if comment:
                default = defaults
                for key in path:
                    default = default[key]
                found.append(Value(".".join(path), default, comment))
        comment = line.strip()[2:] if line.strip().startswith("# ") else ""
    return found


def row(value):
    default = "" if value.default in ("", [], {}) else f"`{yaml.safe_dump(value.default, default_flow_style=True, width=1000).splitlines()[0]}`"
    return f"| `{value.path}` | {default} | {value.comment.replace('|', chr(92) + '|')} |\n"


def table():
    return "| value | default | |\n|---|---|---|\n" + "".join(map(row, documented()))


def split():
    """The README in three parts: before, in and after its table."""
    before, rest = README.read_text().split(BEGIN)
    inside, after = rest.split(END)
    return before, inside, after


if __name__ == "__main__":
    before, _, after = split()
    README.write_text(before + BEGIN + table() + END + after)
