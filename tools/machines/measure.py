#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""N ranks of one thread against N threads on this machine, and the memory of every rank.

measure.py LACUNA [--model NAME] [--ranks 1 2] [--times 3] [--plan-option ...] [--images FILE]

Runs alternate, each way `--times` times; printed are the least seconds on the clock from the first byte of the upload
to the last of the reply, and the least processor seconds of all processes, which busy machines disturb less. Ranks poll
for messages, so part of what they wait is in their processor seconds. Fails where replies differ.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

PLAN = ["--packing=slots", "--no-circuit-privacy"]
DIGITS = pathlib.Path(__file__).resolve().parents[1] / "digits/images-idx3-ubyte.gz"


def run(command):
    """What a command prints, and the processor seconds that it and its children take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {result.stderr}")
    return result.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lacuna", type=pathlib.Path)
    parser.add_argument("--model", default="faster-cryptonets")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--plan-option", action="append",
                        help="instead of " + " ".join(PLAN) + ", as --plan-option=--batch=9")
    parser.add_argument("--images", type=pathlib.Path, default=DIGITS)
    arguments = parser.parse_args()
    mpirun = ["mpirun", *(["--allow-run-as-root"] if os.getuid() == 0 else []), "--oversubscribe", "--bind-to", "none"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lacuna = arguments.lacuna.resolve()
        run([lacuna, "plan", "--model", arguments.model, *(arguments.plan_option or PLAN), "--export-client",
             folder / "client.json", "--out", folder / "server.plan"])
        run([lacuna, "keygen", "--client", folder / "client.json", "--out", folder / "keys"])
        run([lacuna, "encrypt", "--keys", folder / "keys", "--images", arguments.images, "--out",
             folder / "upload.lct"])
        common = ["infer", "--model", arguments.model, "--plan", folder / "server.plan", "--keys",
                  folder / "keys/evaluation.keys", "--in", folder / "upload.lct", "--json", "--force"]
        for ranks in arguments.ranks:
            ways = {"threads": [lacuna, *common, "--threads", str(ranks), "--out", folder / "threads.lct"],
                    "ranks": [*mpirun, "-n", str(ranks), lacuna, *common, "--threads", "1", "--out",
                              folder / "ranks.lct"]}
            clock, processor, document = {way: [] for way in ways}, {way: [] for way in ways}, {}
            for _ in range(arguments.times):
                for way, command in ways.items():
                    output, seconds = run(command)
                    document[way] = json.loads(output)
                    clock[way].append(document[way]["replies"][0]["seconds"])
                    processor[way].append(seconds)
            if (folder / "threads.lct").read_bytes() != (folder / "ranks.lct").read_bytes():
                sys.exit(f"{ranks} ranks: expected the same reply, found another")
            peaks = [round(document["threads"]["peak_memory_bytes"] / 1e6)], [
                round(peak / 1e6) for peak in document["ranks"].get("peak_memory_bytes_of_ranks",
                                                                    [document["ranks"]["peak_memory_bytes"]])]
            print(f"{arguments.model}: {ranks} threads {min(clock['threads']):.2f} s, ranks {min(clock['ranks']):.2f} s: "
                  f"{min(clock['threads']) / min(clock['ranks']):.2f} of the speed; processor time "
                  f"{min(processor['threads']):.2f} s and {min(processor['ranks']):.2f} s; peak memory {peaks[0]} MB and "
                  f"{peaks[1]} MB", flush=True)


if __name__ == "__main__":
    main()
