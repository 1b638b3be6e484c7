// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/protected_key.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <streambuf>
#include <string>
#include <tuple>

#include <lacuna/he/files/record.h>
#include <lacuna/he/files/record_parts.h>
#include <lacuna/he/files/sealing.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/random.h>

namespace lacuna {

namespace {

constexpr std::uint8_t scheme_scrypt_chacha = 1;
constexpr int least_log2_n = 10;
constexpr int most_log2_n = 20;
constexpr int most_r = 16;
constexpr int most_p = 16;
constexpr std::uint64_t most_memory = std::uint64_t{1} << 30;

constexpr std::size_t salt_bytes = 32;
constexpr std::size_t nonce_bytes = std::tuple_size_v<SealingNonce>;
constexpr std::size_t tag_bytes = std::tuple_size_v<SealingTag>;
constexpr std::size_t fixed_bytes = 8 + salt_bytes + nonce_bytes;

/// The fixed part of the body, as it is stored.
using Fixed = std::array<std::uint8_t, fixed_bytes>;

std::span<const std::uint8_t> salt_of(const Fixed& fixed) {
    return std::span(fixed).subspan(8, salt_bytes);
}
SealingNonce nonce_of(const Fixed& fixed) {
    SealingNonce nonce;
    std::copy_n(fixed.begin() + 8 + salt_bytes, nonce_bytes, nonce.begin());
    return nonce;
}

bool is_allowed(const PassphraseCost& cost) {
    return cost.log2_n >= least_log2_n && cost.log2_n <= most_log2_n && cost.r >= 1 && cost.r <= most_r &&
           cost.p >= 1 && cost.p <= most_p &&
           (std::uint64_t{128} * static_cast<unsigned>(cost.r) << cost.log2_n) <= most_memory;
}

/// Bytes that are zeroed when they die.
class SecretBytes {
  public:
    explicit SecretBytes(std::size_t size) : words_((size + 7) / 8, Secrecy::secret), size_(size) {}

    [[nodiscard]] std::span<std::uint8_t> span() {
        return {reinterpret_cast<std::uint8_t*>(words_.data()), size_};
    }

  private:
    Buffer words_;
    std::size_t size_;
};

/// Writes into memory of a fixed size that someone else owns.
class SpanBuffer : public std::streambuf {
  public:
    explicit SpanBuffer(std::span<std::uint8_t> bytes) {
        char* const begin = reinterpret_cast<char*>(bytes.data());
        setp(begin, begin + bytes.size());
    }
};

SecretBytes derive(const Passphrase& passphrase, const Fixed& fixed, const PassphraseCost& cost) {
    SecretBytes key(sealing_key_bytes);
    derive_sealing_key(passphrase.bytes(), salt_of(fixed), cost.log2_n, cost.r, cost.p, most_memory,
                       key.span());
    return key;
}

/// The record's header as it is stored, which the tag covers, too: the bytes that a writer of nothing but it
/// makes.
std::array<std::uint8_t, record_header_bytes> stored(const RecordHeader& header) {
    std::array<std::uint8_t, record_header_bytes> bytes{};
    SpanBuffer memory(bytes);
    std::ostream stream(&memory);
    RecordWriter writer(stream, header);
    return bytes;
}

/// What the tag covers beside the encrypted key: header and fixed part.
std::array<std::uint8_t, record_header_bytes + fixed_bytes> open_text(const RecordHeader& header,
                                                                      const Fixed& fixed) {
    std::array<std::uint8_t, record_header_bytes + fixed_bytes> bytes{};
    const auto stored_header = stored(header);
    std::copy(fixed.begin(), fixed.end(),
              std::copy(stored_header.begin(), stored_header.end(), bytes.begin()));
    return bytes;
}

RecordHeader header_of(const Ring& ring) {
    return detail::header_for(Kind::protected_secret_key, ring,
                              fixed_bytes + secret_key_bytes(ring) + tag_bytes);
}

SecretKey open_protected(RecordReader& reader, const std::string& name, const Ring& ring,
                         const std::function<Passphrase()>& ask) {
    reader.expect_ring(ring);
    reader.expect_body(header_of(ring).body_bytes);
    Fixed fixed{};
    reader.bytes(fixed, "scheme, cost, salt and nonce");
    const PassphraseCost cost{fixed[1], fixed[2], fixed[3]};
    if (fixed[0] != scheme_scrypt_chacha || !is_allowed(cost) ||
        std::any_of(fixed.begin() + 4, fixed.begin() + 8, [](std::uint8_t byte) { return byte != 0; })) {
        reader.fail("scheme 1 with a cost of at most 2^30 bytes", "another",
                    "install a newer release of the library, or fetch the file again");
    }
    SecretBytes sealed(static_cast<std::size_t>(secret_key_bytes(ring)));
    SealingTag tag{};
    reader.bytes(sealed.span(), "encrypted secret key");
    reader.bytes(tag, "tag");
    reader.finish();  // damage shows before anybody is asked for anything
    const Passphrase passphrase = ask();
    SecretBytes plain(sealed.span().size());
    if (!unseal(derive(passphrase, fixed, cost).span(), nonce_of(fixed), open_text(reader.header(), fixed),
                sealed.span(), tag, plain.span())) {
        throw Error(name +
                    ": expected the passphrase that this secret key was saved under, found another one; "
                    "try again, or make new keys");
    }
    Source record(plain.span(), name);
    SecretKey key = load_secret_key(record, ring);
    record.expect_end();
    return key;
}

}  // namespace

Passphrase::Passphrase(std::string_view text)
    : words_((std::min(text.size(), max_bytes) + 7) / 8, Secrecy::secret), size_(text.size()) {
    if (text.empty() || text.size() > max_bytes) {
        throw Error("passphrase: expected 1 to " + std::to_string(max_bytes) + " bytes, found " +
                    std::to_string(text.size()) + "; choose another one");
    }
    std::memcpy(words_.data(), text.data(), text.size());
}

std::span<const char> Passphrase::bytes() const {
    return {reinterpret_cast<const char*>(words_.data()), size_};
}

bool Passphrase::operator==(const Passphrase& other) const {
    // Padded with zeros to whole words. The time says how many words there are, not where they differ.
    std::uint64_t difference = words_.size() ^ other.words_.size();
    for (std::size_t i = 0; i < std::min(words_.size(), other.words_.size()); ++i) {
        difference |= words_[i] ^ other.words_[i];
    }
    return size_ == other.size_ && difference == 0;
}

void save_protected(std::ostream& stream, const Ring& ring, const SecretKey& key,
                    const Passphrase& passphrase, const PassphraseCost& cost) {
    detail::check(Kind::protected_secret_key, is_allowed(cost),
                  "a cost of at most 2^30 bytes, N, r and p small");
    SecretBytes plain(static_cast<std::size_t>(secret_key_bytes(ring)));
    SpanBuffer memory(plain.span());
    std::ostream record(&memory);
    save(record, ring, key);

    Fixed fixed{scheme_scrypt_chacha, static_cast<std::uint8_t>(cost.log2_n),
                static_cast<std::uint8_t>(cost.r), static_cast<std::uint8_t>(cost.p)};
    const Seed salt = public_seed();
    const Seed nonce = public_seed();
    std::copy_n(salt.begin(), salt_bytes, fixed.begin() + 8);
    std::copy_n(nonce.begin(), nonce_bytes, fixed.begin() + 8 + salt_bytes);

    const RecordHeader header = header_of(ring);
    SecretBytes sealed(plain.span().size());
    const SealingTag tag = seal(derive(passphrase, fixed, cost).span(), nonce_of(fixed),
                                open_text(header, fixed), plain.span(), sealed.span());
    RecordWriter writer(stream, header);
    writer.bytes(fixed);
    writer.bytes(sealed.span());
    writer.bytes(tag);
    writer.finish();
}

SecretKey load_secret_key(Source& source, const Ring& ring, const std::function<Passphrase()>& ask) {
    RecordReader reader(source);
    if (reader.header().kind == Kind::protected_secret_key) {
        return open_protected(reader, source.name(), ring, ask);
    }
    return detail::read_secret_key(reader, ring);
}

}  // namespace lacuna
