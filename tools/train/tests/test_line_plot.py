# SPDX-License-Identifier: Apache-2.0
"""Charts: round numbers at the axes, points inside, names escaped."""

import unittest
from xml.etree import ElementTree

from tests import sample  # noqa: F401, finds the scripts

import line_plot

SVG = "{http://www.w3.org/2000/svg}"


class LinePlotTest(unittest.TestCase):
    def test_round_numbers(self):
        self.assertEqual(line_plot._round_numbers(0, 10), [0, 2, 4, 6, 8, 10])
        self.assertEqual(line_plot._round_numbers(52.02, 75.38), [55, 60, 65, 70, 75])
        for low, high in ((0.001, 0.0179), (-3, 7e5), (99.1, 99.2)):
            numbers = line_plot._round_numbers(low, high)
            self.assertTrue(4 <= len(numbers) <= 10 and low <= numbers[0] and numbers[-1] <= high, numbers)

    def test_points_lie_inside(self):
        root = ElementTree.fromstring(line_plot.plot([("a < b", [(1, 2), (3, -4)]), ("flat", [(2, 2)])], "x & y", "z",
                                                     reference=5))
        for circle in root.iter(f"{SVG}circle"):
            self.assertTrue(line_plot.LEFT <= float(circle.get("cx")) <= line_plot.WIDTH - line_plot.RIGHT)
            self.assertTrue(line_plot.TOP <= float(circle.get("cy")) <= line_plot.HEIGHT - line_plot.BOTTOM)
        self.assertEqual(len(list(root.iter(f"{SVG}circle"))), 3)
        self.assertTrue({"a < b", "flat", "x & y", "z"} <= {text.text for text in root.iter(f"{SVG}text")})

    def test_ticks_of_ones_own_and_a_diagonal(self):
        root = ElementTree.fromstring(line_plot.plot([("curve", [(0, 0), (3, 2)])], "x", "y",
                                                     y_ticks=[(1, "two"), (9, "far away")], diagonal="y = x"))
        texts = {text.text for text in root.iter(f"{SVG}text")}
        self.assertTrue({"curve", "two", "y = x"} <= texts)
        self.assertFalse("far away" in texts)

    def test_one_point(self):
        ElementTree.fromstring(line_plot.plot([("only", [(0, 0)])], "x", "y"))
