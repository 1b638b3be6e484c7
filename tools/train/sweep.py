#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shows what each quantisation of a network costs and what it keeps: accuracy against bits of range, homomorphic
operations and estimated time, as a table and with --plot as an SVG; and picks one by a target.

  tools/train/sweep.py network.onnx --data DIR --range 42    the most accurate one of at most 42 bits
  tools/train/sweep.py network.onnx --data DIR --loss 0.2    the cheapest one that loses at most 0.2 % of accuracy

The source and its options are those of import_network.py. Every combination of input levels, grids and sizes is tried,
one size for all layers, without retraining after the rounding. The times are `lacuna plan`'s estimates for this
machine, where the command is found.
"""

import argparse
import copy
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

# See run.py.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import data
import export
import hops
import import_network
import lowering
import output_file
import ranges
import training
from float_layers import ImportFailure
from network import RecipeError

SIZES = {"uniform": (1, 3, 7, 15, 31, 63), "power": (2, 3, 4, 5)}
COLOURS = ("#0b62a4", "#c1440e", "#2a7f3f", "#7a3fa0", "#8a6d00", "#444444")
PANEL, HEIGHT = 400, 420  # a panel's width, the height of all
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 20, 50


@dataclass
class Setting:
    levels: int
    grid: str
    size: int
    accuracy: float = 0.0
    bits: int = 0
    operations: int = 0
    seconds: float | None = None  # None: not estimated
    model: object = None

    def options(self):
        return f"--input-levels {self.levels} --grid {self.grid} --size {self.size}"


def quantised(network, levels, grid, size):
    """A copy of a float network, rounded, and its integers."""
    network = copy.deepcopy(network)
    network.recipe = dict(network.recipe, thresholds=lowering.even_thresholds(levels))
    network.input_unit = 1.0 / levels
    import_network.quantise_stepwise(network, grid, [size] * len(network.weighted()), lambda step: None)
    model = network.to_integer()
    ranges.centre_logits(model)
    return network, model


def measure(network, split, setting, estimate):
    rounded, setting.model = quantised(network, setting.levels, setting.grid, setting.size)
    setting.accuracy = training.accuracy(rounded.eval(), training.Pixels(rounded.recipe["thresholds"]), split)
    setting.bits = ranges.proven_bits(setting.model)
    setting.operations = hops.total(setting.model).total
    setting.seconds = estimate(setting.model)
    return setting


class Estimator:
    """Seconds by `lacuna plan`; None where there is no command, or no plan for a model."""

    def __init__(self, command, batch):
        self.command, self.batch = command, batch

    def __call__(self, model):
        if self.command is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.lacuna.json"
            export.save(model, file)
            done = subprocess.run([self.command, "plan", "--model", str(file), "--batch", str(self.batch), "--json"],
                                  capture_output=True, text=True, check=False)
        try:
            return float(json.loads(done.stdout)["estimated_seconds"]) if done.returncode == 0 else None
        except (ValueError, KeyError):
            return None


def find_command(given):
    if given:
        found = shutil.which(given)
        if found is None:
            raise ImportFailure(f"--lacuna {given}: not found")
        return found
    built = Path(__file__).resolve().parent.parent.parent / "build" / "bin" / "lacuna"
    return str(built) if built.is_file() else shutil.which("lacuna")


def pick(settings, reference, most_bits, loss):
    """The setting that meets the targets: with a limit on the loss the one of least time (operations, where no time is
    known), else the most accurate; of equals the cheaper one. ImportFailure where none does."""
    fitting = [one for one in settings if (most_bits is None or one.bits <= most_bits)
               and (loss is None or one.accuracy >= reference - loss / 100 - 1e-12)]
    if not fitting:
        least = min(one.bits for one in settings)
        best = max(one.accuracy for one in settings)
        raise ImportFailure(f"no setting meets the target: the least range is {least} bits, the best accuracy "
                            f"{best:.2%} ({reference:.2%} unrounded); relax it, or retrain (--retrain)")

    def cost(one):
        return (one.seconds if one.seconds is not None else float("inf"), one.operations, one.bits)
    if loss is not None:
        return min(fitting, key=lambda one: (*cost(one), -one.accuracy))
    return min(fitting, key=lambda one: (-one.accuracy, one.bits, *cost(one)))


def table(settings, chosen):
    lines = [f"{'levels':>6}  {'grid':8} {'size':>5} {'accuracy':>9} {'T, bits':>8} {'HOPs':>12} {'time':>9}"]
    for one in settings:
        seconds = "-" if one.seconds is None else f"{one.seconds:.3g} s"
        lines.append(f"{one.levels:6}  {one.grid:8} {one.size:5} {one.accuracy:9.2%} {one.bits:8} "
                     f"{one.operations:12,} {seconds:>9}{'  <' if one is chosen else ''}")
    return "\n".join(lines)


def plot(settings, reference, chosen):
    """An SVG: accuracy over bits of range, over operations and, where they are known, over seconds. A colour per number
    of input levels; squares are powers of two; the largest mark is the choice."""
    panels = [("range of the logits, bits", lambda one: one.bits, False),
              ("homomorphic operations", lambda one: one.operations, True)]
    if all(one.seconds for one in settings):
        panels.append(("estimated time, seconds", lambda one: one.seconds, True))
    width = LEFT + len(panels) * (PANEL + RIGHT)
    low = max(0.0, min(one.accuracy for one in settings) - 0.02)
    high = min(1.0, max([reference, *(one.accuracy for one in settings)]) + 0.02)

    def y(value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12">', f'<rect width="{width}" height="{HEIGHT}" fill="white"/>']
    for step in range(6):
        value = low + (high - low) * step / 5
        out.append(f'<path d="M{LEFT} {y(value):.1f}H{width - RIGHT}" stroke="#dddddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1%}</text>')
    out.append(f'<path d="M{LEFT} {y(reference):.1f}H{width - RIGHT}" stroke="#444444" stroke-dasharray="4 3"/>')
    for index, (title, cost, logarithmic) in enumerate(panels):
        out += _panel(settings, chosen, title, cost, logarithmic, LEFT + index * (PANEL + RIGHT), y)
    for index, level in enumerate(sorted({one.levels for one in settings})):
        out.append(f'<text x="{width - RIGHT - 6}" y="{HEIGHT - BOTTOM - 10 - 16 * index}" text-anchor="end" '
                   f'fill="{COLOURS[index % len(COLOURS)]}">inputs 0 ... {level}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _panel(settings, chosen, title, cost, logarithmic, left, y):
    """Accuracy over one cost, from x = left on."""
    def position(value):
        return math.log10(value) if logarithmic else value
    costs = [position(cost(one)) for one in settings]
    margin = max((max(costs) - min(costs)) * 0.07, 0.02)
    low, high = min(costs) - margin, max(costs) + margin

    def x(value):
        return left + PANEL * (value - low) / (high - low)

    out = [f'<path d="M{left} {TOP}V{HEIGHT - BOTTOM}" stroke="#888888"/>',
           f'<text x="{left + PANEL / 2}" y="{HEIGHT - 12}" text-anchor="middle">{title}</text>']
    for value in sorted({min(costs), (min(costs) + max(costs)) / 2, max(costs)}):
        shown = f"{10**value:,.3g}" if logarithmic and value < 3 else f"{10**value:,.0f}" if logarithmic else f"{value:g}"
        out.append(f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{shown}</text>')
    levels = sorted({one.levels for one in settings})
    for one, value in zip(settings, costs):
        size, centre = 7 if one is chosen else 4, (x(value), y(one.accuracy))
        seconds = "" if one.seconds is None else f", {one.seconds:.3g} s"
        kind, place = ("rect", f'x="{centre[0] - size:.1f}" y="{centre[1] - size:.1f}" width="{2 * size}" '
                               f'height="{2 * size}"') if one.grid == "power" else \
            ("circle", f'cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{size}"')
        label = escape(f"{one.options()}: {one.accuracy:.2%}, {one.bits} bits, {one.operations:,} operations{seconds}")
        out.append(f'<{kind} {place} fill="{COLOURS[levels.index(one.levels) % len(COLOURS)]}" fill-opacity="0.7">'
                   f'<title>{label}</title></{kind}>'
                   f'<text x="{centre[0] + 7:.1f}" y="{centre[1] + 4:.1f}" font-size="9">{one.size}</text>')
    return out


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="*.onnx, or a PyTorch file")
    import_network.add_network_options(parser)
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 3, 15], metavar="N",
                        help="inputs become 0 ... N (default: 1 3 15)")
    parser.add_argument("--grids", nargs="+", choices=tuple(SIZES), default=["uniform", "power"],
                        help="(default: uniform power)")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="S",
                        help="of every grid (default: 1 3 7 15 31 63 uniform, 2 3 4 5 power)")
    parser.add_argument("--images", type=int, default=2000, metavar="N",
                        help="measure on the first N inputs of the data (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=1, help="inputs a request, for the times (default: %(default)s)")
    parser.add_argument("--lacuna", metavar="COMMAND", help="for the times (default: build/bin/lacuna, else lacuna)")
    parser.add_argument("--range", type=int, metavar="BITS", help="target: at most so many bits of range")
    parser.add_argument("--loss", type=float, metavar="PERCENT", help="target: at most so much accuracy lost")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw it")
    parser.add_argument("--force", action="store_true", help="replace the SVG where it exists")
    return parser.parse_args(arguments)


def run(options):
    import_network.check_options(options)
    if min(options.levels) < 1 or max(options.levels) > 255 or options.images < 1 or options.batch < 1:
        raise ImportFailure("--levels are 1 ... 255, --images and --batch at least 1")
    for grid in options.grids:
        import_network.check_sizes(grid, options.sizes or SIZES[grid])
    if options.plot:
        output_file.check(options.plot, options.force)
    command = find_command(options.lacuna)
    prepared = import_network.prepare(options, max(options.levels))
    if prepared.judge.found is None:
        raise ImportFailure("a sweep measures accuracy: state --data, or --mnist for digits")
    network = prepared.network
    split = prepared.judge.split.part(0, options.images)
    split = data.Split(split.images.reshape(len(split), *network.input_shape), split.labels)
    reference = training.accuracy(network, training.Pixels(range(1, 256)), split)
    print(f"{reference:7.2%}  unrounded, on the {len(split):,} inputs of the sweep"
          + ("" if command else "; no times: build/bin/lacuna is not there (--lacuna)"))
    settings = []
    for levels, grid in itertools.product(sorted(set(options.levels)), options.grids):
        for size in options.sizes or SIZES[grid]:
            settings.append(measure(network, split, Setting(levels, grid, size),
                                    Estimator(command, options.batch)))
    targets = options.range is not None or options.loss is not None
    chosen = pick(settings, reference, options.range, options.loss) if targets else None
    print(table(settings, chosen))
    if options.plot:
        options.plot.write_text(plot(settings, reference, chosen), encoding="utf-8")
    if chosen:
        print(f"import it with {chosen.options()}")


def main(arguments=None):
    try:
        run(parse(arguments))
    except (ImportFailure, RecipeError, data.DataError, export.FormatError, output_file.OutputError, ValueError,
            OSError, MemoryError) as problem:
        print(f"sweep: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
