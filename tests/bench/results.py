"""The results: rows, the samples behind them, and facts about the machine and the versions."""

import json
import os
import platform
import statistics
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from contenders import OPERATOR
from shell import run

class Results:
    """The results of one measure."""

    def __init__(self, measure):
        self.measure, self.rows, self.samples = measure, [], {}

    def row(self, what, unit, world, n, contender, value, computed=False, ratio=None):
        """Adds a row. `ratio` is the ratio to the operator, if it is not simply the ratio of the values."""
        row = {"measure": self.measure, "what": what, "world": world, "n": n, "contender": contender, "value": round(value, 4), "unit": unit,
               "computed": computed}
        self.rows.append(row if ratio is None else {**row, "ratio": round(ratio, 4)})

    def rounds(self, what, unit, world, n, contender, values, of_operator=None, of_all=statistics.median):
        """Adds the median of several rounds, or what `of_all` makes of them. Its ratio is the median of the ratios of the rounds."""
        self.samples.setdefault(f"{what}, {world}, {n}", {})[contender] = [round(value, 4) for value in values]
        ratio = None if of_operator is None else statistics.median(value / other for value, other in zip(values, of_operator))
        self.row(what, unit, world, n, contender, of_all(values), ratio=ratio)

    def values(self, what, contender, world=None):
        """The values by N."""
        return {row["n"]: row["value"] for row in self.rows
                if row["what"] == what and row["contender"] == contender and world in (None, row["world"])}


def facts(bench):
    """Facts about the machine, and the versions of what ran on it."""
    memory_kib = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
    changed = "-changed" if run("git", "status", "--porcelain", "--untracked-files=no").strip() else ""
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d"), "commit": run("git", "rev-parse", "--short=12", "HEAD").strip() + changed,
            "cores": os.cpu_count(), "memory_gib": round(memory_kib / 2**20, 1), "kernel": platform.release(), "architecture": platform.machine(),
            "load_before": bench.load_before, "kube_apiserver": bench.kubernetes, "kopf": version("kopf"),
            "aws_parallelcluster": version("aws-parallelcluster"), "python": platform.python_version(), "quick": bench.is_quick}


def load(path):
    """The measures of an earlier run, by name."""
    if not path.exists():
        return {}
    return json.loads(path.read_text())["measures"]


def save(path, measures):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"measures": measures}, indent=1) + "\n")


def ratio_to_operator(row, rows):
    """None for the operator itself, and if the operator's value is 0 or missing."""
    if row["contender"] == OPERATOR:
        return None
    same = [each for each in rows if each["contender"] == OPERATOR and all(each[key] == row[key] for key in ("what", "unit", "world", "n"))]
    return row.get("ratio") or (row["value"] / same[0]["value"] if same and same[0]["value"] else None)
