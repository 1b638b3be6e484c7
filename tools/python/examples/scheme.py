# SPDX-License-Identifier: Apache-2.0
"""Sums and products of vectors that stay encrypted."""

import lacuna

context = lacuna.Context(lacuna.Parameters(n=8192, data_bits=[50, 50, 50], special_bits=[50], plain_bits=[20]))
keys = lacuna.KeyGenerator(context)
encryptor = lacuna.Encryptor(context, keys.public_key())
decryptor = lacuna.Decryptor(context, keys.secret_key)
encoder = lacuna.BatchEncoder(context)

a = encryptor.encrypt(encoder.encode([1, 2, 3, -4]))
b = encryptor.encrypt(encoder.encode([5, 6, 7, 8]))
for name, value in (("a + b", a + b), ("a - b", a - b), ("a * b", a * b), ("3 * a - 1", 3 * a - 1)):
    print(f"{name:10}", encoder.decode(decryptor.decrypt(value))[:4],
          f"noise budget {decryptor.noise_budget(value):.0f} bits")
