// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/diagonal_norms.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <utility>
#include <vector>

#include <lacuna/he/fv/rotation.h>
#include <lacuna/he/rlwe/embedding.h>
#include <lacuna/rns/automorphism.h>

namespace lacuna {

namespace {

using Complex = std::complex<double>;

/// Embeddings that are worked on side by side: a few vector registers.
constexpr std::size_t lanes = 8;
struct Lanes {
    std::array<double, lanes> real{};
    std::array<double, lanes> imaginary{};
};

/// sum_m a_m exp(-2 pi i j m / k) for all j, k a power of two; plain radix 2, of several sequences at once.
class FourierTransform {
  public:
    explicit FourierTransform(std::size_t k) : roots_(k / 2), reversed_(k) {
        for (std::size_t i = 0; i < k / 2; ++i) {
            roots_[i] =
                std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(k));
        }
        for (std::size_t i = 1; i < k; ++i) {
            reversed_[i] = reversed_[i / 2] / 2 + (i % 2 == 0 ? 0 : k / 2);
        }
    }

    void transform(std::vector<Lanes>& a) const {
        const std::size_t k = reversed_.size();
        for (std::size_t i = 0; i < k; ++i) {
            if (i < reversed_[i]) {
                std::swap(a[i], a[reversed_[i]]);
            }
        }
        for (std::size_t half = 1; half < k; half *= 2) {
            const std::size_t step = k / (2 * half);
            for (std::size_t begin = 0; begin < k; begin += 2 * half) {
                for (std::size_t i = 0; i < half; ++i) {
                    butterfly(a[begin + i], a[begin + half + i], roots_[i * step]);
                }
            }
        }
    }

  private:
    static void butterfly(Lanes& x, Lanes& y, const Complex& w) {
        for (std::size_t i = 0; i < lanes; ++i) {
            const double real = w.real() * y.real[i] - w.imag() * y.imaginary[i];
            const double imaginary = w.real() * y.imaginary[i] + w.imag() * y.real[i];
            y.real[i] = x.real[i] - real;
            y.imaginary[i] = x.imaginary[i] - imaginary;
            x.real[i] += real;
            x.imaginary[i] += imaginary;
        }
    }

    std::vector<Complex> roots_;
    std::vector<std::size_t> reversed_;
};

/// A term sigma_g(D sigma_h(e)), with D's embeddings.
struct Term {
    std::vector<Complex> values;
    std::size_t position = 0;        // m of x -> x^(1 + 2 N m), the inverse of both rotations
    std::uint32_t baby_inverse = 1;  // element
};

struct RowNorms {
    double spectral = 0;
    std::vector<double> squares;  // [coefficient modulo k]: sum over half of the embeddings
};

/// With xi over the roots, (1/n) sum_xi xi^-j sum D(xi^g) e(xi^gh) is coefficient j, so that conj r_j(xi) =
/// sum D(xi^(1/h)) xi^(-j / gh). 1/gh = 1 + 2 N m, and xi^2N is a k-th root of unity: for every xi, all j are
/// one Fourier transform over m. r_(j + k) is x^k r_j.
RowNorms row_norms(const std::vector<Term>& terms, std::size_t n, std::size_t k,
                   const std::stop_token& stop) {
    const FourierTransform fourier(k);
    RowNorms norms;
    norms.squares.resize(k);
    std::vector<Lanes> sums(k);
    double largest = 0;
    for (std::size_t first = 0; first < n / 2 && !stop.stop_requested(); first += lanes) {
        std::fill(sums.begin(), sums.end(), Lanes());
        for (const Term& term : terms) {
            Lanes& sum = sums[term.position];
            for (std::size_t i = 0; i < lanes; ++i) {
                const std::size_t odd = 2 * (first + i) + 1;
                const Complex& value = term.values[odd * term.baby_inverse % (2 * n) / 2];
                sum.real[i] += value.real();
                sum.imaginary[i] += value.imag();
            }
        }
        fourier.transform(sums);
        for (std::size_t j = 0; j < k; ++j) {
            for (std::size_t i = 0; i < lanes; ++i) {
                const Lanes& r = sums[(2 * (first + i) + 1) * j % k];
                const double square = r.real[i] * r.real[i] + r.imaginary[i] * r.imaginary[i];
                largest = std::max(largest, square);
                norms.squares[j] += square;
            }
        }
    }
    norms.spectral = std::sqrt(largest);
    return norms;
}

}  // namespace

DiagonalNorms diagonal_norms(const BinomialEncoder& encoder, std::size_t n,
                             std::span<const Diagonal> diagonals, const RotationSchedule& schedule,
                             const std::stop_token& stop) {
    const std::size_t k = encoder.slots();
    const PlainModulus t = PlainModulus::binomial(k, 2);
    std::map<std::size_t, std::map<std::size_t, std::vector<Term>>> terms;  // [output][input]
    // [output][input, baby step]: sum of spectral norms.
    std::map<std::size_t, std::map<std::pair<std::size_t, int>, double>> babies;
    for (std::size_t d = 0; d < diagonals.size() && !stop.stop_requested(); ++d) {
        const RotationSchedule::Term& place = schedule.terms[d];
        const Plaintext plaintext = encoder.encode(turned_values(diagonals[d], place.giant, k));
        std::vector<double> coefficients(n);
        for (std::size_t j = 0; j < n; ++j) {
            coefficients[j] = static_cast<double>(plaintext.centred(j));
        }
        Term term;
        term.values = embed(coefficients);
        const std::uint32_t both = rotation_element(n, t, place.giant + place.baby);
        term.position = (inverse_element(n, both) - 1) / (2 * n / k);
        term.baby_inverse = inverse_element(n, rotation_element(n, t, place.baby));
        if (place.baby != 0) {
            double largest = 0;
            for (const Complex& value : term.values) {
                largest = std::max(largest, std::abs(value));
            }
            babies[place.output][{place.input, place.baby}] += largest;
        }
        terms[place.output][place.input].push_back(std::move(term));
    }
    DiagonalNorms norms;
    for (const auto& [output, inputs] : terms) {
        double any = 0;
        std::vector<double> squares(k);
        for (const auto& [input, of_input] : inputs) {
            const RowNorms rows = row_norms(of_input, n, k, stop);
            any += rows.spectral;
            for (std::size_t j = 0; j < k; ++j) {
                squares[j] += rows.squares[j];
            }
        }
        norms.any = std::max(norms.any, any);
        // The embeddings come in conjugate pairs: twice half of them, over n.
        norms.fresh = std::max(norms.fresh, std::sqrt(2 * *std::max_element(squares.begin(), squares.end()) /
                                                      static_cast<double>(n)));
        double keys = 0;
        for (const auto& [baby, sum] : babies[output]) {
            keys += sum * sum;
        }
        norms.keys = std::max(norms.keys, std::sqrt(keys));
    }
    return norms;
}

DiagonalNorms usual_diagonal_norms(const PlainModulus& t, std::size_t n, const RotationSchedule& schedule) {
    std::map<std::size_t, double> products;
    std::map<std::size_t, std::map<std::pair<std::size_t, int>, double>> babies;
    for (const RotationSchedule::Term& term : schedule.terms) {
        ++products[term.output];
        if (term.baby != 0) {
            ++babies[term.output][{term.input, term.baby}];
        }
    }
    const auto size = static_cast<double>(n);
    const double euclidean = std::abs(static_cast<double>(t.base())) * std::sqrt(size / 12.0);
    const double spectral = euclidean * std::sqrt(std::log(size)) * 1.1;
    DiagonalNorms norms;
    for (const auto& [output, count] : products) {
        const double rows = std::sqrt(count) * euclidean;
        norms.fresh = std::max(norms.fresh, 1.15 * rows);
        norms.any = std::max(norms.any, 1.1 * rows * std::sqrt(2 * std::log(size)));
        double keys = 0;
        for (const auto& [baby, of_baby] : babies[output]) {
            keys += of_baby * of_baby;
        }
        norms.keys = std::max(norms.keys, std::sqrt(keys) * spectral);
    }
    return norms;
}

}  // namespace lacuna
