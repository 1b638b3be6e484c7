# SPDX-License-Identifier: Apache-2.0
import pickle
import tempfile
import unittest
from pathlib import Path

import numpy as np

import lacuna

MODEL = Path(__file__).resolve().parents[3] / "nn/models/faster-cryptonets-small.lacuna.json"


class Inference(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = lacuna.Model.load(MODEL)
        cls.plan = lacuna.plan(cls.model, packing="packed")
        cls.client = lacuna.Client(cls.plan.client)
        cls.compiled = lacuna.CompiledModel(cls.model, cls.plan)
        cls.session = cls.compiled.session(cls.client.evaluation_keys)
        cls.image = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)

    def test_the_encrypted_answer_is_the_exact_one(self):
        reply = self.session.infer(self.client.encrypt(self.image))
        self.assertEqual(self.client.decrypt(reply).tolist(), self.model.evaluate(self.image).tolist())

    def test_files_do_as_bytes_do(self):
        with tempfile.TemporaryDirectory() as folder:
            upload, reply = Path(folder) / "upload", Path(folder) / "reply"
            self.client.encrypt(self.image, out=upload)
            self.session.infer(upload, out=reply)
            self.assertEqual(self.client.decrypt(reply).tolist(), self.model.evaluate(self.image).tolist())

    def test_an_upload_of_another_client_is_refused(self):
        other = lacuna.Client(self.plan.client)
        with self.assertRaisesRegex(lacuna.Error, "expected an upload for the key set"):
            self.session.infer(other.encrypt(self.image))

    def test_wrong_input_is_an_error_with_the_librarys_text(self):
        with self.assertRaisesRegex(lacuna.Error, "images: expected an array of shape"):
            self.client.encrypt(np.zeros((3, 3), np.uint8))
        with self.assertRaisesRegex(lacuna.Error, "expected"):
            self.client.decrypt(b"nothing")
        with self.assertRaises(lacuna.Error):
            lacuna.Model.load("no such file")

    def test_a_model_survives_a_pickle_and_a_client_refuses_it(self):
        again = pickle.loads(pickle.dumps(self.model))
        self.assertEqual(again.to_bytes(), self.model.to_bytes())
        with self.assertRaises(TypeError):
            pickle.dumps(self.client)


if __name__ == "__main__":
    unittest.main()
