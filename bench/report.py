#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns benchmark JSON into Markdown: ours, a peer's and the ratio, operation by operation, in CPU time.

Benchmarks are named <operation>/<who>/<size>; who is "lacuna", or a peer or a peer's way. Files that one program
wrote on the same machine with the same builds are merged, the fastest repetition counting; any others get a
table of their own, never a common one.
"""
import argparse
import json
import os.path
import sys

# What Google Benchmark puts into the context that differs from run to run, or that says nothing of the result.
VOLATILE = {"date", "load_avg", "mhz_per_cpu", "cpu_scaling_enabled", "caches", "library_build_type",
            "library_version", "json_schema_version"}
MICROSECONDS = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
# Wall time beyond CPU time by more than this means that something else ran.
QUIET = 1.05


class Run:
    """What one program measured on one machine with one set of builds."""

    def __init__(self, context):
        self.context = context
        self.times = {}  # {(operation, size): {who: (microseconds of CPU time, wall time over CPU time)}}
        self.order = {}  # {(operation, size): its place in the program}
        self.failures = {}  # {message: names, each once}

    def add(self, entry):
        name = entry["name"]
        # Google Benchmark appends what was set by name: /iterations:20, /process_time, /repeats:3.
        parts = name.split("/")
        if entry.get("run_type") == "aggregate" or len(parts) < 3:
            return
        if entry.get("error_occurred"):
            self.failures.setdefault(entry.get("error_message", "failed"), {})["/".join(parts[:3])] = None
            return
        scale = MICROSECONDS[entry["time_unit"]] / entry.get("parts", 1)
        key = (parts[0], parts[2])
        row = self.times.setdefault(key, {})
        place = entry.get("family_index", 0)
        self.order[key] = min(self.order.get(key, place), place)
        time = (entry["cpu_time"] * scale, entry["real_time"] / max(entry["cpu_time"], 1e-9))
        row[parts[1]] = min(row.get(parts[1], time), time)

    def busiest(self):
        """Wall time over CPU time, of the row where it is most."""
        return max((wall for row in self.times.values() for _, wall in row.values()), default=1.0)


def read(paths):
    """The runs in the order of their first file."""
    runs = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        context = {key: value for key, value in report["context"].items() if key not in VOLATILE}
        context["executable"] = os.path.basename(context.get("executable", "unknown"))
        run = runs.setdefault(json.dumps(context, sort_keys=True), Run(context))
        for entry in report["benchmarks"]:
            run.add(entry)
    return list(runs.values())


def build_of(who, context):
    """A peer with its version and build, where the context has them: seal_bgv is SEAL."""
    build = context.get(who) or context.get(who.split("_")[0])
    return f"{who} ({build})" if build else who


def table(run):
    """Lines of Markdown."""
    context = run.context
    known = {"executable", "machine", "kernel", "compiler", "build", "host_name", "num_cpus"}
    ours = ", ".join(context.get(key, key + " unknown") for key in ("kernel", "compiler", "build"))
    yield f"## {context['executable']} on {context.get('machine', 'a machine unknown')}"
    yield ""
    yield f"Host {context.get('host_name', 'unknown')}, {context.get('num_cpus', '?')} cores. Lacuna: {ours}."
    for key in sorted(set(context) - known):
        yield f"{key}: {context[key]}."
    yield "Microseconds of CPU time, fastest repetition; ratio: Lacuna's over the peer's."
    if run.busiest() > QUIET:
        yield (f"Measured on a busy machine: wall time was up to {run.busiest():.2f} times CPU time. "
               "Measure again before quoting.")
    yield ""
    yield f"| operation | size | Lacuna on {context.get('machine', 'unknown')} | peer | its time | ratio |"
    yield "|---|---|---|---|---|---|"
    for (operation, size), row in sorted(run.times.items(), key=lambda item: run.order[item[0]]):
        ours = row["lacuna"][0] if "lacuna" in row else None
        peers = {who: time for who, (time, _) in row.items() if who != "lacuna"} or {"": None}
        for who, time in sorted(peers.items()):
            yield "| " + " | ".join([
                operation, size,
                "" if ours is None else f"{ours:.2f}",
                build_of(who, context) if who else "",
                "" if time is None else f"{time:.2f}",
                f"{ours / time:.2f}" if ours and time else ""]) + " |"
    for message, names in run.failures.items():
        yield ""
        yield f"Not measured: {', '.join(names)}: {message}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="JSON written by --benchmark_out=FILE")
    arguments = parser.parse_args()
    try:
        runs = read(arguments.files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"report.py: expected Google Benchmark's JSON, found {type(error).__name__}: {error}; "
                 "write it with --benchmark_out=FILE --benchmark_out_format=json")
    print("\n\n".join("\n".join(table(run)) for run in runs))


if __name__ == "__main__":
    main()
