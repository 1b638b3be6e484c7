# SPDX-License-Identifier: Apache-2.0
"""Networks of several squares, and what is said of them."""

import json
import tempfile
import unittest
from pathlib import Path

import depth
import ranges


class DepthTest(unittest.TestCase):
    def test_every_square_doubles_the_bits(self):
        bits = [ranges.proven_bits(depth.network(squares)) for squares in (1, 2, 3, 4)]
        for fewer, more in zip(bits, bits[1:]):
            self.assertGreater(more, 1.8 * fewer)
            self.assertLess(more, 2.2 * fewer)

    def test_published_networks(self):
        """Shapes as in SpENCNN's repository, at every depth; groups are interleaved."""
        self.assertEqual([depth.squares_of(name) for name in ("vgg-5", "hefnet")], [5, 4])
        shapes = depth.published("hefnet", 4).shapes()
        self.assertEqual(shapes[2:11], [(256, 30, 30), (128, 28, 28), (128, 28, 28), (128, 14, 14), (64, 12, 12),
                                            (64, 12, 12), (64, 6, 6), (64, 4, 4), (64, 4, 4)])
        self.assertEqual(shapes[-2:], [(256, 1, 1), (10, 1, 1)])
        model = depth.published("vgg-5", 2)
        self.assertEqual(model.shapes()[3:], [(64, 16, 16), (128, 16, 16), (128, 16, 16), (32768, 1, 1), (10, 1, 1)])
        held = model.layers[3].weights.reshape(128, 64, 9).any(2)
        self.assertEqual(held[0].nonzero()[0].tolist(), list(range(0, 64, 8)))

    def test_bits_by_channels(self):
        for squares in (1, 2, 3):
            model = depth.network(squares)
            self.assertGreaterEqual(depth.channel_bits(model), ranges.proven_bits(model))
            self.assertLessEqual(depth.channel_bits(model), ranges.proven_bits(model) + 1)
            for layer in model.layers:
                if layer.kind == "convolution":
                    layer.padding = (0, 0)
            del model.layers[-2:]  # without the dense layer, whose columns were counted with padding
            self.assertEqual(depth.channel_bits(model), ranges.proven_bits(model))

    def test_rows_are_the_commands_words(self):
        """A command that answers for slots and refuses everything else."""
        answer = {"client": {"parameters": {"plain_moduli": [17, 97], "plain_polynomials": []}},
                  "params": {"n": 4096, "log_qp": 105.7}, "nominal_nanoseconds": 2.5e8}
        with tempfile.TemporaryDirectory() as folder:
            command = Path(folder) / "lacuna"
            command.write_text(f"#!/bin/sh\ncase \"$*\" in *slots*) echo '{json.dumps(answer)}' ;;\n"
                               f"*) echo 'lacuna: too wide' >&2; exit 1 ;; esac\n", encoding="utf-8")
            command.chmod(0o755)
            model = depth.network(2)
            self.assertEqual(depth.ask(str(command), model, "slots", 8),
                             {"squares": 2, "packing": "slots", "range bits": ranges.proven_bits(model), "n": 4096,
                              "log2 QP": 106, "plaintext": "2 primes", "seconds": 0.25})
            self.assertEqual(depth.ask(str(command), model, "packed", 1)["refused"], "lacuna: too wide")


if __name__ == "__main__":
    unittest.main()
