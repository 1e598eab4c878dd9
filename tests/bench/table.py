"""The results as Markdown: a table for each measure, with a column for each contender."""

import textwrap
import re

from contenders import NAMES
from results import ratio_to_operator

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
TITLES = {"calls": "AWS calls and CPU of one full refresh", "budget": "Refused calls when AWS allows the operator's budget and no more",
          "rest": "At rest: ten rounds of reads of images that do not change",
          "statuses": "From leadership to the last complete status", "memory": "Memory, and CPU at rest",
          "latency": "From a change in AWS to the status", "api": "Describes over HTTP"}
#: The table of calls by operation is for this many images, or the largest smaller number.
BY_OPERATION = 1000


def number(value):
    if value == 0 or value >= 100 or value == int(value) and value >= 10:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cell(row, rows):
    ratio = ratio_to_operator(row, rows)
    return ("≈ " if row["computed"] else "") + number(row["value"]) + (f" (×{number(ratio)})" if ratio else "")


def named(row):
    """The name of a row, with its unit if it is a time or MiB."""
    return row["what"] + (f", {row['unit']}" if row["unit"] in ("s", "ms", "MiB") else "")


def lines(header, keyed, contenders, rows):
    """The lines of a table, one for each key. `keyed` maps a key to its rows."""
    yield "| " + " | ".join((*header, *contenders)) + " |"
    yield "|" + "---|" * len(header) + "---:|" * len(contenders)
    for key, found in keyed.items():
        by_contender = {row["contender"]: cell(row, rows) for row in found}
        yield "| " + " | ".join((*key, *(by_contender.get(name, "") for name in contenders))) + " |"


def grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def of_measure(name, rows):
    contenders = [contender for contender in NAMES if any(row["contender"] == contender for row in rows)]
    totals = [row for row in rows if ":" not in row["what"]]
    by_operation = [row for row in rows if ":" in row["what"]]
    yield f"### {TITLES[name]}"
    yield ""
    yield from lines(("", "AWS", "N"), grouped(totals, lambda row: (named(row), row["world"], f"{row['n']:,}")), contenders, rows)
    if by_operation:
        most = max(row["n"] for row in by_operation if row["n"] <= BY_OPERATION)
        shown = [row for row in by_operation if row["n"] == most]
        yield ""
        yield f"By operation, N = {most:,}:"
        yield ""
        yield from lines(("", "AWS"), grouped(shown, lambda row: (f"`{row['what']}`", row["world"])), contenders, rows)
    yield ""


def where(facts):
    changed = " with changes" if facts["commit"].endswith("-changed") else ""
    line = (f"{facts['date']}, commit {facts['commit'].removesuffix('-changed')}{changed}: {facts['cores']} cores, {facts['memory_gib']} GiB, "
            f"Linux {facts['kernel']} {facts['architecture']}, kube-apiserver {facts['kube_apiserver']}, kopf {facts['kopf']}, "
            f"ParallelCluster {facts['aws_parallelcluster']}, Python {facts['python']}{', QUICK' if facts['quick'] else ''}.")
    return textwrap.fill(line, 120, break_on_hyphens=False)


def markdown(measures):
    """The tables of all measures. “≈”: computed from fewer images; (×n): the ratio to the operator."""
    text = []
    for name in TITLES:
        if name in measures:
            text += [*of_measure(name, measures[name]["rows"]), where(measures[name]["facts"]), ""]
    return "\n".join([*text, "≈: computed from a run with fewer images. (×n): the ratio to the operator."])


def write_into(document, block):
    """Replaces the text between the two markers."""
    if not document.exists():
        document.parent.mkdir(parents=True, exist_ok=True)
        document.write_text(f"# Performance\n\nMeasured by `make bench`.\n\n{BEGIN}\n{END}\n")
    marked = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    document.write_text(marked.sub(lambda _: f"{BEGIN}\n{block}\n{END}", document.read_text()))
