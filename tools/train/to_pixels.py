#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the inputs of a data set as `lacuna encrypt --images` takes them: a CSV file, an input a line, pixels
0 ... 255.

Features of a table become pixels by the ranges in the model file, as `lacuna encrypt --data` would make them.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    import packages

    packages.require("numpy")

import numpy as np

import data
import dataset
import export
import output_file


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model file (*.lacuna.json)")
    parser.add_argument("data", nargs="+", help="as --data of import_network.py")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="file to write")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="also write the classes, one a line")
    parser.add_argument("--first", type=int, default=0, metavar="N",
                        help="leave out the inputs before the N-th, counted from 0")
    parser.add_argument("--count", type=int, metavar="N", help="write only so many")
    parser.add_argument("--label-column", default="last", metavar="COLUMN", help="of a *.csv (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    options = parser.parse_args(arguments)
    try:
        model = export.load(options.model)
        found = dataset.read(options.data, tuple(model.input_shape), label_column=options.label_column)
        scale = dataset.scale_of(model, found)
        stop = None if options.count is None else options.first + options.count
        found = found.part(options.first, stop)
        if not len(found):
            raise data.DataError(f"{found.title}: no inputs are left")
        if options.labels == options.out:
            raise output_file.OutputError(f"{options.out}: is both --out and --labels; name two files")
        for file in filter(None, (options.out, options.labels)):
            output_file.check(file, options.force)
        pixels = scale.pixels(found).reshape(len(found), -1)
        np.savetxt(options.out, pixels, "%d", ",")
        if options.labels:
            np.savetxt(options.labels, found.labels, "%d")
    except (data.DataError, export.FormatError, output_file.OutputError, OSError) as problem:
        print(f"to_pixels: {problem}", file=sys.stderr)
        return 1
    print(f"{options.out}: {len(found)} inputs of {pixels.shape[1]} pixels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
