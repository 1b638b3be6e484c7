# SPDX-License-Identifier: Apache-2.0
"""Ranges and operation counts as tools/train finds them, in Python alone, and as the library does."""

import sys
import unittest

import lacuna
from samples import ROOT

sys.path.insert(0, str(ROOT / "tools/train"))
import export  # noqa: E402
import hops  # noqa: E402
import ranges  # noqa: E402


class TrainingScripts(unittest.TestCase):
    def test_both_find_the_same(self):
        for name in ("faster-cryptonets", "faster-cryptonets-small", "faster-cryptonets-packed", "fashion-mnist"):
            file = ROOT / f"nn/models/{name}.lacuna.json"
            theirs, ours = export.load(file), lacuna.Model.load(file)
            with self.subTest(name):
                self.assertEqual([(layer, (low, high)) for layer, low, high in ranges.intervals(theirs)],
                                 ours.ranges()[1:])
                counts = dict(ours.operations())
                for layer, found in hops.count(theirs):
                    self.assertEqual((found.pt_ct_adds, found.ct_ct_adds, found.pt_ct_mults, found.ct_ct_mults),
                                     (counts[layer].pt_ct_adds, counts[layer].ct_ct_adds, counts[layer].pt_ct_mults,
                                      counts[layer].ct_ct_mults))


if __name__ == "__main__":
    unittest.main()
