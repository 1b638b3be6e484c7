// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/sparse_map.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <string>

#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/parallel.h>

namespace lacuna {

namespace {

/// Sum of |c| that a 64-bit word takes unreduced: 2^14 - 1 words below 2^50, as each word is at most q.
constexpr std::uint64_t weight_limit = (std::uint64_t{1} << (64 - max_modulus_bits)) - 1;

/// Packed inputs should fill no more than half of a second-level cache of 1 MiB.
constexpr std::size_t packed_bytes = std::size_t{512} << 10;
constexpr std::size_t smallest_tile = 64;
constexpr std::size_t largest_tile = 512;
/// Beyond this shift the words packed twice outweigh what blocking saves.
constexpr std::size_t largest_halo = 256;

/// x^exponent with exponent in [0, 2n) as +-x^shift.
struct Shift {
    std::uint32_t shift;
    bool negative;
};

Shift shift_of(const SparseTerm& term, std::size_t n) {
    const bool wraps = term.exponent >= n;
    return {wraps ? static_cast<std::uint32_t>(term.exponent - n) : term.exponent,
            wraps != (term.coefficient < 0)};
}

std::uint64_t magnitude(std::int64_t c) {
    return c < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(c) : static_cast<std::uint64_t>(c);
}

}  // namespace

SparseMap::SparseMap(std::size_t n, std::size_t inputs, std::vector<std::vector<SparseTerm>> rows)
    : n_(n), inputs_(inputs), rows_(std::move(rows)) {
    if (!std::has_single_bit(n) || n < 16) {
        throw Error("sparse map: expected n a power of two of at least 16, found " + std::to_string(n));
    }
    for (std::vector<SparseTerm>& row : rows_) {
        std::erase_if(row, [](const SparseTerm& term) { return term.coefficient == 0; });
        term_count_ += row.size();
        for (const SparseTerm& term : row) {
            if (term.input >= inputs || term.exponent >= 2 * n || magnitude(term.coefficient) >> 62 != 0) {
                throw Error("sparse map: expected columns below " + std::to_string(inputs) +
                            ", exponents below 2n = " + std::to_string(2 * n) +
                            " and coefficients within 2^62, found column " + std::to_string(term.input) +
                            ", exponent " + std::to_string(term.exponent) + ", coefficient " +
                            std::to_string(term.coefficient));
            }
            largest_exponent_ = std::max(largest_exponent_, shift_of(term, n).shift);
        }
    }
    halo_ = (largest_exponent_ + std::size_t{7}) / 8 * 8;
    tiled_ = halo_ <= std::min(largest_halo, n);
    if (!tiled_) {
        return;
    }
    tile_ = std::min(largest_tile, n);
    while (tile_ > smallest_tile && (tile_ + halo_) * inputs_ * sizeof(std::uint64_t) > packed_bytes) {
        tile_ /= 2;
    }
    if ((tile_ + halo_) * inputs_ >> 32 != 0) {
        throw Error("sparse map: " + std::to_string(inputs_) +
                    " inputs are more than one map takes; split it");
    }
    compiled_.reserve(rows_.size());
    for (const std::vector<SparseTerm>& row : rows_) {
        compiled_.push_back(compile(row));
    }
}

SparseMap::Row SparseMap::compile(const std::vector<SparseTerm>& terms) const {
    std::vector<SparseTerm> sorted = terms;
    std::stable_sort(sorted.begin(), sorted.end(), [this](const SparseTerm& a, const SparseTerm& b) {
        const std::uint64_t size_a = magnitude(a.coefficient);
        const std::uint64_t size_b = magnitude(b.coefficient);
        return size_a != size_b ? size_a < size_b : shift_of(a, n_).negative < shift_of(b, n_).negative;
    });
    Row row;
    std::uint64_t weight = weight_limit + 1;  // of the open segment; forces a first one
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const SparseTerm& term = sorted[i];
        const std::uint64_t size = magnitude(term.coefficient);
        const bool large = size > weight_limit;
        const std::uint64_t unit = large ? 1 : size;
        const bool same_size = i > 0 && magnitude(sorted[i - 1].coefficient) == size;
        const bool new_segment = weight + unit > weight_limit || (large && !same_size);
        if (new_segment) {
            Segment segment;
            segment.group_begin = segment.group_end = static_cast<std::uint32_t>(row.groups.size());
            segment.scale = large ? static_cast<std::int64_t>(size) : 1;
            row.segments.push_back(segment);
            weight = 0;
        }
        Segment& segment = row.segments.back();
        const auto position = static_cast<std::uint32_t>(row.offsets.size());
        if (new_segment || !same_size) {
            TermGroup group;
            group.begin = group.middle = group.end = position;
            group.multiplier = unit;
            group.shift = std::has_single_bit(unit) ? std::countr_zero(unit) : -1;
            row.groups.push_back(group);
            segment.group_end = static_cast<std::uint32_t>(row.groups.size());
        }
        TermGroup& group = row.groups.back();
        const Shift shift = shift_of(term, n_);
        row.offsets.push_back(static_cast<std::uint32_t>(term.input * (tile_ + halo_) + halo_ - shift.shift));
        group.end = position + 1;
        if (shift.negative) {
            segment.negative_weight += unit;
        } else {
            group.middle = position + 1;
        }
        weight += unit;
    }
    return row;
}

/// packed[i][j] = input_i[begin - halo + j] for j < halo: what shifts bring into a tile that starts at
/// `begin`. The words before 0 are those of -x^n, negated.
void SparseMap::pack_halo(const Plane& plane, std::size_t begin, std::uint64_t* packed) const {
    for (std::size_t i = 0; i < inputs_; ++i) {
        const std::uint64_t* const input = plane.inputs[i];
        std::uint64_t* const words = packed + i * halo_;
        for (std::size_t j = 0; j < halo_; ++j) {
            const bool wraps = begin + j < halo_;
            words[j] =
                wraps ? plane.modulus->negate(input[n_ + begin + j - halo_]) : input[begin + j - halo_];
        }
    }
}

/// One tile of every row. On entry the first `halo` packed words of every input are those before the tile; on
/// return they are those before the next one.
void SparseMap::run_tile(const Kernels& kernels, const Plane& plane, std::size_t begin,
                         std::uint64_t* packed) const {
    const Modulus& q = *plane.modulus;
    for (std::size_t i = 0; i < inputs_; ++i) {
        std::copy_n(plane.inputs[i] + begin, tile_, packed + i * (tile_ + halo_) + halo_);
    }
    // The next tile's words are far apart in memory: they are asked for early, a few inputs after every row.
    const bool prefetches = begin + tile_ < n_;
    std::size_t prefetched = 0;
    alignas(64) std::uint64_t scaled[largest_tile];
    for (std::size_t r = 0; r < compiled_.size(); ++r) {
        for (; prefetches && prefetched < inputs_ * (r + 1) / compiled_.size(); ++prefetched) {
            const std::uint64_t* const next = plane.inputs[prefetched] + begin + tile_;
            for (std::size_t j = 0; j < tile_; j += 8) {
                __builtin_prefetch(next + j, 0, 2);
            }
        }
        const Row& row = compiled_[r];
        std::uint64_t* const out = plane.outputs[r] + begin;
        if (row.segments.empty()) {
            std::fill_n(out, tile_, 0);
        }
        for (std::size_t s = 0; s < row.segments.size(); ++s) {
            const Segment& segment = row.segments[s];
            const TermGroup* groups = row.groups.data() + segment.group_begin;
            const std::size_t count = segment.group_end - segment.group_begin;
            const std::uint64_t offset = segment.negative_weight * q.value();
            if (segment.scale == 1) {
                kernels.sparse_tile(out, tile_, packed, row.offsets.data(), groups, count, offset, s != 0, q);
                continue;
            }
            kernels.sparse_tile(scaled, tile_, packed, row.offsets.data(), groups, count, offset, false, q);
            kernels.multiply_scalar(scaled, scaled, tile_, ShoupFactor(q.reduce_signed(segment.scale), q), q);
            if (s == 0) {
                std::copy_n(scaled, tile_, out);
            } else {
                kernels.add(out, out, scaled, tile_, q);
            }
        }
    }
    for (std::size_t i = 0; i < inputs_ && halo_ != 0; ++i) {
        std::uint64_t* const words = packed + i * (tile_ + halo_);
        std::memmove(words, words + tile_, halo_ * sizeof(std::uint64_t));
    }
}

/// The plain way, for shifts too long to pack: one row over all n coefficients, each term in two straight
/// runs.
void SparseMap::run_whole(const Kernels& kernels, const Plane& plane, std::size_t row, std::uint64_t* sums,
                          std::uint64_t* product) const {
    const Modulus& q = *plane.modulus;
    std::fill_n(sums, n_, 0);
    std::uint64_t weight = 0;
    for (const SparseTerm& term : rows_[row]) {
        const Shift shift = shift_of(term, n_);
        std::uint64_t c = magnitude(term.coefficient);
        if (c > weight_limit) {
            c = q.reduce(c);
        }
        // Beyond the limit a coefficient is taken modulo q, term by term.
        const bool large = c > weight_limit;
        const std::uint64_t* input = plane.inputs[term.input];
        if (large) {
            kernels.multiply_scalar(product, input, n_, ShoupFactor(c, q), q);
            input = product;
            c = 1;
        }
        if (weight + c > weight_limit) {
            kernels.reduce(sums, sums, n_, q);
            weight = 1;
        }
        weight += c;
        // Positive words add c x, negative ones c (q - x); c (q - x) = c q - c x stays non-negative.
        const std::uint64_t cover = c * q.value();
        const std::uint64_t head =
            shift.negative ? c : std::uint64_t{0} - c;  // what the wrapped run multiplies by
        const std::uint64_t tail = shift.negative ? std::uint64_t{0} - c : c;  // the run that does not wrap
        const std::uint64_t head_cover = shift.negative ? 0 : cover;
        const std::uint64_t tail_cover = shift.negative ? cover : 0;
        const std::size_t k = shift.shift;
        for (std::size_t j = 0; j < k; ++j) {
            sums[j] += head_cover + head * input[n_ - k + j];
        }
        for (std::size_t j = k; j < n_; ++j) {
            sums[j] += tail_cover + tail * input[j - k];
        }
    }
    kernels.reduce(plane.outputs[row], sums, n_, q);
}

void SparseMap::apply(const Kernels& kernels, std::span<const Plane> planes, int threads,
                      const std::stop_token& stop) const {
    for (const Plane& plane : planes) {
        if (plane.inputs.size() != inputs_ || plane.outputs.size() != rows_.size() ||
            plane.modulus == nullptr) {
            throw Error("sparse map: expected " + std::to_string(inputs_) + " inputs and " +
                        std::to_string(rows_.size()) + " outputs, found " +
                        std::to_string(plane.inputs.size()) + " and " + std::to_string(plane.outputs.size()));
        }
    }
    const auto count = static_cast<std::size_t>(std::max(threads, 1));
    std::vector<Buffer> scratch;  // one a share of the work
    for (std::size_t share = 0; share < count; ++share) {
        scratch.push_back(Buffer::uninitialised(tiled_ ? inputs_ * (tile_ + halo_) : 2 * n_));
    }
    const auto in_shares = [&](const std::function<void(std::size_t)>& work) {
        parallel_for(count, threads, work);
    };
    const auto run_rows = [&](const Plane& plane, std::size_t share) {
        std::uint64_t* const words = scratch[share].data();
        for (std::size_t row = share; row < rows_.size() && !stop.stop_requested(); row += count) {
            run_whole(kernels, plane, row, words, words + n_);
        }
    };
    // A run of neighbouring tiles for each share; only the halo of its first one is another share's words.
    const std::size_t tiles = tiled_ ? n_ / tile_ : 0;
    const auto run_tiles = [&](const Plane& plane, std::size_t share) {
        for (std::size_t tile = tiles * share / count;
             tile < tiles * (share + 1) / count && !stop.stop_requested(); ++tile) {
            run_tile(kernels, plane, tile * tile_, scratch[share].data());
        }
    };
    if (!tiled_ || halo_ == 0) {
        in_shares([&](std::size_t share) {
            for (const Plane& plane : planes) {
                tiled_ ? run_tiles(plane, share) : run_rows(plane, share);
            }
        });
        return;
    }
    // Outputs may be the inputs: the halos of a group of planes are read before their first tile is written.
    // All planes are one group, but for halos that would not fit the caches.
    constexpr std::size_t most_words = std::size_t{1} << 21;
    const std::size_t halo_words = inputs_ * halo_;
    const std::size_t group = std::clamp(most_words / (halo_words * count + 1), std::size_t{1},
                                         std::max<std::size_t>(planes.size(), 1));
    Buffer halos = Buffer::uninitialised(count * group * halo_words);
    const auto halo_of = [&](std::size_t share, std::size_t plane) {
        return halos.data() + (share * group + plane) * halo_words;
    };
    for (std::size_t begin = 0; begin < planes.size(); begin += group) {
        const std::span<const Plane> some = planes.subspan(begin, std::min(group, planes.size() - begin));
        in_shares([&](std::size_t share) {
            const std::size_t first = tiles * share / count;
            for (std::size_t p = 0; p < some.size(); ++p) {
                pack_halo(some[p], first < tiles * (share + 1) / count ? first * tile_ : 0,
                          halo_of(share, p));
            }
        });
        in_shares([&](std::size_t share) {
            for (std::size_t p = 0; p < some.size(); ++p) {
                for (std::size_t i = 0; i < inputs_; ++i) {
                    std::copy_n(halo_of(share, p) + i * halo_, halo_,
                                scratch[share].data() + i * (tile_ + halo_));
                }
                run_tiles(some[p], share);
            }
        });
    }
}

}  // namespace lacuna
