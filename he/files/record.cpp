// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/record.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include <lacuna/he/files/bit_packing.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr std::array<std::uint8_t, 6> magic = {'L', 'A', 'C', 'U', 'N', 'A'};
constexpr std::size_t kind_offset = 7;
constexpr std::size_t length_offset = 8;
constexpr std::size_t ring_offset = 16;
constexpr std::size_t degree_offset = 32;

/// Packed words pass through a buffer of whole bytes: 4096 words of b bits are 512 b bytes.
constexpr std::size_t words_per_chunk = 4096;
constexpr std::size_t chunk_bytes = words_per_chunk * sizeof(std::uint64_t);

/// Bytes on the stack, zeroed at the end where they may have held a secret.
struct ChunkBuffer {
    explicit ChunkBuffer(Secrecy secrecy) : secrecy_(secrecy) {}
    ~ChunkBuffer() {
        if (secrecy_ == Secrecy::secret) {
            detail::cleanse(bytes_.data(), bytes_.size());
        }
    }
    ChunkBuffer(const ChunkBuffer&) = delete;
    ChunkBuffer& operator=(const ChunkBuffer&) = delete;

    [[nodiscard]] std::span<std::uint8_t> first(std::size_t count) { return std::span(bytes_).first(count); }

  private:
    Secrecy secrecy_;
    std::array<std::uint8_t, chunk_bytes> bytes_;
};

void start(Checksum& checksum, const Chain* chain) {
    if (chain != nullptr && chain->has_value()) {
        checksum.update(**chain);
    }
}

/// Kinds that have a version 2.
bool has_second_version(Kind kind) {
    return kind == Kind::galois_keys || kind == Kind::evaluation_keys || kind == Kind::parameters ||
           kind == Kind::plaintext || kind == Kind::ciphertext || kind == Kind::seeded_ciphertext ||
           kind == Kind::reduced_ciphertext;
}

std::string shown(std::span<const std::uint8_t> bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        if (byte >= 0x20 && byte < 0x7f) {
            text += static_cast<char>(byte);
        } else {
            text += "\\x" + format_hash(std::span(&byte, 1));
        }
    }
    return "'" + text + "'";
}

}  // namespace

const char* kind_name(Kind kind) {
    switch (kind) {
        case Kind::parameters:
            return "parameters";
        case Kind::secret_key:
            return "secret key";
        case Kind::public_key:
            return "public key";
        case Kind::relin_keys:
            return "relinearisation keys";
        case Kind::galois_keys:
            return "Galois keys";
        case Kind::evaluation_keys:
            return "evaluation keys";
        case Kind::plaintext:
            return "plaintext";
        case Kind::ciphertext:
            return "ciphertext";
        case Kind::seeded_ciphertext:
            return "seeded ciphertext";
        case Kind::reduced_ciphertext:
            return "reduced ciphertext";
        case Kind::batch:
            return "batch of ciphertexts";
        case Kind::protected_secret_key:
            return "secret key under a passphrase";
    }
    return "unknown";
}

std::string format_hash(std::span<const std::uint8_t> bytes) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::optional<Digest> parse_digest(std::string_view text) {
    Digest digest{};
    if (text.size() != 2 * digest.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t digit = std::string_view("0123456789abcdef").find(text[i]);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        digest[i / 2] = static_cast<std::uint8_t>(digest[i / 2] * 16 + digit);
    }
    return digest;
}

RecordWriter::RecordWriter(std::ostream& stream, const RecordHeader& header, Chain* chain)
    : stream_(&stream), chain_(chain), left_(record_header_bytes + header.body_bytes) {
    start(checksum_, chain);
    bytes(magic);
    u8(header.version);
    u8(static_cast<std::uint8_t>(header.kind));
    u64(header.body_bytes);
    bytes(header.ring);
    u32(header.n);
    zeros(record_header_bytes - degree_offset - 4);
}

void RecordWriter::bytes(std::span<const std::uint8_t> bytes) {
    if (bytes.size() > left_) {
        throw Error("record: expected at most " + std::to_string(left_) + " more bytes, found " +
                    std::to_string(bytes.size()) + "; the length given for the body is too small");
    }
    left_ -= bytes.size();
    checksum_.update(bytes);
    put(bytes);
}

void RecordWriter::f64(double value) {
    u64(std::bit_cast<std::uint64_t>(value));
}

void RecordWriter::zeros(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        u8(0);
    }
}

void RecordWriter::packed(std::span<const std::uint64_t> words, std::uint64_t bound, Secrecy secrecy) {
    const int bits = bits_below(bound);
    ChunkBuffer buffer(secrecy);
    while (!words.empty()) {
        const auto chunk = words.first(std::min(words.size(), words_per_chunk));
        if (std::any_of(chunk.begin(), chunk.end(), [bound](std::uint64_t word) { return word >= bound; })) {
            throw Error("record: expected every word below " + std::to_string(bound) +
                        ", found a larger one; only objects that the library made can be written");
        }
        const auto packed = buffer.first(static_cast<std::size_t>(packed_bytes(chunk.size(), bits)));
        pack_bits(chunk, bits, packed);
        bytes(packed);
        words = words.subspan(chunk.size());
    }
}

void RecordWriter::finish() {
    if (left_ != 0) {
        throw Error("record: expected " + std::to_string(left_) +
                    " more bytes, found the end; the length given for the body is too large");
    }
    const Digest value = checksum_.value();
    put(value);
    if (chain_ != nullptr) {
        *chain_ = value;
    }
}

void RecordWriter::integer(std::uint64_t value, std::size_t size) {
    std::array<std::uint8_t, 8> encoded{};
    std::memcpy(encoded.data(), &value, sizeof value);
    bytes(std::span(encoded).first(size));
}

void RecordWriter::put(std::span<const std::uint8_t> bytes) {
    stream_->write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!*stream_) {
        throw Error("cannot write: the stream reports a failure; free some space or choose another place");
    }
}

RecordReader::RecordReader(Source& source, Chain* chain)
    : source_(&source), chain_(chain), start_(source.offset()), field_(start_) {
    std::array<std::uint8_t, record_header_bytes> encoded{};
    const std::size_t found = source.read_some(encoded);
    if (found < magic.size() || !std::equal(magic.begin(), magic.end(), encoded.begin())) {
        fail("a file of this library, beginning with 'LACUNA'",
             found == 0 ? "the end" : shown(std::span(encoded).first(std::min(found, magic.size()))),
             "give a file that the library wrote, complete");
    }
    field_ = start_ + magic.size();
    header_.version = encoded[magic.size()];
    if (found > magic.size() &&
        (header_.version < file_format_version || header_.version > binomial_format_version)) {
        fail("format version 1 or 2", std::to_string(header_.version),
             header_.version > binomial_format_version ? "install a newer release of the library to read it"
                                                       : "no release wrote such files; write it again");
    }
    if (found < encoded.size()) {
        field_ = start_;
        fail(std::to_string(encoded.size()) + " bytes of header", std::to_string(found),
             "the data is cut off; fetch or write it again");
    }
    field_ = start_ + kind_offset;
    header_.kind = static_cast<Kind>(encoded[kind_offset]);
    if (header_.kind < Kind::parameters || header_.kind > Kind::protected_secret_key) {
        fail("a kind of record from 1 to 12", std::to_string(encoded[kind_offset]),
             "install a newer release of the library, or fetch the data again");
    }
    if (header_.version == binomial_format_version && !has_second_version(header_.kind)) {
        field_ = start_ + magic.size();
        fail("format version 1 of a record of kind " + std::string(kind_name(header_.kind)), "2",
             "install a newer release of the library, or fetch the data again");
    }
    std::memcpy(&header_.body_bytes, encoded.data() + length_offset, sizeof header_.body_bytes);
    std::copy_n(encoded.begin() + ring_offset, header_.ring.size(), header_.ring.begin());
    std::memcpy(&header_.n, encoded.data() + degree_offset, sizeof header_.n);
    field_ = start_ + degree_offset + sizeof header_.n;
    if (std::any_of(encoded.begin() + degree_offset + sizeof header_.n, encoded.end(),
                    [](std::uint8_t byte) { return byte != 0; })) {
        fail("4 zero bytes", "others", "fetch or write the data again");
    }
    left_ = header_.body_bytes;
    start(checksum_, chain);
    checksum_.update(encoded);
}

void RecordReader::expect_kind(Kind kind) const {
    if (header_.kind != kind) {
        source_->fail(start_ + kind_offset, kind_name(kind), kind_name(header_.kind),
                      "give the file that holds them");
    }
}

void RecordReader::expect_ring(const Ring& ring) const {
    if (header_.ring != ring.hash()) {
        source_->fail(
            start_ + ring_offset, "the ring " + format_hash(ring.hash()), format_hash(header_.ring),
            "it was made under other parameters: use parameters, keys and ciphertexts that belong together");
    }
    if (header_.n != ring.n()) {
        source_->fail(start_ + degree_offset, "n = " + std::to_string(ring.n()), std::to_string(header_.n),
                      "fetch or write the data again");
    }
}

void RecordReader::expect_no_ring() const {
    if (header_.ring != RingHash{}) {
        source_->fail(start_ + ring_offset, "no ring (16 zero bytes)", format_hash(header_.ring),
                      "fetch or write the data again");
    }
}

void RecordReader::expect_body(std::uint64_t bytes) const {
    if (header_.body_bytes != bytes) {
        source_->fail(start_ + length_offset, std::to_string(bytes) + " bytes of body, as the parameters ask",
                      std::to_string(header_.body_bytes), "fetch or write the data again");
    }
    const std::uint64_t needed = left_ + Digest().size();
    const auto remaining = source_->remaining();
    if (remaining && *remaining < needed) {
        source_->fail(source_->offset(), std::to_string(needed) + " more bytes", std::to_string(*remaining),
                      "the data is cut off; fetch or write it again");
    }
}

void RecordReader::bytes(std::span<std::uint8_t> bytes, const char* what) {
    field_ = source_->offset();
    if (bytes.size() > left_) {
        fail(std::to_string(bytes.size()) + " bytes of " + what,
             "a body that ends after " + std::to_string(left_), "fetch or write the data again");
    }
    source_->read(bytes, what);
    checksum_.update(bytes);
    left_ -= bytes.size();
}

double RecordReader::f64(const char* what) {
    return std::bit_cast<double>(integer(8, what));
}

std::uint64_t RecordReader::integer_in(std::size_t size, std::uint64_t least, std::uint64_t most,
                                       const char* what, const char* advice) {
    const std::uint64_t value = integer(size, what);
    if (value < least || value > most) {
        const std::string range = least == most
                                      ? std::to_string(least)
                                      : "from " + std::to_string(least) + " to " + std::to_string(most);
        fail(std::string(what) + " " + range, std::to_string(value), advice);
    }
    return value;
}

void RecordReader::zeros(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (integer(1, "padding") != 0) {
            fail("a zero byte", "another", "fetch or write the data again");
        }
    }
}

void RecordReader::packed(std::span<std::uint64_t> words, std::uint64_t bound, const char* what,
                          Secrecy secrecy) {
    const int bits = bits_below(bound);
    ChunkBuffer buffer(secrecy);
    while (!words.empty()) {
        const auto chunk = words.first(std::min(words.size(), words_per_chunk));
        const auto packed = buffer.first(static_cast<std::size_t>(packed_bytes(chunk.size(), bits)));
        bytes(packed, what);
        const bool padded = unpack_bits(packed, bits, chunk);
        const auto larger =
            std::find_if(chunk.begin(), chunk.end(), [bound](std::uint64_t word) { return word >= bound; });
        if (larger != chunk.end()) {
            field_ +=
                static_cast<std::uint64_t>(larger - chunk.begin()) * static_cast<std::uint64_t>(bits) / 8;
            fail("every word of " + std::string(what) + " below " + std::to_string(bound),
                 secrecy == Secrecy::secret ? "a larger one" : std::to_string(*larger),
                 "it is damaged, or not what it says; fetch or write the data again");
        }
        if (!padded) {
            field_ += packed.size() - 1;
            fail("zero bits behind the last word of " + std::string(what), "others",
                 "fetch or write the data again");
        }
        words = words.subspan(chunk.size());
    }
}

void RecordReader::skip() {
    ChunkBuffer buffer(Secrecy::secret);
    while (left_ != 0) {
        bytes(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, chunk_bytes))), "body");
    }
}

void RecordReader::finish() {
    field_ = source_->offset();
    if (left_ != 0) {
        fail("the end of the body", std::to_string(left_) + " more bytes", "fetch or write the data again");
    }
    const Digest expected = checksum_.value();
    Digest found{};
    source_->read(found, "checksum");
    if (found != expected) {
        fail("checksum " + format_hash(expected), format_hash(found),
             chain_ != nullptr && chain_->has_value()
                 ? "the data is damaged, or a record is missing or out of order; fetch or write it again"
                 : "the data is damaged; fetch or write it again");
    }
    if (chain_ != nullptr) {
        *chain_ = found;
    }
}

void RecordReader::fail(const std::string& expected, const std::string& found,
                        const std::string& advice) const {
    source_->fail(field_, expected, found, advice);
}

std::uint64_t RecordReader::integer(std::size_t size, const char* what) {
    std::array<std::uint8_t, 8> encoded{};
    bytes(std::span(encoded).first(size), what);
    std::uint64_t value = 0;
    std::memcpy(&value, encoded.data(), sizeof value);
    return value;
}

}  // namespace lacuna
