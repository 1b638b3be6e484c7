#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the golden files by he/files/file_format.md alone, with the standard library and none of Lacuna's code.

It decrypts the ciphertexts and checks the equation of the relinearisation keys, so the page says all that another
program needs to know.
"""

import hashlib
import struct
import sys
from pathlib import Path

PLAIN_MODULUS = 97
MESSAGE = [(i * i + 3) % PLAIN_MODULUS for i in range(16)]
LARGEST_ERROR = 21
POWER, BASE = 4, -160  # of the files of version 2
BINOMIAL_MESSAGE = [i * 10 - 81 for i in range(16)]


def check(condition, what):
    if not condition:
        raise SystemExit(f"golden files: {what}")


def record(data, previous=b"", version=1):
    """(kind, ring, n, body, rest, checksum) of the first record."""
    check(data[:7] == b"LACUNA" + bytes([version]), "magic and version")
    body_bytes, = struct.unpack_from("<Q", data, 8)
    end = 40 + body_bytes
    checksum = hashlib.sha256(previous + data[:end]).digest()[:16]
    check(checksum == data[end:end + 16], "checksum")
    n, zero = struct.unpack_from("<II", data, 32)
    check(zero == 0, "padding")
    return data[7], data[16:32], n, data[40:end], data[end + 16:], checksum


def packed(body, offset, count, modulus):
    bits = (modulus - 1).bit_length()
    size = (count * bits + 7) // 8
    value = int.from_bytes(body[offset:offset + size], "little")
    check(value >> (count * bits) == 0, "bits behind the last word")
    words = [value >> (i * bits) & ((1 << bits) - 1) for i in range(count)]
    check(all(word < modulus for word in words), "words below their modulus")
    return words, offset + size


def poly(body, offset, n, moduli):
    limbs = []
    for modulus in moduli:
        words, offset = packed(body, offset, n, modulus)
        limbs.append(words)
    return limbs, offset


def chacha20_block(key, nonce, counter):
    start = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
    start += [counter, *struct.unpack("<3I", nonce)]
    state = start[:]

    def quarter_round(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter_round(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter_round(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(start, state)))


def expand(seed, first, moduli, n):
    limbs = []
    for i, modulus in enumerate(moduli):
        mask = (1 << modulus.bit_length()) - 1
        words = []
        counter = 0
        while len(words) < n:
            block = chacha20_block(seed, bytes(4) + struct.pack("<Q", first + i), counter)
            words += [w & mask for w in struct.unpack("<8Q", block) if w & mask < modulus]
            counter += 1
        limbs.append(words[:n])
    return limbs


def multiply(a, b, modulus):
    n = len(a)
    product = [0] * n
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[(i + j) % n] += x * y if i + j < n else -x * y
    return [x % modulus for x in product]


def from_ntt(values, modulus):
    n = len(values)
    non_residue = next(x for x in range(2, modulus) if pow(x, (modulus - 1) // 2, modulus) == modulus - 1)
    root = pow(non_residue, (modulus - 1) // (2 * n), modulus)
    psi = min(pow(root, i, modulus) for i in range(1, 2 * n, 2))
    bits = n.bit_length() - 1
    reverse = [int(f"{j:0{bits}b}"[::-1], 2) for j in range(n)]
    return [sum(values[j] * pow(psi, -(2 * reverse[j] + 1) * i, modulus) for j in range(n)) * pow(n, -1, modulus)
            % modulus for i in range(n)]


def phase(c0, c1, s, moduli):
    """c_0 + c_1 s as integers, and their modulus."""
    product = 1
    for modulus in moduli:
        product *= modulus
    total = [0] * len(s)
    for a, b, modulus in zip(c0, c1, moduli):
        weight = product // modulus * pow(product // modulus, -1, modulus)
        for i, x in enumerate(multiply(b, s, modulus)):
            total[i] += (a[i] + x) * weight
    return [z % product for z in total], product


def decrypt(c0, c1, s, moduli):
    total, product = phase(c0, c1, s, moduli)
    return [(2 * PLAIN_MODULUS * z + product) // (2 * product) % PLAIN_MODULUS for z in total]


def classes(polynomial):
    """Modulo x^k - b: k residues modulo b^(n/k) + 1."""
    n = len(polynomial)
    p = BASE ** (n // POWER) + 1
    return [sum(polynomial[i + POWER * j] * BASE ** j for j in range(n // POWER)) % p for i in range(POWER)]


def decrypt_binomial(c0, c1, s, moduli):
    """round((x^k - b) z / Q) modulo x^k - b."""
    total, product = phase(c0, c1, s, moduli)
    shifted = [-z for z in total[-POWER:]] + total[:-POWER]
    return classes([(2 * (x - BASE * z) + product) // (2 * product) for x, z in zip(shifted, total)])


def check_binomials(read, s, data, n):
    """The files of version 2."""
    name = struct.pack("<IIq", POWER, 0, BASE)
    kind, _, _, body, _, _ = record(read("parameters_2.lct"), version=2)
    check(kind == 1 and body[8:16] == bytes([2]) + bytes(7), "number of binomials")
    check(body[-32:] == name + struct.pack("<IIq", 1, 0, 2), "binomials of the parameters")

    kind, _, _, body, _, _ = record(read("plaintext_2.lct"), version=2)
    bound = abs(BASE) // 2 + 1
    words, end = packed(body, 16, n, 2 * bound + 1)
    check(kind == 7 and body[:16] == name and end == len(body), "plaintext of version 2")
    check([word - bound for word in words] == BINOMIAL_MESSAGE, "coefficients of the plaintext")

    kind, _, _, body, _, _ = record(read("seeded_2.lct"), version=2)
    check(kind == 9 and body[:16] == name, "seeded ciphertext of version 2")
    c0, end = poly(body, 56, n, data[:body[16]])
    check(end == len(body), "length of the seeded ciphertext")
    c1 = expand(body[24:56], 0, data, n)
    check(decrypt_binomial(c0, c1, s, data) == classes(BINOMIAL_MESSAGE), "decryption modulo x^k - b")
    kind, _, _, body, _, _ = record(read("ciphertext_2.lct"), version=2)
    first, end = poly(body, 32, n, data)
    check(kind == 8 and (first, poly(body, end, n, data)[0]) == (c0, c1), "ciphertext of version 2")

    kind, _, _, body, _, _ = record(read("reduced_2.lct"), version=2)
    bits0, bits1, listed = body[16], body[17], struct.unpack_from("<I", body, 20)[0]
    check(kind == 10 and body[:16] == name and listed == 0, "reduced ciphertext of version 2")
    words0, end = packed(body, 32, n, 1 << bits0)
    words1, end = packed(body, end, n, 1 << bits1)
    restored = [[(2 * data[0] * word + (1 << bits)) // (2 << bits) % data[0] for word in words]
                for words, bits in ((words0, bits0), (words1, bits1))]
    check(decrypt_binomial([restored[0]], [restored[1]], s, data[:1]) == classes(BINOMIAL_MESSAGE),
          "decryption of the reduced ciphertext modulo x^k - b")


def main(folder):
    def read(name):
        return (folder / name).read_bytes()

    kind, ring, n, body, rest, _ = record(read("parameters.lct"))
    check((kind, ring, rest) == (1, bytes(16), b""), "parameters")
    data_count, special_count, plain_count, _, digit_limbs, _ = struct.unpack_from("<BBBBHH", body)
    primes = struct.unpack_from(f"<{data_count + special_count + plain_count}Q", body, 16)
    data = primes[:data_count]
    special = primes[data_count:data_count + special_count]
    key_primes = data + special
    hashed = struct.pack(f"<{3 + len(key_primes)}Q", n, digit_limbs, data_count, *key_primes)
    ring = hashlib.sha256(hashed).digest()[:16]

    kind, found_ring, _, body, _, _ = record(read("secret.key"))
    check((kind, found_ring) == (2, ring), "secret key")
    s = [(0, 1, -1)[code] for code in packed(body, 0, n, 3)[0]]

    kind, found_ring, _, body, _, _ = record(read("seeded.lct"))
    check((kind, found_ring) == (9, ring), "seeded ciphertext")
    limbs = body[8]
    c0, end = poly(body, 48, n, data[:limbs])
    check(end == len(body), "length of the seeded ciphertext")
    c1 = expand(body[16:48], 0, data[:limbs], n)
    check(decrypt(c0, c1, s, data[:limbs]) == MESSAGE, "decryption of the seeded ciphertext")

    _, _, _, body, _, _ = record(read("plaintext.lct"))
    check(packed(body, 8, n, PLAIN_MODULUS)[0] == MESSAGE, "plaintext")
    _, _, _, body, _, _ = record(read("ciphertext.lct"))
    first, end = poly(body, 24, n, data)
    check((first, poly(body, end, n, data)[0]) == (c0, c1), "ciphertext")

    _, _, _, body, _, _ = record(read("reduced_some.lct"))
    bits0, bits1, listed = body[8], body[9], struct.unpack_from("<I", body, 12)[0]
    places, end = packed(body, 24, listed, n)
    words0, end = packed(body, end, listed, 1 << bits0)
    words1, end = packed(body, end, n, 1 << bits1)

    def restore(word, bits):
        return (2 * data[0] * word + (1 << bits)) // (2 << bits) % data[0]

    c0 = [0] * n
    for place, word in zip(places, words0):
        c0[place] = restore(word, bits0)
    found = decrypt([c0], [[restore(word, bits1) for word in words1]], s, data[:1])
    check([found[i] for i in places] == [MESSAGE[i] for i in places], "decryption of the reduced ciphertext")

    # b_d + a_d s - P g_d s^2 is the same small error modulo every prime.
    _, _, _, body, _, _ = record(read("relin.keys"))
    special_product = 1
    for prime in special:
        special_product *= prime
    end = 40
    for digit in range(body[0]):
        b, end = poly(body, end, n, key_primes)
        a = expand(body[8:40], 256 * digit, key_primes, n)
        errors = set()
        for i, prime in enumerate(key_primes):
            gadget = special_product if i < data_count and i // digit_limbs == digit else 0
            mask = multiply(from_ntt(a[i], prime), s, prime)
            square = multiply(s, s, prime)
            error = [(x + y - gadget * z) % prime for x, y, z in zip(from_ntt(b[i], prime), mask, square)]
            errors.add(tuple(e if e <= prime // 2 else e - prime for e in error))
        check(len(errors) == 1 and max(map(abs, *errors)) <= LARGEST_ERROR, "relinearisation keys")
    check(end == len(body), "length of the relinearisation keys")

    kind, _, _, body, rest, checksum = record(read("batch_seeded.lct"))
    check(kind == 11 and body[16:] == bytes([1, 2, 3, 250, 255]), "head of the batch")
    for _ in range(struct.unpack_from("<I", body)[0]):
        kind, _, _, _, rest, checksum = record(rest, checksum)
        check(kind == body[4], "kind of the batch")
    check(rest == b"", "end of the batch")
    check_binomials(read, s, data, n)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "he")
