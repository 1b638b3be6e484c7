# SPDX-License-Identifier: Apache-2.0
"""Files that a command writes: nothing is overwritten and no folder is made unless that was asked for."""

import csv


class OutputError(Exception):
    """A file that cannot be written as things stand; the message says what to do."""


def check(file, force):
    """Called before any work is done."""
    if file.is_dir():
        raise OutputError(f"{file}: is a folder; name the file to write")
    if file.exists() and not force:
        raise OutputError(f"{file}: exists; --force replaces it")
    if not file.parent.is_dir():
        raise OutputError(f"{file.parent}: no such folder; make it first")


def write_csv(file, heads, rows):
    with open(file, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows(rows)
