// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/tensor_file.h>

#include <algorithm>
#include <fstream>
#include <span>
#include <string_view>
#include <utility>

#include <lacuna/he/files/checksum.h>
#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/he/files/record.h>
#include <lacuna/nn/client/reply.h>
#include <lacuna/nn/client/upload_masks.h>
#include <lacuna/nn/model/strict_json.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

namespace {

using namespace strict_json;

constexpr int version = 1;
constexpr const char* upload_format = "lacuna-upload";
constexpr const char* reply_format = "lacuna-reply";
const char* const documentation = "see nn/client/tensor_format.md";

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view text_of(const BatchHead& head) {
    return {reinterpret_cast<const char*>(head.layout.data()), head.layout.size()};
}

KeySetId parse_key_set(const json& value, const FieldPath& place) {
    const std::string text = text_of(value, place);
    const std::optional<KeySetId> id = parse_digest(text);
    if (!id) {
        fail(place, std::to_string(2 * sizeof(KeySetId)) + " hexadecimal digits", describe(value),
             documentation);
    }
    return *id;
}

/// The layout of a batch as JSON, its format and version checked.
json parse_layout(const BatchHead& head, const FieldPath& root, const char* what, const char* format) {
    json document = parse_document(text_of(head), root, plan_document);
    check_format(document, root, what, format, {version},
                 std::string("give the file that belongs here; ") + documentation,
                 "use the same release on both sides, or write the file again");
    check_object(document, root, {"format", "version", "plan", "key_set", "images"});
    return document;
}

std::string layout_text(const char* format, json plan, const KeySetId& keys, std::size_t images) {
    return json{{"format", format},
                {"version", version},
                {"plan", std::move(plan)},
                {"key_set", format_hash(keys)},
                {"images", images}}
        .dump();
}

UploadHead parse_upload_head(const Source& source, const BatchHead& head) {
    const std::string name = source.name() + ": layout";
    const FieldPath root(name, documentation);
    const json document = parse_layout(head, root, "an upload", upload_format);
    UploadHead upload;
    upload.plan = parse_client_plan(member(document, root, "plan").dump(), source.name() + ": plan");
    upload.keys = parse_key_set(member(document, root, "key_set"), FieldPath(root, "key_set"));
    upload.images = count(member(document, root, "images"), FieldPath(root, "images"), 1, upload.plan.batch);
    return upload;
}

ReplyHead parse_reply_head(const Source& source, const BatchHead& head) {
    const std::string name = source.name() + ": layout";
    const FieldPath root(name, documentation);
    const json document = parse_layout(head, root, "a reply", reply_format);
    ReplyHead reply;
    reply.plan = text_of(member(document, root, "plan"), FieldPath(root, "plan"));
    reply.keys = parse_key_set(member(document, root, "key_set"), FieldPath(root, "key_set"));
    reply.images = count(member(document, root, "images"), FieldPath(root, "images"), 1, max_ntt_size);
    return reply;
}

void check_count(const Source& source, const BatchReader& reader, Kind item, std::size_t expected) {
    if (reader.item() != item || reader.count() != expected) {
        throw Error(source.name() + ": expected " + std::to_string(expected) + " of kind " + kind_name(item) +
                    " for this plan, found " + std::to_string(reader.count()) + " of kind " +
                    kind_name(reader.item()) + "; the file is damaged or of another release");
    }
}

/// t and level of a ciphertext are what the plan says.
void check_place(const Source& source, const PlainModulus& t, std::size_t limbs,
                 const PlainModulus& expected_t, std::size_t expected_limbs) {
    if (t != expected_t || limbs != expected_limbs) {
        throw Error(source.name() + ": expected a ciphertext modulo t = " + to_string(expected_t) + " with " +
                    std::to_string(expected_limbs) + " limbs, found t = " + to_string(t) + " with " +
                    std::to_string(limbs) + "; the file does not fit its plan");
    }
}

Kind reply_kind(const ClientPlan& plan) {
    return plan.reduces_replies() ? Kind::reduced_ciphertext : Kind::ciphertext;
}

}  // namespace

KeySetId read_key_set_id(const std::filesystem::path& evaluation_keys) {
    KeySetId id{};
    {
        Source source(evaluation_keys);
        RecordReader(source).expect_kind(Kind::evaluation_keys);
    }
    std::ifstream stream(evaluation_keys, std::ios::binary);
    stream.seekg(-static_cast<std::streamoff>(id.size()), std::ios::end);
    if (!stream.read(reinterpret_cast<char*>(id.data()), static_cast<std::streamsize>(id.size()))) {
        throw Error(evaluation_keys.string() + ": cannot read its last " + std::to_string(id.size()) +
                    " bytes");
    }
    return id;
}

KeySetId read_key_set_id(std::span<const std::uint8_t> evaluation_keys) {
    Source source(evaluation_keys, "evaluation keys");
    RecordReader reader(source);
    reader.expect_kind(Kind::evaluation_keys);
    reader.expect_body(evaluation_keys.size() - std::min(evaluation_keys.size(), record_overhead_bytes));
    KeySetId id{};
    std::copy(evaluation_keys.end() - static_cast<std::ptrdiff_t>(id.size()), evaluation_keys.end(),
              id.begin());
    return id;
}

std::string plan_id(const ClientPlan& plan) {
    Checksum checksum;
    checksum.update(bytes_of(format_client_plan(plan)));
    return format_hash(checksum.value());
}

UploadHead read_upload_head(Source& source) {
    return parse_upload_head(source, read_batch_head(source));
}

std::variant<UploadHead, ReplyHead> read_tensor_head(Source& source) {
    const BatchHead head = read_batch_head(source);
    const std::string name = source.name() + ": layout";
    const json document = parse_document(text_of(head), FieldPath(name, documentation), plan_document);
    if (document.is_object() && document.contains("format") && document["format"] == reply_format) {
        return parse_reply_head(source, head);
    }
    return parse_upload_head(source, head);
}

void save_upload(std::ostream& stream, const Ring& ring, const ClientPlan& plan, const KeySetId& keys,
                 const Upload& upload, const RunControl& control) {
    const Kind item =
        std::holds_alternative<SeededTensor>(upload) ? Kind::seeded_ciphertext : Kind::ciphertext;
    std::visit(
        [&](const auto& tensor) {
            const std::string layout =
                layout_text(upload_format, json::parse(format_client_plan(plan)), keys, tensor.layout.batch);
            const std::size_t total = tensor.layout.ciphertexts() * tensor.residues.size();
            BatchWriter writer(stream, ring, item, total, bytes_of(layout));
            std::size_t done = 0;
            for (const auto& residues : tensor.residues) {
                for (const auto& ciphertext : residues) {
                    control.check();
                    writer.write(ciphertext);
                    control.report("write", static_cast<double>(++done), static_cast<double>(total));
                }
            }
            writer.finish();
        },
        upload);
}

namespace {

/// keys: null for any key set's.
Upload load_upload_of(Source& source, const Context& context, const ClientPlan& plan, const KeySetId* keys,
                      const RunControl& control) {
    BatchReader reader(source, context);
    const UploadHead head = parse_upload_head(source, {reader.item(), reader.count(), reader.layout()});
    if (head.plan != plan) {
        throw Error(source.name() + ": expected an upload for plan " + plan_id(plan) + ", found one for " +
                    plan_id(head.plan) + "; encrypt for this plan");
    }
    if (keys != nullptr && head.keys != *keys) {
        throw Error(source.name() + ": expected an upload for the key set " + format_hash(*keys) +
                    ", found one for " + format_hash(head.keys) + "; encrypt with the keys given");
    }
    const auto load = [&](auto tensor, const auto& next, const auto& limbs) -> Upload {
        tensor.layout = plan.input_layout(head.images);
        UploadMasks masks(source.name());
        const std::size_t each = tensor.layout.ciphertexts();
        for (const PlainModulus& t : plan.plain_moduli()) {
            auto& residues = tensor.residues.emplace_back();
            while (residues.size() < each) {
                control.check();
                residues.push_back(next());
                check_place(source, residues.back().t, limbs(residues.back()), t, context.ring().max_limbs());
                masks.add(residues.back());
                control.report("read", static_cast<double>(reader.count() - reader.left()),
                               static_cast<double>(reader.count()));
            }
        }
        reader.finish_here();
        return tensor;
    };
    const bool full = plan.public_encryption && reader.item() == Kind::ciphertext;
    check_count(source, reader, full ? Kind::ciphertext : Kind::seeded_ciphertext,
                plan.input_layout(head.images).ciphertexts() * context.plain_count());
    if (full) {
        return load(
            EncryptedTensor{}, [&] { return reader.next(); }, [](const Ciphertext& c) { return c.limbs(); });
    }
    return load(
        SeededTensor{}, [&] { return reader.next_seeded(); },
        [](const SeededCiphertext& c) { return c.c0.limbs(); });
}

}  // namespace

Upload load_upload(Source& source, const Context& context, const ClientPlan& plan,
                   const RunControl& control) {
    Upload upload = load_upload_of(source, context, plan, nullptr, control);
    source.expect_end();
    return upload;
}

Upload load_next_upload(Source& source, const Context& context, const ClientPlan& plan, const KeySetId& keys,
                        const RunControl& control) {
    return load_upload_of(source, context, plan, &keys, control);
}

void save_reply(std::ostream& stream, const Ring& ring, const ClientPlan& plan, const KeySetId& keys,
                const EncryptedTensor& tensor) {
    const std::string layout = layout_text(reply_format, plan_id(plan), keys, tensor.layout.batch);
    BatchWriter writer(stream, ring, reply_kind(plan), tensor.layout.ciphertexts() * tensor.residues.size(),
                       bytes_of(layout));
    for (const auto& residues : tensor.residues) {
        for (const Ciphertext& ciphertext : residues) {
            if (plan.reduces_replies()) {
                writer.write(reduce(ring, ciphertext, reply_reduction(ring, plan)));
            } else {
                writer.write(ciphertext);
            }
        }
    }
    writer.finish();
}

EncryptedTensor load_reply(Source& source, const Context& context, const ClientPlan& plan,
                           const KeySetId& keys) {
    EncryptedTensor tensor = load_next_reply(source, context, plan, keys);
    source.expect_end();
    return tensor;
}

EncryptedTensor load_next_reply(Source& source, const Context& context, const ClientPlan& plan,
                                const KeySetId& keys) {
    BatchReader reader(source, context);
    const ReplyHead head = parse_reply_head(source, {reader.item(), reader.count(), reader.layout()});
    if (head.keys != keys) {
        throw Error(source.name() + ": expected a reply for key set " + format_hash(keys) +
                    ", found one for " + format_hash(head.keys) +
                    "; decrypt it with the keys that encrypted the upload");
    }
    if (head.plan != plan_id(plan)) {
        throw Error(source.name() + ": expected a reply for plan " + plan_id(plan) + ", found one for " +
                    head.plan + "; decrypt it with the plan that the upload was encrypted for");
    }
    EncryptedTensor tensor;
    tensor.layout = plan.reply_layout(head.images);
    const std::size_t each = tensor.layout.ciphertexts();
    check_count(source, reader, reply_kind(plan), each * context.plain_count());
    for (const PlainModulus& t : plan.plain_moduli()) {
        auto& residues = tensor.residues.emplace_back();
        while (residues.size() < each) {
            residues.push_back(reader.next());
            check_place(source, residues.back().t, residues.back().limbs(), t, plan.reply_limbs);
        }
    }
    reader.finish_here();
    return tensor;
}

}  // namespace lacuna
