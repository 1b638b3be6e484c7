#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns benchmark JSON into a Markdown table: ours, a peer's and the ratio, operation by operation.

Benchmarks are named <operation>/<who>/<size>. Usage: report.py FILE.json [FILE.json ...]
"""
import argparse
import json
import sys


def read(paths):
    """({(operation, size): {who: microseconds}}, context of the first file); the fastest repetition counts."""
    times, context = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        context = context or report["context"]
        for entry in report["benchmarks"]:
            parts = entry["name"].split("/")
            if entry.get("run_type") == "aggregate" or len(parts) < 3:
                continue
            scale = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}[entry["time_unit"]]
            row = times.setdefault((parts[0], parts[2]), {})
            row[parts[1]] = min(row.get(parts[1], float("inf")), entry["real_time"] * scale)
    return times, context


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="JSON written by --benchmark_out=FILE")
    arguments = parser.parse_args()
    try:
        times, context = read(arguments.files)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"report.py: expected Google Benchmark's JSON; {error}")
    whos = sorted({who for row in times.values() for who in row} - {"lacuna"})
    print(f"{context.get('machine', 'machine unknown')}, kernel {context.get('kernel', 'unknown')}; microseconds\n")
    print("| operation | n | lacuna | " + "".join(f"{who} | ratio | " for who in whos))
    print("|---|---|---|" + "---|---|" * len(whos))
    for (operation, size), row in times.items():
        if "lacuna" not in row:
            continue
        cells = [operation, size, f"{row['lacuna']:.1f}"]
        for who in whos:
            cells += [f"{row[who]:.1f}", f"{row['lacuna'] / row[who]:.2f}"] if who in row else ["", ""]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
