// SPDX-License-Identifier: Apache-2.0
//
// Element by element: one vector in, one out. Of an instruction set this takes
//
//   lanes, Vec, load, store, broadcast, zero, plus, minus   whole vectors of words
//   correct(x, q)           [0, 2q) -> [0, q)
//   correct_signed(x, q)    (-q, q) -> [0, q)
//   add_above(x, b, step)   x + step where x > b, else x
//   WordReducer             any word -> [0, q), for moduli from least_modulus on

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct(plus(load(a + j), load(b + j)), q));
    }
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct_signed(minus(load(a + j), load(b + j)), q));
    }
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct_signed(minus(zero(), load(a + j)), q));
    }
}

void from_signed(Word* out, const Word* a, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct_signed(load(a + j), q));
    }
}

void lift_centred(Word* out, const Word* a, std::size_t n, const Modulus& p, const Modulus& q) {
    const Vec half = broadcast(p.value() / 2);
    const Vec step = broadcast(q.value() - p.value());  // wraps where p > q
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, add_above(load(a + j), half, step));
    }
}

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    if (q.value() < WordReducer::least_modulus) {
        portable::reduce(out, a, n, q);
        return;
    }
    const WordReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, reducer.reduce(load(a + j)));
    }
}
