# SPDX-License-Identifier: Apache-2.0
"""What tests share."""

import json
import os
from pathlib import Path

import numpy as np

import lacuna

ROOT = Path(__file__).resolve().parents[3]
COMMAND = Path(os.environ.get("LACUNA_COMMAND") or Path(os.environ.get("LACUNA_BUILD", ROOT / "build")) / "bin/lacuna")
CASES = np.array([[200, 0, 255, 90], [0, 0, 0, 0], [255, 255, 255, 255]], np.uint8)
LOGITS = [[9, -4], [1, 0], [25, -16]]


def four_pixels(**changes):
    """Logits (dark pixels + 1)^2 and minus the square of their number; a pixel is dark from 128 on."""
    ones = [[1, 1, 1, 1], [1, 1, 1, 1]]
    model = {
        "format": "lacuna-model", "version": 1, "name": "four-pixels", "description": "counts", "provenance": {"by": "hand"},
        "input": {"shape": [1, 2, 2], "thresholds": [128]},
        "layers": [
            {"type": "flatten", "name": "flatten"},
            {"type": "dense", "name": "sums", "weights": {"rows": 2, "columns": 4, "values": ones}, "bias": [1, 0]},
            {"type": "activation", "name": "square", "coefficients": [0, 0, 1]},
            {"type": "dense", "name": "last", "weights": {"rows": 2, "columns": 2, "values": [[1, 0], [0, -1]]},
             "bias": [0, 0]},
        ],
    }
    return lacuna.Model.load(json.dumps({**model, **changes}).encode())
