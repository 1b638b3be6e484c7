// SPDX-License-Identifier: Apache-2.0
//
// The functions that a table of kernels points at, declared in the namespace of each instruction set; what
// they do is said in ntt/kernels.h. An instruction set need not define them all: where it has nothing to gain
// its table points at the portable twin.

using Word = std::uint64_t;

bool supported();

void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse);
void ntt_forward(const NttTables& tables, Word* out, const Word* a);
void ntt_inverse(const NttTables& tables, Word* a, Word factor);

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q);
void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q);
void negate(Word* out, const Word* a, std::size_t n, const Modulus& q);
void reduce(Word* out, const Word* a, std::size_t n, const Modulus& q);
void from_signed(Word* out, const Word* a, std::size_t n, const Modulus& q);
void lift_centred(Word* out, const Word* a, std::size_t n, const Modulus& p, const Modulus& q);

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q);
void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q);
void multiply_scalar(Word* out, const Word* a, std::size_t n, const ShoupFactor& w, const Modulus& q);
void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, std::size_t n, const ShoupFactor& w,
                              const Modulus& q);
void tensor(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, const Word* b0,
            const Word* b1, std::size_t n, const Modulus& q);
void tensor_square(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& q);

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q);
void prepare_weights(Word* weights, std::size_t count, const Modulus& q);
void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q);
void round_fractions(Word* out, const Word* const* rows, const Word* high, const Word* low, std::size_t count,
                     std::size_t n);

void gather(Word* out, const Word* a, const std::uint32_t* index, std::size_t n);
void automorphism(Word* out, const Word* a, std::size_t n, std::uint32_t h, const Modulus& q);

void sparse_tile(Word* out, std::size_t length, const Word* packed, const std::uint32_t* offsets,
                 const TermGroup* groups, std::size_t group_count, Word offset, bool accumulate,
                 const Modulus& q);

std::size_t filter_below(Word* out, const Word* words, std::size_t count, Word mask, Word bound);
void centred_binomial(Word* out, const Word* words, std::size_t n);
