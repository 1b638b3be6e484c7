// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

class ProductTables;

/// Homomorphic operations of FV, with an integer t or a binomial x^k - b. Immutable and safe to share between
/// threads; it shares the context, and with its copies the tables of multiplication, which it computes when
/// it is made. Operands of one operation share ring, t, level and form, or Error says which differs. Sizes 2
/// to 5 are allowed everywhere except where a comment says otherwise.
class Evaluator {
  public:
    explicit Evaluator(Context context);

    // Linear operations, either form.
    [[nodiscard]] Ciphertext add(const Ciphertext& a, const Ciphertext& b) const;
    /// The same in the storage of a: for sums that grow term by term, a = add(std::move(a), b).
    [[nodiscard]] Ciphertext add(Ciphertext&& a, const Ciphertext& b) const;
    [[nodiscard]] Ciphertext subtract(const Ciphertext& a, const Ciphertext& b) const;
    [[nodiscard]] Ciphertext negate(const Ciphertext& a) const;
    [[nodiscard]] Ciphertext add_plain(Ciphertext a, const Plaintext& b) const;
    [[nodiscard]] Ciphertext subtract_plain(Ciphertext a, const Plaintext& b) const;

    // Products with plaintexts. Coefficients are lifted to (-t/2, t/2]: -1 costs no more noise than 1. Modulo
    // x^k - b they are small already.
    [[nodiscard]] Ciphertext multiply_plain(const Ciphertext& a, const Plaintext& b) const;
    /// b transformed once, for ciphertexts with `limbs` limbs in NTT form.
    [[nodiscard]] PreparedPlaintext prepare(const Plaintext& b, std::size_t limbs) const;
    /// The same with the special primes' limbs, for sum_of_rotated_products.
    [[nodiscard]] PreparedPlaintext prepare_for_rotations(const Plaintext& b, std::size_t limbs) const;
    /// a in NTT form, at the level b was prepared for.
    [[nodiscard]] Ciphertext multiply_prepared(const Ciphertext& a, const PreparedPlaintext& b) const;
    /// The same in the storage of a.
    [[nodiscard]] Ciphertext multiply_prepared(Ciphertext&& a, const PreparedPlaintext& b) const;
    /// Any signed scalar; used by its centred residue modulo t, or as it is modulo a binomial.
    [[nodiscard]] Ciphertext multiply_scalar(const Ciphertext& a, std::int64_t scalar) const;
    /// c x^exponent a, exponent in [0, 2n).
    [[nodiscard]] Ciphertext multiply_monomial(const Ciphertext& a, const Monomial& monomial) const;
    /// sum_k c_k x^k a in coefficient form: shifts and adds, no transform. SparseProduct does whole layers at
    /// once.
    [[nodiscard]] Ciphertext multiply_sparse(const Ciphertext& a, std::span<const Monomial> terms) const;

    // Products of ciphertexts: coefficient form, size 2 in, size 3 out; squares of size 3 have size 5.
    // drop: 0, or 1 to switch to one limb fewer in the same rounding, which costs nothing (at least 2 limbs).
    [[nodiscard]] Ciphertext multiply(const Ciphertext& a, const Ciphertext& b, std::size_t drop = 0) const;
    [[nodiscard]] Ciphertext square(const Ciphertext& a, std::size_t drop = 0) const;
    /// The same, with the result in the storage of a: many squares in a row wait for memory, and that of a is
    /// in the caches already.
    [[nodiscard]] Ciphertext square(Ciphertext&& a, std::size_t drop = 0) const;
    /// A BGV-style product: t(x) a^2 modulo Q, without helper primes and without rounding. BGV keeps messages
    /// in the low bits, where a product needs no division, and t(x) a is such an encoding of m
    /// (Alperin-Sheriff, Peikert, CRYPTO 2013, appendix A). The result encrypts -Q m^2 modulo t(x), for Q of
    /// the level of a; the factor -Q stays with it, and whoever decrypts divides by it. It takes a third of
    /// the work of square(). Its noise is t e^2, the square of the operand's, where that of square() is a
    /// constant times e: so it is for fresh encryptions and short sums of them.
    [[nodiscard]] Ciphertext square_unscaled(Ciphertext a, std::size_t drop = 0) const;
    /// Size 3 to size 2; size 2 passes through, more is an Error. Coefficient form.
    [[nodiscard]] Ciphertext relinearize(const Ciphertext& a, const RelinKeys& keys) const;

    // Rotations of the 2 x n/2 matrix of slots: size 2, coefficient form. Modulo x^k - b the slots are one
    // row of k, and there is no swap.
    /// Slot j of each row takes the value of slot j + steps (cyclically).
    [[nodiscard]] Ciphertext rotate_rows(const Ciphertext& a, int steps, const GaloisKeys& keys) const;
    /// Swaps the two rows; throws Error modulo a binomial, which has one.
    [[nodiscard]] Ciphertext rotate_columns(const Ciphertext& a, const GaloisKeys& keys) const;
    /// One rotation for each entry of `steps`, sharing the expensive half of the work.
    [[nodiscard]] std::vector<Ciphertext> rotate_rows_hoisted(const Ciphertext& a, std::span<const int> steps,
                                                              const GaloisKeys& keys) const;
    struct RotatedTerm {
        int steps = 0;
        const PreparedPlaintext* plaintext =
            nullptr;  ///< from prepare_for_rotations, at the ciphertext's level
    };
    /// sum_i plaintext_i * rotate_rows(a, steps_i): shared digits, products summed modulo QP, and one
    /// division by the special primes at the end instead of one a rotation.
    [[nodiscard]] Ciphertext sum_of_rotated_products(const Ciphertext& a, std::span<const RotatedTerm> terms,
                                                     const GaloisKeys& keys) const;

    // Levels and forms.
    /// Drops the last data prime: smaller and faster; noise shrinks along with Q. Coefficient form, at least
    /// 2 limbs.
    [[nodiscard]] Ciphertext mod_switch(const Ciphertext& a) const;
    /// Drops primes until `limbs` are left.
    [[nodiscard]] Ciphertext mod_switch_to(const Ciphertext& a, std::size_t limbs) const;
    [[nodiscard]] Ciphertext to_ntt(const Ciphertext& a) const;
    [[nodiscard]] Ciphertext to_coefficients(const Ciphertext& a) const;

  private:
    void check(const char* operation, const Ciphertext& a) const;
    void check_pair(const char* operation, const Ciphertext& a, const Ciphertext& b) const;
    void check_plain(const char* operation, const Ciphertext& a, const Plaintext& b) const;
    void check_prepared(const Ciphertext& a, const PreparedPlaintext& b) const;
    void check_size_two(const char* operation, const Ciphertext& a) const;
    void check_coefficients(const char* operation, const Ciphertext& a) const;
    [[nodiscard]] Ciphertext combine_plain(Ciphertext a, const Plaintext& b, bool subtract) const;
    [[nodiscard]] PreparedPlaintext prepare_over(const Plaintext& b, std::size_t limbs,
                                                 bool with_special) const;
    /// spare: null, or an operand that may be used up: its parts become the result's.
    [[nodiscard]] Ciphertext product(const Ciphertext& a, const Ciphertext* b, std::size_t drop,
                                     Ciphertext* spare) const;
    void check_square(const Ciphertext& a, std::size_t drop) const;
    [[nodiscard]] std::int64_t lifted_scalar(const PlainModulus& t, std::int64_t scalar) const;
    void check_drop(const char* operation, const Ciphertext& a, std::size_t drop) const;
    void divide_by_last(const RnsPolynomial& part, RnsPolynomial& kept) const;
    [[nodiscard]] Ciphertext rotated(const Ciphertext& a, const Automorphism& automorphism,
                                     Switched switched) const;

    Context context_;
    std::shared_ptr<const ProductTables> products_;
};

}  // namespace lacuna
