"""Tables for the terminal, JSON, and plots."""
import json
import os
import platform
import re
import subprocess

import matplotlib
matplotlib.use("svg")
from matplotlib import pyplot  # pylint: disable=wrong-import-position


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        info = file.read()
    flags = set(re.search(r"^flags\s*:(.*)$", info, re.M)[1].split())
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+)", file.read(), re.M)}
    return {
        "processor": re.search(r"^model name\s*:\s*(.*)$", info, re.M)[1],
        "cores": os.cpu_count(),
        "avx512": "avx512dq" in flags,
        "avx512ifma": "avx512ifma" in flags,
        "memory_gib": round(memory["MemTotal"] / 2**20, 1),
        # Which PostgreSQL takes where there are enough.
        "huge_pages_free_mib": memory.get("HugePages_Free", 0) * memory.get("Hugepagesize", 0) // 2**10,
        "kernel": platform.release(),
        "postgresql": subprocess.run(["psql", "--version"], stdout=subprocess.PIPE, text=True,
                                     check=True).stdout.split()[2],
    }


def figure(samples):
    middle = samples.median()
    text = f"{middle:,.0f}" if middle >= 1000 else f"{middle:.3g}" if middle < 10 else f"{middle:.1f}"
    return f"{text} ±{samples.spread():.0%}" if len(samples.values) > 1 else text


def table(title, results, columns, what):
    """results: {row: {figure: Samples}}; columns: [(figure, heading)]. As Markdown."""
    rows = [[what, *(heading for _, heading in columns)]]
    for name, figures in results.items():
        rows.append([name, *(figure(figures[key]) if key in figures else "" for key, _ in columns)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        lines.append("| " + " | ".join(cells) + " |")
        if number == 0:
            lines.append("|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|")
    return f"\n### {title}\n\n" + "\n".join(lines)


def bars(path, title, results, key, unit):
    """One bar for each row: the median, and the repetitions as points."""
    rows = {name: figures[key] for name, figures in results.items() if key in figures}
    drawing, axes = pyplot.subplots(figsize=(9, 0.45 * len(rows) + 1.2))
    axes.barh(list(rows), [samples.median() for samples in rows.values()], color="#7aa6c2")
    for at, samples in enumerate(rows.values()):
        axes.plot(samples.values, [at] * len(samples.values), "k.", markersize=3)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_title(title)
    drawing.tight_layout()
    drawing.savefig(path)
    pyplot.close(drawing)


def curve(path, title, points, x_label, y_label, logarithmic=False):
    """points: {x: Samples}."""
    drawing, axes = pyplot.subplots(figsize=(7, 4))
    xs = list(points)
    axes.plot(xs, [points[x].median() for x in xs], "o-", color="#7aa6c2")
    for x in xs:
        axes.plot([x] * len(points[x].values), points[x].values, "k.", markersize=3)
    if logarithmic:
        axes.set_xscale("symlog")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title)
    drawing.tight_layout()
    drawing.savefig(path)
    pyplot.close(drawing)


def write_json(path, parts):
    """parts: {part: {row: {figure: Samples}}}; the repetitions in the order in which they were run."""
    plain = {part: {str(row): {key: samples.values for key, samples in figures.items()}
                    for row, figures in results.items()} for part, results in parts.items()}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine(), "results": plain}, file, indent=1)
