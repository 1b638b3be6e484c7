// SPDX-License-Identifier: Apache-2.0
//
// Products element by element. Of an instruction set this takes lanes, load, store and
//
//   Multiplier          products modulo q of what its operand() makes of words in [0, q): product(x, y) = x
//   y,
//                       product_plus(x, y, word) = x y + word, twice_product(x, y) = 2 x y,
//                       sum_of_products(x0, y0, x1, y1) = x0 y0 + x1 y1; all words in [0, q)
//   ScalarMultiplier    products with one constant w: product(a) = a w, product_of_difference(a, b) =
//                       (a - b) w

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    const Multiplier multiplier(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const auto x = multiplier.operand(load(a + j));
        const auto y = multiplier.operand(load(b + j));
        store(out + j, multiplier.product(x, y));
    }
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    const Multiplier multiplier(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const auto x = multiplier.operand(load(a + j));
        const auto y = multiplier.operand(load(b + j));
        store(out + j, multiplier.product_plus(x, y, load(out + j)));
    }
}

void multiply_scalar(Word* out, const Word* a, std::size_t n, const ShoupFactor& w, const Modulus& q) {
    const ScalarMultiplier multiplier(w, q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, multiplier.product(load(a + j)));
    }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, std::size_t n, const ShoupFactor& w,
                              const Modulus& q) {
    const ScalarMultiplier multiplier(w, q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, multiplier.product_of_difference(load(a + j), load(b + j)));
    }
}

void tensor(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, const Word* b0,
            const Word* b1, std::size_t n, const Modulus& q) {
    const Multiplier multiplier(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const auto x0 = multiplier.operand(load(a0 + j));
        const auto x1 = multiplier.operand(load(a1 + j));
        const auto y0 = multiplier.operand(load(b0 + j));
        const auto y1 = multiplier.operand(load(b1 + j));
        store(out0 + j, multiplier.product(x0, y0));
        store(out1 + j, multiplier.sum_of_products(x0, y1, x1, y0));
        store(out2 + j, multiplier.product(x1, y1));
    }
}

void tensor_square(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& q) {
    const Multiplier multiplier(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const auto x0 = multiplier.operand(load(a0 + j));
        const auto x1 = multiplier.operand(load(a1 + j));
        store(out0 + j, multiplier.product(x0, x0));
        store(out1 + j, multiplier.twice_product(x0, x1));
        store(out2 + j, multiplier.product(x1, x1));
    }
}
