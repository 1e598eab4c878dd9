"""Plots of the results as SVG: the same file for the same numbers, and readable on a light and a dark background."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

from contenders import NAMES  # noqa: E402
from measures import calls, latency, memory, statuses  # noqa: E402
from worlds import AVAILABLE  # noqa: E402

INK = "#808890"
COLOURS = dict(zip(NAMES, ("#1f8fdf", "#8a6fd1", "#e0871f", "#cf5050", "#3fa05f", "#b0903f")))
STYLE = {"svg.hashsalt": "bench", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11, "text.color": INK, "axes.edgecolor": INK,
         "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "grid.color": INK, "grid.alpha": 0.3, "axes.grid": True,
         "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.transparent": True}


def calls_by_n(axes, measured):
    for contender in NAMES:
        rows = [row for row in measured["rows"] if (row["what"], row["contender"], row["world"]) == (calls.CALLS, contender, AVAILABLE)]
        if not rows:
            continue
        really = [row for row in rows if not row["computed"]]
        values = {row["n"]: row["value"] for row in rows}
        axes.plot(values.keys(), values.values(), "--", color=COLOURS[contender], linewidth=1)
        axes.plot([row["n"] for row in really], [row["value"] for row in really], "o-", color=COLOURS[contender], label=contender)
    axes.set(xscale="log", yscale="log", xlabel="images, all available", ylabel="AWS calls for a full refresh", title="AWS calls (dashed: computed)")
    axes.legend()


def time_to_statuses(axes, measured):
    rows = [row for row in measured["rows"] if row["what"] == statuses.TIME]
    sizes = sorted({row["n"] for row in rows})
    for place, contender in enumerate(dict.fromkeys(row["contender"] for row in rows)):
        values = [next(row["value"] for row in rows if (row["n"], row["contender"]) == (n, contender)) for n in sizes]
        bars = axes.bar([at + 0.36 * place for at in range(len(sizes))], values, 0.34, color=COLOURS[contender], label=contender)
        axes.bar_label(bars, [f"{value:.2f} s" for value in values], color=INK)
    axes.set(xticks=[at + 0.18 for at in range(len(sizes))], xticklabels=[f"{n:,}" for n in sizes], xlabel="images", ylabel="seconds",
             title="From leadership to the last complete status")
    axes.margins(y=0.12)
    axes.grid(axis="x", visible=False)
    axes.legend()


def memory_by_n(axes, measured):
    for what, line in ((memory.RSS, "o-"), (memory.PEAK, "o:")):
        for contender in NAMES:
            values = {row["n"]: row["value"] for row in measured["rows"] if (row["what"], row["contender"]) == (what, contender)}
            if values:
                axes.plot(values.keys(), values.values(), line, color=COLOURS[contender], label=f"{contender}, {what}")
    axes.set(xlabel="images", ylabel="MiB", title="Memory of the process")
    axes.set_ylim(bottom=0)
    axes.legend()


def latency_distribution(axes, measured):
    for contender, values in measured["samples"].items():
        axes.step(values, [(place + 1) / len(values) for place in range(len(values))], where="post", color=COLOURS[contender], label=contender)
    p50 = next((row for row in measured["rows"] if row["contender"] == "cli" and row["what"] == latency.P50), None)
    note = f"\n(the CLI in a loop: p50 ≈ {p50['value']:,.0f} s)" if p50 else ""
    axes.set(xlabel="seconds from the change in AWS to the status", ylabel="share of changes", title=f"Latency{note}")
    axes.set_xlim(left=0)
    axes.legend(loc="lower right")


PLOTS = {"calls": calls_by_n, "statuses": time_to_statuses, "memory": memory_by_n, "latency": latency_distribution}


def draw(folder, measures):
    for name, plot in PLOTS.items():
        if name in measures:
            with plt.rc_context(STYLE):
                figure, axes = plt.subplots(figsize=(7, 4.2))
                plot(axes, measures[name])
                figure.savefig(folder / f"{name}.svg", format="svg", metadata={"Date": None}, bbox_inches="tight")
                plt.close(figure)
