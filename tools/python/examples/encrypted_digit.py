# SPDX-License-Identifier: Apache-2.0
"""A digit is classified by somebody who does not see it: encrypted_digit.py [OUT.svg]

Cells (# %%) run one by one in an editor that knows them. The picture shows what the client sees, what the server sees,
what the plan has proven of the noise, and the answer.
"""

# %% A digit, drawn with a pen of three pixels
import sys
from pathlib import Path

import numpy as np

import lacuna

image = np.zeros((28, 28), np.uint8)
image[5:23, 13:16] = 255

# %% The server plans: no key is needed to know what inference will do and cost
model = lacuna.Model.shipped("faster-cryptonets-small")
plan = lacuna.plan(model, packing="packed")
print(plan)

# %% The client makes keys for its half of the plan, and encrypts
client = lacuna.Client(plan.client)
upload = client.encrypt(image)
print(f"{client}: {len(client.evaluation_keys):,} bytes of evaluation keys, {len(upload):,} of the image")

# %% The server computes on what it cannot read
session = lacuna.Session(model, plan, client.evaluation_keys)
reply = session.infer(upload)

# %% The client reads the answer: to the last bit what the network says without encryption
logits = client.decrypt(reply)[0]
assert logits.tolist() == model.evaluate(image)[0].tolist()
print(f"a {logits.argmax()}; {client.noise_budget(reply):.1f} bits of noise budget are left, now that the reply's low "
      f"bits were left out")

# %% All of it in one picture
CELL = 8
WIDTH = 28 * CELL
GAP = 24


def pixels(grey, x):
    """A 28 x 28 picture whose left edge is at x."""
    cells = [f'<rect x="{x}" y="{GAP}" width="{WIDTH}" height="{WIDTH}"/>']
    for (row, column), level in np.ndenumerate(grey):
        if level:
            cells.append(f'<rect x="{x + column * CELL}" y="{GAP + row * CELL}" width="{CELL}" height="{CELL}" '
                         f'fill="rgb({level},{level},{level})"/>')
    return cells


def bars(names, values, x, strong):
    """A bar for each name."""
    height = WIDTH / len(names)
    lengths = np.array(values, float) / max(values) * (WIDTH - 90)
    drawn = []
    for row, (name, length) in enumerate(zip(names, lengths)):
        top = GAP + row * height
        drawn.append(f'<text x="{x}" y="{top + height * 0.7:.0f}">{name}</text>'
                     f'<rect x="{x + 90}" y="{top + 2:.0f}" width="{length:.0f}" height="{height - 4:.0f}" '
                     f'fill="{"#c33" if row == strong else "#888"}"/>')
    return drawn


def picture():
    secret = np.frombuffer(upload[-28 * 28:], np.uint8).reshape(28, 28)
    titles = ("the client sees", "the server sees", "noise budget, proven", "logits")
    parts = [f'<text x="{column * (WIDTH + GAP)}" y="{GAP - 8}">{title}</text>' for column, title in enumerate(titles)]
    parts += pixels(image, 0) + pixels(secret, WIDTH + GAP)
    parts += bars([step.name for step in plan.steps], [step.budget_bits for step in plan.steps], 2 * (WIDTH + GAP), None)
    parts += bars(list(range(10)), (logits - logits.min()).tolist(), 3 * (WIDTH + GAP), logits.argmax())
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{4 * (WIDTH + GAP)}" height="{WIDTH + 2 * GAP}" '
                      f'font-family="sans-serif" font-size="12">', *parts, "</svg>\n"])


out = Path(sys.argv[1] if len(sys.argv) > 1 else "encrypted_digit.svg")
out.write_text(picture(), encoding="utf-8")
print(f"the picture is in {out}")
