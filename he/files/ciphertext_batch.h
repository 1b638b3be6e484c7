// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <vector>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/kind.h>
#include <lacuna/he/files/source.h>
#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/reduced_ciphertext.h>

namespace lacuna {

// Many ciphertexts as one stream: a head with their number, their kind and a layout, then one record for
// each. They are written and read one at a time, so that hundreds of megabytes pass through the memory of one
// ciphertext.

/// A batch carries a layout, bytes for whoever knows what its ciphertexts mean; this folder does not look
/// inside.
inline constexpr std::size_t max_layout_bytes = std::size_t{16} << 20;
inline constexpr std::uint32_t max_batch_count = std::uint32_t{1} << 24;

/// What a batch says of itself.
struct BatchHead {
    Kind item = Kind::ciphertext;
    std::size_t count = 0;
    std::vector<std::uint8_t> layout;
};

/// Reads the head alone, before there is a context: the layout may say which one is needed. Throws Error
/// where there is no batch or its head is damaged.
[[nodiscard]] BatchHead read_batch_head(Source& source);

/// Writes exactly `count` ciphertexts of one kind.
class BatchWriter {
  public:
    /// Writes the head. item: ciphertext, seeded_ciphertext or reduced_ciphertext. The stream and ring must
    /// outlive the writer. Throws Error where the kind, the count (1 ... max_batch_count) or the layout's
    /// size is out of bounds.
    BatchWriter(std::ostream& stream, const Ring& ring, Kind item, std::size_t count,
                std::span<const std::uint8_t> layout);

    /// Throws Error where the kind is not the batch's or there are more than its count.
    void write(const Ciphertext& ciphertext) { write_item(Kind::ciphertext, ciphertext); }
    void write(const SeededCiphertext& ciphertext) { write_item(Kind::seeded_ciphertext, ciphertext); }
    void write(const ReducedCiphertext& ciphertext) { write_item(Kind::reduced_ciphertext, ciphertext); }
    /// Throws Error where ciphertexts are missing.
    void finish() const;

  private:
    template <typename Item>
    void write_item(Kind kind, const Item& item);

    std::ostream* stream_;
    const Ring* ring_;
    Kind item_;
    std::size_t left_;
    Chain chain_;
};

/// Reads what BatchWriter wrote. Errors as of load_ciphertext(); a ciphertext is handed out only once its
/// checksum, which covers those before it, has been verified.
class BatchReader {
  public:
    /// Reads the head. The source must outlive the reader, the context is shared.
    BatchReader(Source& source, Context context);

    [[nodiscard]] Kind item() const { return head_.item; }
    [[nodiscard]] std::size_t count() const { return head_.count; }
    /// How many are still to come.
    [[nodiscard]] std::size_t left() const { return left_; }
    [[nodiscard]] const std::vector<std::uint8_t>& layout() const { return head_.layout; }

    /// The next ciphertext, whatever the kind: expanded or restored where need be. Throws Error behind the
    /// last.
    [[nodiscard]] Ciphertext next();
    /// As it is stored; throws Error where the batch holds another kind.
    [[nodiscard]] SeededCiphertext next_seeded();
    [[nodiscard]] ReducedCiphertext next_reduced();
    /// Throws Error where ciphertexts are left or bytes follow.
    void finish();
    /// The same where more may follow, another batch, say.
    void finish_here() const;

  private:
    void take(Kind kind);

    Source* source_;
    Context context_;
    BatchHead head_;
    std::size_t left_ = 0;
    Chain chain_;
};

/// Size of a whole batch, for plans; item_bytes: of each record (ciphertext_bytes() and its like).
[[nodiscard]] std::uint64_t batch_bytes(std::size_t count, std::uint64_t item_bytes,
                                        std::size_t layout_bytes);

}  // namespace lacuna
