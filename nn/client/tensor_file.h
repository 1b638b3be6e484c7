// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <span>
#include <string>
#include <variant>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/source.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/run_control.h>

namespace lacuna {

// What client and server send each other: a batch of ciphertexts (he/files/file_format.md) whose layout is a
// JSON object that says which keys, plan and images it belongs to (nn/client/tensor_format.md). Loading
// trusts nothing, as he/files/serialize.h says, and throws one Error that names source, place, expected,
// found and what to do.

/// Names a key set: the checksum at the end of its evaluation keys' record. There is a key of this client's
/// secret in it always (ClientPlan::sends_public_key), so no two clients share one.
using KeySetId = Digest;

/// Reads it off a file of evaluation keys, without loading them. Throws Error where that is none.
[[nodiscard]] KeySetId read_key_set_id(const std::filesystem::path& evaluation_keys);
/// The same off such a file's bytes.
[[nodiscard]] KeySetId read_key_set_id(std::span<const std::uint8_t> evaluation_keys);

/// Names a client's half of a plan: the checksum of its file.
[[nodiscard]] std::string plan_id(const ClientPlan& plan);

/// What an upload says of itself.
struct UploadHead {
    ClientPlan plan;
    KeySetId keys{};
    std::size_t images = 0;
};

/// What a reply says of itself.
struct ReplyHead {
    std::string plan;  ///< plan_id()
    KeySetId keys{};
    std::size_t images = 0;
};

[[nodiscard]] UploadHead read_upload_head(Source& source);
/// Of either, for whoever wants to know which it is.
[[nodiscard]] std::variant<UploadHead, ReplyHead> read_tensor_head(Source& source);

/// Encrypted images: seeded ciphertexts, or full ones where the public key made them.
using Upload = std::variant<SeededTensor, EncryptedTensor>;

/// Throws Stopped where control says so.
void save_upload(std::ostream& stream, const Ring& ring, const ClientPlan& plan, const KeySetId& keys,
                 const Upload& upload, const RunControl& control = {});
/// The whole upload. Throws Error where its head has another plan than this one, or two ciphertexts share
/// their randomness (UploadMasks).
[[nodiscard]] Upload load_upload(Source& source, const Context& context, const ClientPlan& plan,
                                 const RunControl& control = {});
/// The next of several uploads of one key set that follow each other: reading stops behind it.
[[nodiscard]] Upload load_next_upload(Source& source, const Context& context, const ClientPlan& plan,
                                      const KeySetId& keys, const RunControl& control = {});

/// A reply, as small as the plan lets it be (nn/client/reply.h).
void save_reply(std::ostream& stream, const Ring& ring, const ClientPlan& plan, const KeySetId& keys,
                const EncryptedTensor& tensor);
/// Throws Error where the reply answers another plan or another key set's upload.
[[nodiscard]] EncryptedTensor load_reply(Source& source, const Context& context, const ClientPlan& plan,
                                         const KeySetId& keys);
/// The next of several replies that follow each other: reading stops behind it.
[[nodiscard]] EncryptedTensor load_next_reply(Source& source, const Context& context, const ClientPlan& plan,
                                              const KeySetId& keys);

}  // namespace lacuna
