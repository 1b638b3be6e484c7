# SPDX-License-Identifier: Apache-2.0
"""Classifies a drawn digit under encryption and draws digit and logits: encrypted_digit.py [OUT.svg]"""

import sys
from pathlib import Path

import numpy as np

import lacuna

MODEL = Path(__file__).resolve().parents[3] / "nn/models/faster-cryptonets-small.lacuna.json"
CELL = 8
LABELS = 28 * CELL + 20


def one():
    """A one as a pen of three pixels draws it."""
    image = np.zeros((28, 28), np.uint8)
    image[5:23, 13:16] = 255
    return image


def picture(image, logits):
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABELS + 300}" height="{28 * CELL}">',
             f'<rect width="{28 * CELL}" height="{28 * CELL}"/>']
    for y, x in zip(*np.nonzero(image)):
        grey = image[y, x]
        parts.append(f'<rect x="{x * CELL}" y="{y * CELL}" width="{CELL}" height="{CELL}" '
                     f'fill="rgb({grey},{grey},{grey})"/>')
    lengths = (logits - logits.min()) / max(1, logits.max() - logits.min()) * 260
    for digit, length in enumerate(lengths):
        colour = "#c33" if digit == logits.argmax() else "#888"
        parts.append(f'<text x="{LABELS}" y="{digit * 22 + 17}" font-family="sans-serif">{digit}</text>'
                     f'<rect x="{LABELS + 20}" y="{digit * 22 + 4}" width="{length:.0f}" height="16" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>\n"])


out = Path(sys.argv[1] if len(sys.argv) > 1 else "digit.svg")
model = lacuna.Model.load(MODEL)
plan = lacuna.plan(model, packing="packed")
client = lacuna.Client(plan.client)
session = lacuna.Session(model, plan, client.evaluation_keys)
image = one()
logits = client.decrypt(session.infer(client.encrypt(image)))[0]
assert (logits == model.evaluate(image)[0]).all(), "encrypted inference has to be exact"
out.write_text(picture(image, logits))
print(f"logits {logits.tolist()}: a {logits.argmax()}; the picture is in {out}")
