# SPDX-License-Identifier: Apache-2.0
import pickle
import stat
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import lacuna
from samples import CASES, COMMAND, LOGITS, four_pixels


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = four_pixels()
        cls.plan = lacuna.plan(cls.model, batch=3, packing="slots", circuit_privacy=False)
        cls.compiled = lacuna.CompiledModel(cls.model, cls.plan)
        cls.client = lacuna.Client(cls.plan)

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    def test_two_clients_of_one_model(self):
        for client in (self.client, lacuna.Client(self.plan.client)):
            session = self.compiled.session(client.evaluation_keys)
            self.assertEqual(session.key_set, client.key_set)
            reply = session.infer(client.encrypt(CASES))
            self.assertEqual(client.decrypt(reply).tolist(), LOGITS)
            self.assertGreater(client.noise_budget(reply), 0)

    def test_sessions_work_in_several_threads(self):
        session = self.compiled.session(self.client.evaluation_keys)
        answers = {}

        def ask(name):
            answers[name] = self.client.decrypt(session.infer(self.client.encrypt(CASES))).tolist()

        threads = [threading.Thread(target=ask, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, dict.fromkeys(range(4), LOGITS))

    def test_a_client_comes_back_from_its_keys(self):
        for passphrase in (None, "open sesame"):
            again = lacuna.Client.restore(self.plan, self.client.secret_key(passphrase), self.client.evaluation_keys,
                                          passphrase)
            self.assertEqual(again.key_set, self.client.key_set)
        reply = self.compiled.session(self.client.evaluation_keys).infer(again.encrypt(CASES))
        self.assertEqual(self.client.decrypt(reply).tolist(), LOGITS)

    def test_keys_of_two_clients_do_not_mix(self):
        other = lacuna.Client(self.plan)
        with self.assertRaisesRegex(lacuna.InputError, "found those of another"):
            lacuna.Client.restore(self.plan, self.client.secret_key(), other.evaluation_keys)
        reply = self.compiled.session(other.evaluation_keys).infer(other.encrypt(CASES))
        with self.assertRaisesRegex(lacuna.InputError, "key set"):
            self.client.decrypt(reply)

    def test_a_wrong_or_missing_passphrase_is_said(self):
        key = self.client.secret_key("right")
        with self.assertRaisesRegex(lacuna.InputError, "expected passphrase="):
            lacuna.Client.restore(self.plan, key, self.client.evaluation_keys)
        with self.assertRaisesRegex(lacuna.Error, "passphrase"):
            lacuna.Client.restore(self.plan, key, self.client.evaluation_keys, "wrong")

    def test_a_secret_key_is_no_evaluation_key(self):
        with self.assertRaisesRegex(lacuna.InputError, "found .*secret key"):
            self.compiled.session(self.client.secret_key())

    def test_folders_are_those_of_the_command(self):
        folder = self.folder() / "keys"
        self.client.save(folder)
        self.assertEqual(stat.S_IMODE((folder / "secret.key").stat().st_mode), 0o600)
        with self.assertRaises(lacuna.Error):
            self.client.save(folder)
        self.client.save(folder, overwrite=True)
        again = lacuna.Client.load(folder)
        self.assertEqual(again.evaluation_keys, self.client.evaluation_keys)
        self.assertEqual(again.plan, self.plan.client)
        (folder / "evaluation.keys").unlink()  # at the server now: encryption does without
        again = lacuna.Client.load(folder)
        session = self.compiled.session(self.client.evaluation_keys)
        self.assertEqual(again.decrypt(session.infer(again.encrypt(CASES))).tolist(), LOGITS)
        with self.assertRaisesRegex(lacuna.InputError, "no evaluation.keys"):
            _ = again.evaluation_keys

    @unittest.skipUnless(COMMAND.is_file(), "needs the command, build/bin/lacuna or LACUNA_COMMAND")
    def test_the_command_answers_pythons_upload(self):
        work = self.folder()
        (work / "model.lacuna.json").write_bytes(self.model.to_bytes())
        self.client.save(work / "keys")
        self.client.encrypt(CASES, out=work / "upload.lct")
        subprocess.run([COMMAND, "infer", "--model", "model.lacuna.json", "--keys", "keys/evaluation.keys", "--in",
                        "upload.lct", "--out", "reply.lct", "--no-circuit-privacy"], cwd=work, check=True,
                       capture_output=True)
        self.assertEqual(self.client.decrypt(work / "reply.lct").tolist(), LOGITS)

    def test_files_are_not_replaced_unasked(self):
        file = self.folder() / "upload.lct"
        self.assertIsNone(self.client.encrypt(CASES, out=file))
        with self.assertRaisesRegex(lacuna.Error, str(file)):
            self.client.encrypt(CASES, out=file)
        self.client.encrypt(CASES, out=file, overwrite=True)

    def test_more_images_than_the_batch_are_refused(self):
        small = lacuna.Client(lacuna.plan(self.model, packing="packed", circuit_privacy=False))
        with self.assertRaisesRegex(lacuna.InputError, "image"):
            small.encrypt(CASES)

    def test_nothing_shows_or_pickles_a_secret(self):
        secret = self.client.secret_key()
        self.assertIn("secret key not shown", repr(self.client))
        self.assertNotIn(secret.hex()[-64:], repr(self.client) + repr(vars(type(self.client))))
        with self.assertRaisesRegex(TypeError, "secret key, which is not pickled"):
            pickle.dumps(self.client)
        with self.assertRaises(TypeError):
            pickle.dumps(self.compiled.session(self.client.evaluation_keys))

    def test_threads_are_checked(self):
        with self.assertRaisesRegex(lacuna.InputError, "threads: expected 1 ... 1024, found 0"):
            self.client.encrypt(CASES, threads=0)


if __name__ == "__main__":
    unittest.main()
