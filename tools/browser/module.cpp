// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/client.h>
#include <lacuna/ntt/error.h>

// What the WebAssembly module offers to client.mjs: plain functions over its memory. Bytes go in by pointer
// and length, in memory from lacuna_allocate() that the caller gives back with lacuna_free(). A function that
// makes bytes leaves them as the one result; one that fails returns 0 and leaves the error's text there.

#define LACUNA_OFFERED extern "C" __attribute__((used, visibility("default")))

namespace lacuna::browser {
namespace {

std::vector<std::uint8_t> result;

using Bytes = std::span<const std::uint8_t>;

std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void set_result(std::string_view text) {
    result.assign(text.begin(), text.end());
}

/// Overwrites what was there: it may have been a secret key.
void forget_result() {
    detail::cleanse(result.data(), result.size());
    result.clear();
}

template <typename Work>
int guarded(const Work& work) {
    forget_result();
    try {
        work();
        return 1;
    } catch (const std::bad_alloc&) {
        set_result("expected more memory than the browser gives; close other pages, or use `lacuna remote`");
    } catch (const std::exception& problem) {
        set_result(problem.what());
    }
    return 0;
}

KeySetId key_set_of(Bytes text) {
    const std::optional<KeySetId> id = parse_digest(text_of(text));
    if (!id) {
        throw Error("key set: expected 32 hexadecimal digits, found something else; give what keySet() said");
    }
    return *id;
}

/// The passphrase of a key under one; empty: none.
Passphrase passphrase_of(Bytes text) {
    if (text.empty()) {
        throw Error("secret key: it is under a passphrase; give that");
    }
    return Passphrase(text_of(text));
}

std::unique_ptr<Client> opened(const ClientPlan& plan, Bytes record, Bytes passphrase) {
    const Context context(plan.parameters);
    Source source(record, "secret key");
    SecretKey secret = load_secret_key(source, context.ring(), [&] { return passphrase_of(passphrase); });
    source.expect_end();
    return std::make_unique<Client>(plan, std::move(secret));
}

/// Writes into the result.
template <typename Write>
void write_result(const Write& write) {
    ByteStream stream;
    write(stream);
    result = stream.take();
}

}  // namespace

LACUNA_OFFERED void* lacuna_allocate(std::size_t size) {
    return std::malloc(size);
}

/// Wipes first: passphrases, pixels and secret keys pass here.
LACUNA_OFFERED void lacuna_free(void* memory, std::size_t size) {
    if (memory != nullptr) {
        detail::cleanse(memory, size);
        std::free(memory);
    }
}

LACUNA_OFFERED const std::uint8_t* lacuna_result() {
    return result.data();
}
LACUNA_OFFERED std::size_t lacuna_result_size() {
    return result.size();
}
LACUNA_OFFERED void lacuna_forget_result() {
    forget_result();
}

/// A client of a plan (JSON) with a new secret key.
LACUNA_OFFERED Client* lacuna_new_client(const std::uint8_t* plan, std::size_t plan_size) {
    std::unique_ptr<Client> client;
    guarded([&] {
        client = std::make_unique<Client>(parse_client_plan(text_of({plan, plan_size}), "plan"));
    });
    return client.release();
}

/// One with the secret key of a record. passphrase_size 0: none was given.
LACUNA_OFFERED Client* lacuna_open_client(const std::uint8_t* plan, std::size_t plan_size,
                                          const std::uint8_t* record, std::size_t record_size,
                                          const std::uint8_t* passphrase, std::size_t passphrase_size) {
    std::unique_ptr<Client> client;
    guarded([&] {
        client = opened(parse_client_plan(text_of({plan, plan_size}), "plan"), {record, record_size},
                        {passphrase, passphrase_size});
    });
    return client.release();
}

LACUNA_OFFERED void lacuna_close_client(Client* client) {
    delete client;
    release_cached_storage();
}

/// The plan's name, as requests and replies have it.
LACUNA_OFFERED int lacuna_plan_id(const Client* client) {
    return guarded([&] { set_result(plan_id(client->plan())); });
}

/// secret.key: as it is, or under a passphrase.
LACUNA_OFFERED int lacuna_secret_key(const Client* client, const std::uint8_t* passphrase,
                                     std::size_t passphrase_size) {
    return guarded([&] {
        const Ring& ring = client->context().ring();
        write_result([&](std::ostream& stream) {
            if (passphrase_size == 0) {
                save(stream, ring, client->secret_key());
            } else {
                save_protected(stream, ring, client->secret_key(),
                               Passphrase(text_of({passphrase, passphrase_size})));
            }
        });
    });
}

/// public.key, a new one.
LACUNA_OFFERED int lacuna_public_key(const Client* client) {
    return guarded([&] {
        write_result(
            [&](std::ostream& stream) { save(stream, client->context().ring(), client->public_key()); });
    });
}

/// evaluation.keys, new ones: what the server needs, and nothing secret.
LACUNA_OFFERED int lacuna_evaluation_keys(const Client* client) {
    return guarded([&] {
        write_result(
            [&](std::ostream& stream) { save(stream, client->context().ring(), client->evaluation_keys()); });
    });
}

/// The name of such keys.
LACUNA_OFFERED int lacuna_key_set(const std::uint8_t* keys, std::size_t size) {
    return guarded([&] { set_result(format_hash(read_key_set_id(Bytes(keys, size)))); });
}

/// An upload for a key set. pixels: one byte each, of one image after the other.
LACUNA_OFFERED int lacuna_encrypt(const Client* client, const std::uint8_t* key_set, std::size_t key_set_size,
                                  const std::uint8_t* pixels, std::size_t size) {
    return guarded([&] {
        const KeySetId id = key_set_of({key_set, key_set_size});
        write_result([&](std::ostream& stream) {
            save_upload(stream, client->context().ring(), client->plan(), id,
                        client->encrypt({pixels, size}));
        });
    });
}

/// A reply's logits: JSON, for every image a list of whole numbers of any length, as text.
LACUNA_OFFERED int lacuna_decrypt(const Client* client, const std::uint8_t* key_set, std::size_t key_set_size,
                                  const std::uint8_t* reply, std::size_t size) {
    return guarded([&] {
        const KeySetId id = key_set_of({key_set, key_set_size});
        Source source(Bytes(reply, size), "reply");
        const EncryptedTensor tensor = load_reply(source, client->context(), client->plan(), id);
        source.expect_end();
        nlohmann::json images = nlohmann::json::array();
        for (const std::vector<mpz_class>& logits : client->decrypt(tensor)) {
            nlohmann::json image = nlohmann::json::array();
            for (const mpz_class& logit : logits) {
                image.push_back(logit.get_str());
            }
            images.push_back(std::move(image));
        }
        set_result(images.dump());
    });
}

}  // namespace lacuna::browser
