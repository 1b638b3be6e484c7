# SPDX-License-Identifier: Apache-2.0
"""Checks that nothing includes to its right, from house to house, from floor to floor and between the rooms of nn; and
that one file alone knows OpenMP: what it is not compiled for, a pragma elsewhere would be ignored without a word.

Usage: floors.py SOURCE_DIR
"""
import pathlib
import re
import sys

# A file may include its own place and those before it. Files right under nn/ belong to the place "nn"; a header may stand
# alone, where it has a place of its own.
PLACES = [
    "ntt",
    "rns",
    "he/rlwe",
    "he/fv",
    "he/evaluation",
    "he/files",
    "nn",
    "nn/program/power_basis",  # what a step is, known to everybody: ranges replay steps as the rest of nn/program does
    "nn/program/program",
    "nn/model",
    "nn/packing",
    "nn/client",
    "nn/program",
    "nn/plan",
    "nn/server",
    "tools",
]
# The header that opens a floor stands on it; this one opens two.
DOORS = {"he/fv.h": "he/evaluation"}
INCLUDE = re.compile(r"^\s*#\s*include\s*<lacuna/([^>]+)>", re.MULTILINE)
PARALLEL = re.compile(r"^\s*#\s*pragma\s+omp|_Pragma|[<\"]omp\.h[>\"]", re.MULTILINE)
QUOTED = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)  # would hide where it leads


def place_of(name):
    """The most exact of the places that a file belongs to, as its number."""
    stem = DOORS.get(name, name.rsplit(".", 1)[0])
    holding = [i for i, place in enumerate(PLACES) if (stem + "/").startswith(place + "/")]
    return max(holding, key=lambda i: len(PLACES[i]), default=None)


def wrong_includes(source):
    found = 0
    for house in sorted({place.split("/")[0] for place in PLACES}):
        for path in sorted((source / house).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            name = path.relative_to(source).as_posix()
            text = path.read_text()
            if PARALLEL.search(text) and name != "ntt/parallel.cpp":
                yield f"{name} speaks of OpenMP: expected a call of parallel_for()"
            if house != "tools":
                for included in QUOTED.findall(text):
                    yield f'{name} includes "{included}": expected <lacuna/...>'
            for included in INCLUDE.findall(text):
                found += 1
                here, there = place_of(name), place_of(included)
                if here is None or there is None:
                    yield f"{name} includes {included}: expected both in a place that PLACES lists"
                elif there > here:
                    yield f"{name} includes {included}: expected nothing from the right of {PLACES[here]}"
    if found == 0:
        yield f"{source}: expected files with #include <lacuna/...>, found none"


def main():
    wrong = list(wrong_includes(pathlib.Path(sys.argv[1])))
    print("\n".join(wrong) or f"nothing includes to its right: {' -> '.join(PLACES)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
