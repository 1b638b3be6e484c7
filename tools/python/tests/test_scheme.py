# SPDX-License-Identifier: Apache-2.0
import pickle
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

    def test_plaintexts_and_numpys_numbers_mix_too(self):
        plain = self.encoder.encode(self.y)
        self.assertEqual(self.decrypt(self.a + plain), (self.x + self.y).tolist())
        self.assertEqual(self.decrypt(plain - self.a), (self.y - self.x).tolist())
        self.assertEqual(self.decrypt(plain * self.a), (self.x * self.y).tolist())
        self.assertEqual(self.decrypt(np.int64(3) * self.a - np.int64(1)), (3 * self.x - 1).tolist())
        with self.assertRaises(TypeError):
            self.a * 0.5

    def test_keys_relinearise_and_rotate(self):
        evaluator = lacuna.Evaluator(self.context)
        product = self.a * self.b
        self.assertEqual(product.size, 3)
        short = evaluator.relinearize(product, self.keys.relin_keys())
        self.assertEqual((short.size, self.decrypt(short)), (2, (self.x * self.y).tolist()))
        galois = self.keys.galois_keys([1], row_swap=True)
        self.assertEqual(self.decrypt(evaluator.rotate_rows(self.a, 1, galois)), [2, 3, -4, 0])
        self.assertEqual(self.decrypt(evaluator.rotate_columns(self.a, galois)), [0, 0, 0, 0])
        self.assertEqual(len(galois.elements), 2)
        low = evaluator.mod_switch_to(self.a, 1)
        self.assertEqual((low.limbs, self.decrypt(low)), (1, self.x.tolist()))
        with self.assertRaisesRegex(lacuna.InputError, "rotat|Galois"):
            evaluator.rotate_rows(self.a, 2, galois)

    def test_budgets_shrink_with_products(self):
        self.assertLess(self.decryptor.noise_budget(self.a * self.a), self.decryptor.noise_budget(self.a))
        self.assertEqual(self.a.residues().shape, (2, 3, 8192))

    def test_keys_survive_their_bytes(self):
        secret = lacuna.SecretKey.load(self.context, self.keys.secret_key.to_bytes())
        again = lacuna.Decryptor(self.context, secret).decrypt(self.a)
        self.assertEqual(self.encoder.decode(again)[:4].tolist(), self.x.tolist())
        keys = lacuna.KeyGenerator(self.context, secret)
        relin = lacuna.RelinKeys.load(self.context, keys.relin_keys().to_bytes())
        square = lacuna.Evaluator(self.context).relinearize(self.a * self.a, relin)
        self.assertEqual(self.decrypt(square), (self.x**2).tolist())
        with self.assertRaisesRegex(lacuna.InputError, "expected"):
            lacuna.PublicKey.load(self.context, self.keys.secret_key.to_bytes())

    def test_nothing_shows_or_pickles_a_secret(self):
        for holder in (self.keys.secret_key, self.keys, self.decryptor,
                       lacuna.Encryptor(self.context, self.keys.secret_key)):
            with self.subTest(type(holder).__name__), self.assertRaisesRegex(TypeError, "not pickled"):
                pickle.dumps(holder)
        self.assertEqual(repr(self.keys.secret_key), "SecretKey(n=8192, not shown)")
        self.assertNotIn("-4", repr(self.encoder.encode(self.x)))

    def test_wrong_parameters_list_every_problem(self):
        with self.assertRaises(ValueError) as raised:
            lacuna.Context(lacuna.Parameters(n=8192, data_bits=[99], plain_bits=[77]))
        self.assertIn("77", str(raised.exception))
        self.assertIn("99", str(raised.exception))

    def test_parameters_survive_their_json(self):
        again = lacuna.Parameters.from_json(self.context.parameters.to_json())
        self.assertEqual(again, self.context.parameters)
        self.assertEqual(len(again.data_primes), 3)

    def test_fractions_are_refused(self):
        with self.assertRaisesRegex(lacuna.Error, "expected whole numbers"):
            self.encoder.encode([0.5])


if __name__ == "__main__":
    unittest.main()
