// SPDX-License-Identifier: Apache-2.0
#include "tools/service/key_store.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lacuna/he/files/output_file.h>
#include <lacuna/he/files/record.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/files/temporary_files.h>

namespace lacuna::service {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".keys";
constexpr const char* body_name = "body";

/// HASH.keys, and nothing else that somebody may have put there.
bool is_key_file(std::string_view name) {
    return name.size() == 2 * KeySetId().size() + suffix.size() && name.ends_with(suffix) &&
           name.find_first_not_of("0123456789abcdef") == name.size() - suffix.size();
}

/// The name that OutputFile gives to a key set that is not complete: ".HASH.keys.<digits>.tmp".
bool is_unfinished(std::string_view name) {
    const std::size_t length = 2 * KeySetId().size() + suffix.size();
    return name.size() > length + 1 && is_key_file(name.substr(1, length)) &&
           is_temporary_of(name, name.substr(1, length));
}

struct Stored {
    fs::path file;
    std::uint64_t bytes = 0;
    fs::file_time_type used;
};

/// Another server may remove any of them meanwhile.
std::vector<Stored> stored_in(const fs::path& folder) {
    std::vector<Stored> files;
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator(folder, problem)) {
        if (!is_key_file(entry.path().filename().string())) {
            continue;
        }
        std::error_code gone;
        Stored stored{entry.path(), entry.file_size(gone), {}};
        if (!gone) {
            stored.used = entry.last_write_time(gone);
        }
        if (!gone) {
            files.push_back(std::move(stored));
        }
    }
    return files;
}

[[noreturn]] void refuse_keys(const std::string& reason) {
    throw RequestError(400, "keys_damaged", reason);
}

}  // namespace

KeyStore::KeyStore(fs::path folder, std::uint64_t limit) : folder_(std::move(folder)), limit_(limit) {
    std::error_code problem;
    fs::create_directories(folder_, problem);
    if (problem || !fs::is_directory(folder_)) {
        throw Error(folder_.string() + ": expected a folder for clients' evaluation keys, cannot create it" +
                    (problem ? ": " + problem.message() : "") + "; choose another with --store");
    }
    fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::replace, problem);
    sweep_temporaries(folder_, is_unfinished, [](std::string_view) { return false; });
}

fs::path KeyStore::file_of(const KeySetId& id) const {
    return folder_ / format_hash(id).append(suffix);
}

bool KeyStore::touch(const KeySetId& id) const {
    std::error_code missing;
    fs::last_write_time(file_of(id), fs::file_time_type::clock::now(), missing);
    return !missing;
}

std::optional<std::uint64_t> KeyStore::size(const KeySetId& id) const {
    std::error_code missing;
    const std::uint64_t bytes = fs::file_size(file_of(id), missing);
    return missing ? std::nullopt : std::optional(bytes);
}

void KeyStore::put(const KeySetId& id, std::span<const std::uint8_t> record) {
    if (record.size() > limit_) {
        throw RequestError(413, "too_large",
                           "key set " + format_hash(id) + ": expected at most " + std::to_string(limit_) +
                               " bytes, found " + std::to_string(record.size()) +
                               "; ask the operator for a larger store");
    }
    const std::lock_guard lock(writing_);
    if (touch(id)) {
        return;
    }
    make_room(record.size());
    write_file(file_of(id), Access::owner, Overwrite::allow, [&](std::ostream& stream) {
        stream.write(reinterpret_cast<const char*>(record.data()),
                     static_cast<std::streamsize>(record.size()));
    });
}

void KeyStore::make_room(std::uint64_t bytes) {
    std::vector<Stored> files = stored_in(folder_);
    std::ranges::sort(files, {}, &Stored::used);
    std::uint64_t held = 0;
    for (const Stored& file : files) {
        held += file.bytes;
    }
    for (const Stored& file : files) {
        if (held + bytes <= limit_) {
            return;
        }
        std::error_code gone;
        fs::remove(file.file, gone);
        held -= file.bytes;
    }
}

EvaluationKeys KeyStore::load(const KeySetId& id, const Ring& ring) const {
    if (!touch(id)) {
        throw unknown_keys(id);
    }
    try {
        return load_evaluation_keys(file_of(id), ring);
    } catch (const Error&) {
        if (!size(id)) {
            throw unknown_keys(id);  // made room for others in this very moment
        }
        throw;
    }
}

KeyStore::Content KeyStore::content() const {
    Content content;
    for (const Stored& file : stored_in(folder_)) {
        ++content.key_sets;
        content.bytes += file.bytes;
    }
    return content;
}

RequestError unknown_keys(const KeySetId& id) {
    return RequestError(
        404, "keys_unknown",
        "key set " + format_hash(id) +
            ": expected its evaluation keys here, found none of that name (those not used for long "
            "make room for others); send them with PUT /v1/keys/" +
            format_hash(id));
}

void refuse_secrets(std::span<const std::uint8_t> bytes) {
    if (bytes.size() < record_header_bytes) {
        return;
    }
    Kind kind{};
    try {
        Source source(bytes, body_name);
        kind = RecordReader(source).header().kind;
    } catch (const Error&) {
        return;  // whatever it is, whoever loads it says so
    }
    if (kind == Kind::secret_key || kind == Kind::protected_secret_key) {
        throw RequestError(
            400, "secret_key",
            "body: expected nothing secret, found a secret key; it has not been stored, but it has "
            "travelled: make new keys with `lacuna keygen`, and send evaluation.keys alone");
    }
}

RingHash ring_of_keys(std::span<const std::uint8_t> record) {
    refuse_secrets(record);
    try {
        Source source(record, body_name);
        const RecordReader reader(source);
        reader.expect_kind(Kind::evaluation_keys);
        return reader.header().ring;
    } catch (const Error& problem) {
        refuse_keys(problem.what());
    }
}

EvaluationKeys parse_keys(const KeySetId& id, std::span<const std::uint8_t> record, const Ring& ring) {
    refuse_secrets(record);
    KeySetId found{};
    if (record.size() >= record_overhead_bytes) {
        std::memcpy(found.data(), record.data() + record.size() - found.size(), found.size());
    }
    if (found != id) {
        refuse_keys("body: expected the evaluation keys with the checksum " + format_hash(id) +
                    ", found others or a part of them; send the whole file under its own name");
    }
    try {
        Source source(record, body_name);
        EvaluationKeys keys = load_evaluation_keys(source, ring);
        source.expect_end();
        return keys;
    } catch (const Error& problem) {
        refuse_keys(problem.what());
    }
}

}  // namespace lacuna::service
