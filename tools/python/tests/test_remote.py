# SPDX-License-Identifier: Apache-2.0
import re
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

import lacuna
from samples import CASES, COMMAND, LOGITS, four_pixels


@unittest.skipUnless(COMMAND.is_file() and hasattr(lacuna, "RemoteClient"), "needs a build with the service")
class Remote(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = Path(folder.name)
        (cls.work / "model.lacuna.json").write_bytes(four_pixels().to_bytes())
        server = subprocess.Popen([COMMAND, "serve", "--model", "model.lacuna.json", "--listen", "127.0.0.1:0",
                                   "--packing", "packed", "--no-circuit-privacy", "--store", "store"], cwd=cls.work,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.addClassCleanup(server.stdout.close)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        cls.url = re.search(r"http://[0-9.:]+", server.stdout.readline()).group()
        cls.remote = lacuna.RemoteClient(cls.url)
        cls.await_ready(time.monotonic() + 60)

    @classmethod
    def await_ready(cls, deadline):
        """It answers 503 until the model is compiled."""
        while True:
            try:
                with urllib.request.urlopen(f"{cls.url}/readyz"):
                    return
            except urllib.error.HTTPError as problem:
                problem.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def test_a_server_answers(self):
        self.assertEqual(self.remote.models(), ["four-pixels"])
        client = lacuna.Client(self.remote.plan("four-pixels"))
        self.assertFalse(self.remote.has_keys(client.key_set))
        logits, reports = self.remote.classify("four-pixels", client, CASES)
        self.assertEqual(logits.tolist(), LOGITS)
        self.assertEqual(len(reports), len(CASES))  # the plan's batch is 1
        self.assertEqual(reports[0].key_bytes, len(client.evaluation_keys))
        self.assertEqual([report.key_bytes for report in reports[1:]], [0, 0])
        self.assertGreater(reports[0].upload_bytes, reports[0].reply_bytes)
        self.assertIn("dur=", reports[0].server_timing)
        self.assertTrue(self.remote.has_keys(client.key_set))

    def test_step_by_step(self):
        client = lacuna.Client(self.remote.plan("four-pixels"))
        self.assertEqual(self.remote.send_keys(client.evaluation_keys), len(client.evaluation_keys))
        self.assertEqual(self.remote.send_keys(client.evaluation_keys), 0)
        reply = self.remote.infer("four-pixels", client.key_set, client.encrypt(CASES[0]))
        self.assertEqual(client.decrypt(reply).tolist(), LOGITS[:1])

    def test_refusals_have_the_servers_text(self):
        with self.assertRaisesRegex(lacuna.Error, "no-such-model"):
            self.remote.plan("no-such-model")
        with self.assertRaisesRegex(lacuna.InputError, "expected 32 hexadecimal digits, found 'x'"):
            self.remote.has_keys("x")
        client = lacuna.Client(self.remote.plan("four-pixels"))
        with self.assertRaisesRegex(lacuna.Error, client.key_set):
            self.remote.infer("four-pixels", client.key_set, client.encrypt(CASES[0]))
        with self.assertRaisesRegex(lacuna.Error, "127.0.0.1:1"):
            lacuna.RemoteClient("http://127.0.0.1:1").models()

    def test_images_are_checked_before_anything_is_sent(self):
        client = lacuna.Client(self.remote.plan("four-pixels"))
        with self.assertRaises(lacuna.InputError):
            self.remote.classify("four-pixels", client, np.zeros((2, 5), np.uint8))
        self.assertFalse(self.remote.has_keys(client.key_set))


if __name__ == "__main__":
    unittest.main()
