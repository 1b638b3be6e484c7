# SPDX-License-Identifier: Apache-2.0
"""Every network that the tests of tools/train export from PyTorch, brought in and run encrypted in every packing: each
logit is what the training scripts' own integers say."""

import importlib.util
import json
import sys
import unittest
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import lacuna
from samples import ROOT

sys.path.insert(0, str(ROOT / "tools/train"))
PACKAGES = all(importlib.util.find_spec(name) for name in ("torch", "onnx", "cv2"))
if PACKAGES:
    import torch
    from tests import networks  # noqa: E402
    from tests.test_import_network import list_of  # noqa: E402

    import evaluate  # noqa: E402
    import export  # noqa: E402
    import import_network  # noqa: E402
    import proof  # noqa: E402

# Images of one network in a packing: a radix plan takes them one by one, and each costs what thousands cost in slots.
IMAGES = {"slots": 3, "packed": 2, "radix": 1}
RADIX_BITS = 45  # of the logits; six networks have more, for which a radix plan takes seconds where another takes one


@unittest.skipUnless(PACKAGES, "needs PyTorch, onnx and OpenCV")
class ImportedNetworks(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")  # PyTorch's exporter is talkative
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def from_onnx(self, original, shape):
        """As the command reads it; what OpenCV cannot compare, PyTorch does."""
        file = self.root / "network.onnx"
        file.write_bytes(networks.onnx_bytes(original, shape))
        try:
            return import_network.from_onnx(file)
        except import_network.ImportFailure:
            return import_network.from_module(original, shape)

    def from_list(self, original, shape):
        """As a state_dict with layers.json, or None for networks that are more than a list."""
        entries = list_of(original)
        if entries is None:
            return None
        torch.save(original.state_dict(), self.root / "network.pt")
        (self.root / "layers.json").write_text(json.dumps(entries))
        return import_network.from_list(self.root / "network.pt", self.root / "layers.json", shape)

    def integers(self, original):
        network = import_network.bring_in(original, "imported", 3)
        import_network.quantise_stepwise(network, "uniform", [5] * len(network.weighted()), lambda step: None)
        file = self.root / "model.lacuna.json"
        export.save(network.to_integer(), file)
        return export.load(file), lacuna.Model.load(file)

    def check_encrypted(self, theirs, ours):
        pixels = proof.random_pixels(theirs.input_shape, max(IMAGES.values()))
        expected = evaluate.logits(theirs, pixels).tolist()
        self.assertEqual(ours.evaluate(pixels, threads=1).tolist(), expected)
        bits = max(map(abs, ours.ranges()[-1][1])).bit_length()
        for packing, images in IMAGES.items():
            if packing == "radix" and bits > RADIX_BITS:
                continue
            self.done[packing] = self.done.get(packing, 0) + 1
            plan = lacuna.plan(ours, packing=packing, batch=images, circuit_privacy=False)
            client = lacuna.Client(plan, threads=1)
            session = lacuna.Session(ours, plan, client.evaluation_keys)
            reply = session.infer(client.encrypt(pixels[:images], threads=1), threads=1)
            self.assertEqual(client.decrypt(reply, threads=1).tolist(), expected[:images], packing)

    def test_encrypted_equals_the_integers(self):
        from_lists, self.done = 0, {}
        for name in networks.NETWORKS:
            original, shape = networks.make(name)
            with self.subTest(name):
                theirs, ours = self.integers(self.from_onnx(original, shape))
                self.check_encrypted(theirs, ours)
                listed = self.from_list(original, shape)
                if listed is None:
                    continue
                from_lists += 1
                others, other = self.integers(listed)
                # Most are the same integers again, and then need no encryption of their own.
                if export.to_json(others) != export.to_json(theirs):
                    self.check_encrypted(others, other)
        for packing, least in (("slots", 40), ("packed", 40), ("radix", 30)):
            self.assertGreaterEqual(self.done[packing], least, packing)
        self.assertGreaterEqual(from_lists, 18)


if __name__ == "__main__":
    unittest.main()
