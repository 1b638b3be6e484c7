// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/embedding.h>

#include <bit>
#include <cstdint>
#include <numbers>

#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

std::vector<std::complex<double>> embed(std::span<const double> coefficients) {
    const std::size_t n = coefficients.size();
    const int log_n = std::countr_zero(n);
    // a(w^(2k + 1)) for w = exp(i pi / n) is the Fourier transform of a_j w^j.
    const double angle = std::numbers::pi / static_cast<double>(n);
    std::vector<std::complex<double>> values(n);
    for (std::size_t j = 0; j < n; ++j) {
        values[reverse_bits(static_cast<std::uint32_t>(j), log_n)] =
            std::polar(1.0, angle * static_cast<double>(j)) * coefficients[j];
    }
    for (std::size_t half = 1; half < n; half *= 2) {
        for (std::size_t j = 0; j < half; ++j) {
            const std::complex<double> twiddle =
                std::polar(1.0, std::numbers::pi * static_cast<double>(j) / static_cast<double>(half));
            for (std::size_t begin = j; begin < n; begin += 2 * half) {
                const std::complex<double> x = values[begin];
                const std::complex<double> z = values[begin + half];
                // Written out, as the library's product asks whether it is not a number.
                const std::complex<double> y(z.real() * twiddle.real() - z.imag() * twiddle.imag(),
                                             z.real() * twiddle.imag() + z.imag() * twiddle.real());
                values[begin] = x + y;
                values[begin + half] = x - y;
            }
        }
    }
    return values;
}

}  // namespace lacuna
