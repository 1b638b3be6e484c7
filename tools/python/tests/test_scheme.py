# SPDX-License-Identifier: Apache-2.0
import unittest

import numpy as np

import lacuna


class Scheme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.context = lacuna.Context(
            lacuna.Parameters(n=8192, data_bits=[50, 50, 50], special_bits=[50], plain_bits=[20]))
        cls.keys = lacuna.KeyGenerator(cls.context)
        cls.encryptor = lacuna.Encryptor(cls.context, cls.keys.public_key())
        cls.decryptor = lacuna.Decryptor(cls.context, cls.keys.secret_key)
        cls.encoder = lacuna.BatchEncoder(cls.context)
        cls.x = np.array([1, 2, 3, -4])
        cls.y = np.array([5, -6, 7, 8])
        cls.a = cls.encrypt(cls.x)
        cls.b = cls.encrypt(cls.y)

    @classmethod
    def encrypt(cls, values):
        return cls.encryptor.encrypt(cls.encoder.encode(values))

    def decrypt(self, ciphertext):
        return self.encoder.decode(self.decryptor.decrypt(ciphertext))[:4].tolist()

    def test_operators_are_those_of_the_integers(self):
        self.assertEqual(self.decrypt(self.a + self.b), (self.x + self.y).tolist())
        self.assertEqual(self.decrypt(self.a - self.b), (self.x - self.y).tolist())
        self.assertEqual(self.decrypt(self.a * self.b), (self.x * self.y).tolist())
        self.assertEqual(self.decrypt(-self.a), (-self.x).tolist())

    def test_integers_mix_with_ciphertexts(self):
        self.assertEqual(self.decrypt(3 * self.a - 1), (3 * self.x - 1).tolist())
        self.assertEqual(self.decrypt(10 - self.a), (10 - self.x).tolist())

    def test_a_ciphertext_survives_its_bytes(self):
        again = lacuna.Ciphertext.load(self.context, self.a.to_bytes())
        self.assertEqual(self.decrypt(again), self.x.tolist())

    def test_fractions_are_refused(self):
        with self.assertRaisesRegex(lacuna.Error, "expected whole numbers"):
            self.encoder.encode([0.5])


if __name__ == "__main__":
    unittest.main()
