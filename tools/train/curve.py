#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shows the learning curves that run.py writes: a table, a line per part of the run, or with --plot an SVG.

The SVG has the error on the validation part in per cent (logarithmic) over the epochs of the whole run, a colour per
file, and a vertical line where a part of the first run ends.
"""

import argparse
import csv
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

import output_file

COLUMNS = ["part", "epoch", "loss", "validation", "T"]
COLOURS = ("#0b62a4", "#c1440e", "#2a7f3f", "#7a3fa0", "#8a6d00", "#444444")
WIDTH, HEIGHT = 900, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 20, 50


class CurveError(Exception):
    """A file that is not a learning curve."""


def read(file):
    """[(part, epoch, loss, validation accuracy, T or None)] of a curve file."""
    try:
        with open(file, encoding="utf-8", newline="") as stream:
            head, *rows = list(csv.reader(stream))
        if head != COLUMNS:
            raise ValueError(f"columns {head} instead of {COLUMNS}")
        return [(part, int(epoch), float(loss), float(score), int(bits) if bits else None)
                for part, epoch, loss, score, bits in rows]
    except (OSError, ValueError) as problem:
        raise CurveError(f"{file}: {problem}") from problem


def parts(rows):
    """[(part, its rows)] in order."""
    grouped = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return list(grouped.items())


def table(rows):
    lines = [f"{'part':16} {'epochs':>6} {'first loss':>10} {'last loss':>10} {'first':>8} {'best':>8} {'last':>8}  T"]
    for part, group in parts(rows):
        scores = [score for _, _, _, score, _ in group]
        lines.append(f"{part:16} {len(group):6} {group[0][2]:10.4f} {group[-1][2]:10.4f} {scores[0]:8.2%} "
                     f"{max(scores):8.2%} {scores[-1]:8.2%}  {group[-1][4] or ''}".rstrip())
    return "\n".join(lines)


def plot(runs):
    """An SVG of the validation errors; runs: [(title, rows)]."""
    longest = max(len(rows) for _, rows in runs)
    errors = [max(1 - row[3], 1e-4) * 100 for _, rows in runs for row in rows]
    low, high = min(errors) / 1.1, max(max(errors), min(errors) * 2) * 1.1

    def x(epoch):
        return LEFT + (WIDTH - LEFT - RIGHT) * epoch / max(longest, 1)

    def y(error):
        share = math.log(error / low) / math.log(high / low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    marks = [m * 10.0**k for k in range(-2, 3) for m in (1, 2, 5) if low <= m * 10.0**k <= high]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for mark in marks:
        out.append(f'<path d="M{LEFT} {y(mark):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark:g} %</text>')
    done = 0
    for part, group in parts(runs[0][1]):
        out.append(f'<text x="{x(done) + 3:.1f}" y="{HEIGHT - BOTTOM + 16}">{escape(part)}</text>')
        done += len(group)
        out.append(f'<path d="M{x(done):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#bbbbbb" stroke-dasharray="3 3"/>')
    for index, (title, rows) in enumerate(runs):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(f"{x(epoch):.1f},{y(max(1 - row[3], 1e-4) * 100):.1f}" for epoch, row in enumerate(rows, 1))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        out.append(f'<text x="{WIDTH - RIGHT - 6}" y="{TOP + 16 + 16 * index}" text-anchor="end" fill="{colour}">'
                   f'{escape(title)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
               f'epochs; validation error</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("curves", type=Path, nargs="+", help="files *.csv, as run.py writes them")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curves into one SVG")
    parser.add_argument("--force", action="store_true", help="replace that file where it exists")
    options = parser.parse_args(arguments)
    try:
        if options.plot:
            output_file.check(options.plot, options.force)
        runs = [(file.stem, read(file)) for file in options.curves]
        for title, rows in runs:
            print(f"{title}\n{table(rows)}")
        if options.plot:
            if not all(rows for _, rows in runs):
                raise CurveError("a curve without epochs cannot be drawn")
            options.plot.write_text(plot(runs), encoding="utf-8")
    except (CurveError, output_file.OutputError, OSError) as problem:
        print(f"curve: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
