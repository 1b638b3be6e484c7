#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the sample digits that Lacuna ships: 20 of each class, 28 x 28 grey, white on black, in MNIST's manner.

Every digit is a few strokes, splines through jittered control points, with a random slant, rotation, width and
thickness, anti-aliased; its longer side spans 20 pixels and its centre of mass is the image's centre. The digits are
the project's own work, so they can be shipped where MNIST cannot. The same seed gives the same images.

Usage: draw.py [--output FOLDER] [--sheet FILE.png]
Needs python3-numpy.
"""

import argparse
import gzip
import pathlib
import struct
import zlib

import numpy

SEED = 20_240_611
PER_CLASS = 20
SIDE = 28
BOX = 20.0

# For each digit the ways to write it: strokes through control points (x, y), x to the right and y down, the digit
# about 1 high. Splines bend through their points; a stroke marked "line" keeps its corners.
STYLES = {
    0: [
        [("curve", [(.36, .02), (.12, .18), (.04, .50), (.12, .82), (.34, .98), (.56, .84), (.66, .50), (.58, .18),
                    (.36, .02)])],
        [("curve", [(.42, .04), (.18, .14), (.05, .48), (.16, .86), (.40, .96), (.62, .74), (.66, .38), (.52, .10),
                    (.30, .06)])],
    ],
    1: [
        [("line", [(.30, .00), (.30, 1.0)])],
        [("line", [(.32, .00), (.30, .50), (.28, 1.0)])],
        [("line", [(.14, .20), (.32, .00), (.32, 1.0)])],
    ],
    2: [
        [("curve", [(.06, .22), (.20, .04), (.44, .02), (.58, .20), (.50, .46), (.28, .72), (.05, .96)]),
         ("line", [(.05, .96), (.35, .94), (.66, .95)])],
        [("curve", [(.08, .16), (.30, .01), (.54, .12), (.54, .38), (.36, .66), (.14, .92), (.04, .86), (.16, .76),
                    (.36, .88), (.54, .97), (.70, .90)])],
    ],
    3: [
        [("curve", [(.08, .12), (.28, .01), (.52, .10), (.52, .32), (.24, .46)]),
         ("curve", [(.24, .46), (.52, .54), (.60, .74), (.44, .95), (.20, .98), (.03, .86)])],
        [("curve", [(.06, .08), (.32, .00), (.54, .16), (.44, .40), (.26, .47), (.50, .56), (.58, .78), (.36, .98),
                    (.06, .92)])],
    ],
    4: [
        [("line", [(.10, .02), (.06, .28), (.04, .52)]), ("curve", [(.04, .52), (.24, .56), (.46, .53), (.62, .48)]),
         ("line", [(.56, .04), (.53, .50), (.50, 1.0)])],
        [("curve", [(.14, .04), (.04, .30), (.08, .50), (.28, .54), (.50, .44)]),
         ("line", [(.58, .02), (.52, .46), (.46, 1.0)])],
    ],
    5: [
        [("line", [(.60, .03), (.36, .03), (.16, .05)]), ("line", [(.16, .05), (.12, .24), (.10, .42)]),
         ("curve", [(.10, .42), (.34, .36), (.56, .50), (.60, .72), (.42, .94), (.20, .98), (.03, .88)])],
        [("line", [(.64, .00), (.40, .04), (.20, .06), (.14, .26), (.14, .42)]),
         ("curve", [(.14, .42), (.38, .42), (.54, .60), (.50, .84), (.28, .98), (.04, .94)])],
    ],
    6: [
        [("curve", [(.50, .02), (.26, .20), (.10, .50), (.10, .80), (.30, .98), (.52, .86), (.52, .64), (.32, .54),
                    (.14, .68), (.10, .78)])],
        [("curve", [(.36, .00), (.16, .26), (.06, .58), (.14, .88), (.36, .97), (.56, .80), (.48, .58), (.26, .58),
                    (.12, .76)])],
    ],
    7: [
        [("line", [(.04, .08), (.30, .06), (.62, .05)]), ("curve", [(.62, .05), (.46, .36), (.34, .66), (.26, 1.0)])],
        [("curve", [(.02, .14), (.20, .07), (.42, .06), (.58, .06)]),
         ("line", [(.58, .06), (.48, .32), (.38, .62), (.30, 1.0)])],
    ],
    8: [
        [("curve", [(.54, .12), (.34, .01), (.13, .12), (.16, .32), (.34, .47), (.54, .64), (.58, .84), (.34, .99),
                    (.10, .86), (.14, .66), (.34, .48), (.52, .30), (.54, .12)])],
        [("curve", [(.58, .08), (.34, .02), (.16, .16), (.24, .36), (.44, .54), (.52, .76), (.34, .96), (.14, .84),
                    (.20, .62), (.44, .38), (.58, .18), (.52, .06)])],
    ],
    9: [
        [("curve", [(.54, .18), (.36, .02), (.12, .10), (.05, .30), (.18, .47), (.40, .42), (.54, .20)]),
         ("curve", [(.54, .18), (.52, .50), (.46, .76), (.38, 1.0)])],
        [("curve", [(.52, .12), (.28, .02), (.07, .18), (.10, .40), (.32, .44), (.50, .24), (.55, .10)]),
         ("line", [(.55, .10), (.53, .46), (.50, .98)])],
    ],
}


def spline(points, steps=12):
    """A centripetal-like (uniform Catmull-Rom) spline through the points, as a polyline."""
    padded = numpy.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = numpy.linspace(0.0, 1.0, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:]):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                             + (3 * b - a - 3 * c + d) * t**3))
    return numpy.vstack(pieces + [points[-1:]])


def strokes(digit, random):
    """Polylines of one randomly written digit, in units of its height."""
    style = STYLES[digit][random.integers(len(STYLES[digit]))]
    slant = random.normal(0.10, 0.14)
    angle = random.normal(0.0, 0.05)
    width = random.normal(1.05, 0.10)
    transform = (numpy.array([[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]])
                 @ numpy.array([[1.0, -slant], [0.0, 1.0]]) @ numpy.diag([width, 1.0]))
    # Strokes that meet in a point share its jitter, so that they still meet.
    jitter = {}
    lines = []
    for kind, points in style:
        moved = []
        for point in points:
            if point not in jitter:
                jitter[point] = random.normal(0.0, 0.022, 2)
            moved.append(numpy.array(point) + jitter[point])
        moved = numpy.array(moved)
        lines.append((spline(moved) if kind == "curve" else moved) @ transform.T)
    return lines


def paint(lines, radius):
    """Coverage 0 ... 1 of every pixel by strokes of the given radius, in pixels; soft over one pixel."""
    y, x = numpy.mgrid[0:SIDE, 0:SIDE] + 0.5
    pixels = numpy.stack([x.ravel(), y.ravel()], axis=1)[:, None, :]
    nearest = numpy.full(SIDE * SIDE, numpy.inf)
    for line in lines:
        start, along = line[:-1][None], (line[1:] - line[:-1])[None]
        length = numpy.maximum((along**2).sum(axis=2), 1e-12)
        t = numpy.clip(((pixels - start) * along).sum(axis=2) / length, 0.0, 1.0)[..., None]
        distance = numpy.sqrt(((pixels - start - t * along)**2).sum(axis=2))
        nearest = numpy.minimum(nearest, distance.min(axis=1))
    return numpy.clip((radius - nearest) / 1.2 + 0.5, 0.0, 1.0).reshape(SIDE, SIDE)


def draw(digit, random):
    """One 28 x 28 image of unsigned bytes."""
    lines = strokes(digit, random)
    radius = random.uniform(1.0, 1.7)
    points = numpy.vstack(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (BOX - 2 * radius) / (high - low).max()
    lines = [(line - (low + high) / 2) * scale + SIDE / 2 for line in lines]
    grey = paint(lines, radius)
    y, x = numpy.mgrid[0:SIDE, 0:SIDE] + 0.5
    mass = numpy.array([(grey * x).sum(), (grey * y).sum()]) / grey.sum()
    grey = paint([line + SIDE / 2 - mass for line in lines], radius)
    return numpy.round(255 * grey).astype(numpy.uint8)


def write_gzip(file, data):
    with open(file, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(data)


def write_sheet(file, images):
    """A PNG with one row per class."""
    rows = images.reshape(PER_CLASS, 10, SIDE, SIDE).transpose(1, 2, 0, 3).reshape(10 * SIDE, PER_CLASS * SIDE)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 8, 0, 0, 0, 0)
    pathlib.Path(file).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                                   + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent,
                        help="folder for the two IDX files (default: beside this script)")
    parser.add_argument("--sheet", type=pathlib.Path, help="also write a contact sheet as PNG")
    arguments = parser.parse_args()

    random = numpy.random.default_rng(SEED)
    labels = numpy.tile(numpy.arange(10, dtype=numpy.uint8), PER_CLASS)
    images = numpy.stack([draw(int(label), random) for label in labels])
    write_gzip(arguments.output / "images-idx3-ubyte.gz",
               struct.pack(">4I", 0x803, len(images), SIDE, SIDE) + images.tobytes())
    write_gzip(arguments.output / "labels-idx1-ubyte.gz", struct.pack(">2I", 0x801, len(labels)) + labels.tobytes())
    if arguments.sheet:
        write_sheet(arguments.sheet, images)


if __name__ == "__main__":
    main()
