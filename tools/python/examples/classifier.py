# SPDX-License-Identifier: Apache-2.0
"""A table of one's own, from training to encrypted answers: needs PyTorch (Debian: python3-torch)."""

import numpy as np

import lacuna

# Whether a point lies in a ring: 600 to learn from, 200 to judge by.
generator = np.random.default_rng(1)
points = generator.normal(size=(800, 2)) * [1, 20] + [0, 100]
distance = np.hypot(points[:, 0], (points[:, 1] - 100) / 20)
labels = np.where((0.6 < distance) & (distance < 1.7), "ring", "not")

classifier = lacuna.LacunaClassifier(hidden=(24,), epochs=40).fit(points[:600], labels[:600])
print(f"without encryption {classifier.score(points[600:], labels[600:]):.1%} are right")

classifier.compile(batch=200, circuit_privacy=False)
print(f"{classifier.plan_!r}: {classifier.plan_.upload_bytes / 1e6:.1f} MB up, {classifier.plan_.n:,} slots")
answers = classifier.predict(points[600:], encrypted=True)
assert (answers == classifier.predict(points[600:])).all()
print(f"under encryption {(answers == labels[600:]).mean():.1%}, every answer as without")
