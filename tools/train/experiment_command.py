# SPDX-License-Identifier: Apache-2.0
"""What the commands of the packed experiments have in common: where their rows go, and one line for an error."""

import sys

import data
import export
import output_file
import packed_plan
import sweep
from float_layers import ImportFailure
from network import RecipeError


def lacuna_command(options):
    """The command that options.lacuna names, or the one that was built."""
    command = sweep.find_command(options.lacuna)
    if command is None:
        raise ImportFailure("the lacuna command counts what a network costs: build it, or state --lacuna")
    return command


def write(options, columns, rows, plot):
    """Rows as CSV to options.table, and what plot() draws, an SVG, to options.plot, where these are given."""
    if options.table:
        output_file.write_csv(options.table, columns, rows)
    if options.plot:
        options.plot.write_text(plot(), encoding="utf-8")


def outcome(name, work):
    """The exit code of work(): 1, and a line on standard error that begins with the name, for what users can mend."""
    try:
        work()
    except (data.DataError, ImportFailure, RecipeError, export.FormatError, packed_plan.PlanError,
            output_file.OutputError, ValueError, OSError) as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 1
    return 0
