#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much sooner N machines of one thread answer one request than one does, by `lacuna plan --ranks`.

curve.py LACUNA [--models NAME ...] [--bandwidths 10G 25G] [--csv FILE] [--svg FILE]

An estimate: work by the plan's cost model, exchanges by bytes over bandwidth, nothing overlapped. The bytes are counts
that a test compares with what moves; the seconds scale with the speed of the machine that this runs on. Says for each
bandwidth from how many ranks on exchanges, requests and replies take longer than the work itself.
"""

import argparse
import csv
import json
import math
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "train"))
import line_plot  # noqa: E402

PLAN = ["--batch=8192", "--no-circuit-privacy"]
RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def measure(lacuna, model, bandwidths, options):
    """The plan's machines, for every bandwidth a list that goes through the numbers of ranks. One call, since every
    call times the machine anew."""
    command = [lacuna, "plan", "--json", "--model", model, "--ranks", ",".join(map(str, RANKS)), "--bandwidth",
               ",".join(bandwidths), *options]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {result.stderr.strip()}")
    document = json.loads(result.stdout)
    machines = document["machines"]
    print(f"{model}: {document['estimated_seconds']:.4g} s on one thread, kernel {document['kernel']}")
    return [machines[i:i + len(RANKS)] for i in range(0, len(machines), len(RANKS))]


def work_seconds(machines):
    """What the slowest rank computes, of all the moduli of its lane."""
    moduli = max(len(lane["moduli"]) for lane in machines["lanes"])
    return moduli * sum(line["seconds"] for line in machines["lines"])


def row(model, bandwidth, machines):
    seconds = machines["estimated_seconds"]
    work = work_seconds(machines)
    moved = machines["request_bytes"] + machines["reply_bytes"] + sum(line["bytes"] for line in machines["lines"])
    return {"model": model, "bandwidth": bandwidth, "ranks": machines["ranks"], "lanes": len(machines["lanes"]),
            "seconds": f"{seconds:.4g}", "work_seconds": f"{work:.4g}", "moved_seconds": f"{seconds - work:.4g}",
            "moved_bytes": moved}


def curves(lacuna, model, bandwidths, options):
    """Rows of all bandwidths, and for the plot of each the logarithms of ranks and of how many times sooner."""
    rows, series = [], []
    for bandwidth, of_bandwidth in zip(bandwidths, measure(lacuna, model, bandwidths, options)):
        own = [row(model, bandwidth, machines) for machines in of_bandwidth]
        one = float(own[0]["seconds"])
        series.append((f"{model}, {bandwidth[:-1]} {bandwidth[-1]}b/s",
                       [(math.log2(r["ranks"]), math.log2(one / float(r["seconds"]))) for r in own]))
        dear = [r["ranks"] for r in own if float(r["moved_seconds"]) > float(r["work_seconds"])]
        print(f"{bandwidth}b/s: " + (f"from {dear[0]} ranks on moving takes longer than computing" if dear else
                                     f"computing takes longer than moving up to {RANKS[-1]} ranks"))
        for r in own:
            print("  " + ", ".join(f"{name} {value}" for name, value in list(r.items())[2:]), flush=True)
        rows += own
    return rows, series


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lacuna", type=pathlib.Path)
    parser.add_argument("--models", nargs="+", default=["cryptodl-2", "cifar10"])
    parser.add_argument("--plan-option", action="append",
                        help="instead of " + " ".join(PLAN) + ", as --plan-option=--batch=9")
    parser.add_argument("--bandwidths", nargs="+", default=["10G", "25G"])
    parser.add_argument("--csv", type=pathlib.Path)
    parser.add_argument("--svg", type=pathlib.Path)
    arguments = parser.parse_args()
    rows, series = [], []
    for model in arguments.models:
        own_rows, own_series = curves(arguments.lacuna, model, arguments.bandwidths, arguments.plan_option or PLAN)
        rows += own_rows
        series += own_series
    if arguments.csv:
        with open(arguments.csv, "w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    if arguments.svg:
        powers = [(math.log2(n), str(n)) for n in RANKS]
        arguments.svg.write_text(line_plot.plot(series, "ranks", "times sooner than one rank", powers, y_ticks=powers,
                                                diagonal="as many times as ranks"), encoding="utf-8")


if __name__ == "__main__":
    main()
