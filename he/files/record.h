// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>

#include <lacuna/he/files/checksum.h>
#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/kind.h>
#include <lacuna/he/files/source.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/ntt/buffer.h>

namespace lacuna {

inline constexpr std::uint8_t file_format_version = 1;
/// Of records that name a binomial plaintext modulus: parameters, plaintexts and ciphertexts.
inline constexpr std::uint8_t binomial_format_version = 2;
/// Of Galois and evaluation keys some of which are for ciphertexts of fewer limbs than the ring has.
inline constexpr std::uint8_t short_keys_format_version = 2;

/// The first bytes of every record.
struct RecordHeader {
    Kind kind = Kind::parameters;
    std::uint8_t version = file_format_version;
    std::uint64_t body_bytes = 0;
    RingHash ring{};  ///< zero for parameters and plaintexts, which belong to no ring
    std::uint32_t n = 0;
};

inline constexpr std::size_t record_header_bytes = 40;
inline constexpr std::size_t record_overhead_bytes = record_header_bytes + Digest().size();

/// Writes one record: header, body, checksum. Throws Error where the stream fails.
class RecordWriter {
  public:
    /// The body must take exactly header.body_bytes.
    RecordWriter(std::ostream& stream, const RecordHeader& header, Chain* chain = nullptr);

    void bytes(std::span<const std::uint8_t> bytes);
    void u8(std::uint8_t value) { integer(value, 1); }
    void u16(std::uint16_t value) { integer(value, 2); }
    void u32(std::uint32_t value) { integer(value, 4); }
    void u64(std::uint64_t value) { integer(value, 8); }
    void f64(double value);
    void zeros(std::size_t count);
    /// Words in [0, bound), each as bits_below(bound) bits. Throws Error where one is larger.
    void packed(std::span<const std::uint64_t> words, std::uint64_t bound, Secrecy secrecy = Secrecy::open);
    void finish();

  private:
    void integer(std::uint64_t value, std::size_t size);
    void put(std::span<const std::uint8_t> bytes);

    std::ostream* stream_;
    Chain* chain_;
    Checksum checksum_;
    std::uint64_t left_;
};

/// Reads one record. Nothing is allocated here: whoever loads an object compares lengths with what its
/// parameters allow first. Every problem is an Error that names the source, the offset, what was expected and
/// found.
class RecordReader {
  public:
    /// Reads the header and checks magic, version and kind number.
    explicit RecordReader(Source& source, Chain* chain = nullptr);

    [[nodiscard]] const RecordHeader& header() const { return header_; }
    void expect_kind(Kind kind) const;
    /// The hash and degree of this ring.
    void expect_ring(const Ring& ring) const;
    /// No ring: hash zero.
    void expect_no_ring() const;
    /// That the body has this length, and that the source, where it knows its end, has all of it.
    void expect_body(std::uint64_t bytes) const;

    void bytes(std::span<std::uint8_t> bytes, const char* what);
    [[nodiscard]] std::uint8_t u8(const char* what) { return static_cast<std::uint8_t>(integer(1, what)); }
    [[nodiscard]] std::uint16_t u16(const char* what) { return static_cast<std::uint16_t>(integer(2, what)); }
    [[nodiscard]] std::uint32_t u32(const char* what) { return static_cast<std::uint32_t>(integer(4, what)); }
    [[nodiscard]] std::uint64_t u64(const char* what) { return integer(8, what); }
    [[nodiscard]] double f64(const char* what);
    /// An integer of `size` bytes that must lie in [least, most].
    [[nodiscard]] std::uint64_t integer_in(std::size_t size, std::uint64_t least, std::uint64_t most,
                                           const char* what, const char* advice);
    void zeros(std::size_t count);
    /// Words of bits_below(bound) bits, each below the bound; the bits that fill up the last byte must be
    /// zero. A message never shows a secret word.
    void packed(std::span<std::uint64_t> words, std::uint64_t bound, const char* what,
                Secrecy secrecy = Secrecy::open);
    /// Reads what is left of the body, whatever it is.
    void skip();
    /// Bytes of the body that are still unread.
    [[nodiscard]] std::uint64_t left() const { return left_; }
    /// That the body ends here and the checksum is right.
    void finish();
    /// Throws Error at the field that was read last.
    [[noreturn]] void fail(const std::string& expected, const std::string& found,
                           const std::string& advice) const;

  private:
    [[nodiscard]] std::uint64_t integer(std::size_t size, const char* what);

    Source* source_;
    Chain* chain_;
    Checksum checksum_;
    RecordHeader header_;
    std::uint64_t start_;  // offset of the header
    std::uint64_t field_;  // offset of the last field
    std::uint64_t left_ = 0;
};

}  // namespace lacuna
