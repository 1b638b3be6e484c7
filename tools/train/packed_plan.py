# SPDX-License-Identifier: Apache-2.0
"""What `lacuna plan` says of a model in the packed packing."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import export

LAYOUT = re.compile(r"layout: an image is (\d+) ciphertexts?; ([\d,]+) diagonals, prepared in ([\d.,]+) (kB|MB|GB); "
                    r"(\d+) rotations that share digits, (\d+) of sums, (\d+) that add parts up")
BYTES = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


class PlanError(Exception):
    """The command's refusal, or an answer that is not understood."""


@dataclass(frozen=True)
class PackedPlan:
    slots: int  # of a ciphertext
    ciphertexts: int  # of an image
    products: int  # with diagonals
    rotations: int
    memory: float  # of prepared diagonals, bytes
    milliseconds: float  # nominal, on the machine that the plan's costs were measured on: it does not vary
    n: int
    log_qp: float


def ask(command, model, privacy=True):
    """privacy: flooded replies, the command's default."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.lacuna.json"
        export.save(model, file)
        done = subprocess.run([command, "plan", "--model", str(file), "--packing", "packed", "--json",
                               *([] if privacy else ["--no-circuit-privacy"])],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PlanError(done.stderr.strip() or f"{command} plan: failed")
    try:
        answer = json.loads(done.stdout)
        found = next(match for match in map(LAYOUT.match, answer["reasons"]) if match)
        ciphertexts, products, size, unit, *rotations = found.groups()
        return PackedPlan(answer["client"]["parameters"]["plain_polynomials"][0]["power"], int(ciphertexts),
                          int(products.replace(",", "")), sum(map(int, rotations)),
                          float(size.replace(",", "")) * BYTES[unit], answer["nominal_nanoseconds"] * 1e-6,
                          answer["params"]["n"], answer["params"]["log_qp"])
    except (ValueError, KeyError, IndexError, StopIteration) as problem:
        raise PlanError(f"{command} plan: its answer is not understood ({type(problem).__name__}); is it of this "
                        f"version?") from problem
