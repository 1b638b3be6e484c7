// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/ciphertext_batch.h>

#include <algorithm>
#include <string>

#include <lacuna/he/files/record.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr std::size_t batch_fixed_bytes = 16;
constexpr std::size_t layout_chunk = std::size_t{1} << 16;
constexpr const char* damaged = "fetch or write the data again";

bool is_item(Kind kind) {
    return kind == Kind::ciphertext || kind == Kind::seeded_ciphertext || kind == Kind::reduced_ciphertext;
}

/// Grows with what is there, so that a false length costs no memory where the source does not know its end.
std::vector<std::uint8_t> read_layout(RecordReader& reader, std::size_t size) {
    std::vector<std::uint8_t> layout;
    while (layout.size() < size) {
        const std::size_t old = layout.size();
        layout.resize(std::min(size, old + layout_chunk));
        reader.bytes(std::span(layout).subspan(old), "layout");
    }
    return layout;
}

/// Behind the header.
BatchHead read_head(RecordReader& reader) {
    BatchHead head;
    head.count = static_cast<std::size_t>(
        reader.integer_in(4, 1, max_batch_count, "a number of ciphertexts", damaged));
    head.item = static_cast<Kind>(reader.u8("kind"));
    if (!is_item(head.item)) {
        reader.fail("a kind of ciphertext (8, 9 or 10)", std::to_string(static_cast<int>(head.item)),
                    damaged);
    }
    reader.zeros(7);
    const auto layout_bytes =
        static_cast<std::size_t>(reader.integer_in(4, 0, max_layout_bytes, "a layout's length", damaged));
    reader.expect_body(batch_fixed_bytes + layout_bytes);
    head.layout = read_layout(reader, layout_bytes);
    reader.finish();
    return head;
}

}  // namespace

BatchWriter::BatchWriter(std::ostream& stream, const Ring& ring, Kind item, std::size_t count,
                         std::span<const std::uint8_t> layout)
    : stream_(&stream), ring_(&ring), item_(item), left_(count) {
    if (!is_item(item)) {
        throw Error("batch: expected a kind of ciphertext, found " + std::string(kind_name(item)) +
                    "; only ciphertexts come in batches");
    }
    if (count < 1 || count > max_batch_count) {
        throw Error("batch: expected 1 ... " + std::to_string(max_batch_count) + " ciphertexts, found " +
                    std::to_string(count) + "; split it");
    }
    if (layout.size() > max_layout_bytes) {
        throw Error("batch: expected a layout of at most " + std::to_string(max_layout_bytes) +
                    " bytes, found " + std::to_string(layout.size()) + "; split the batch");
    }
    RecordWriter writer(stream,
                        {Kind::batch, file_format_version, batch_fixed_bytes + layout.size(), ring.hash(),
                         static_cast<std::uint32_t>(ring.n())},
                        &chain_);
    writer.u32(static_cast<std::uint32_t>(count));
    writer.u8(static_cast<std::uint8_t>(item));
    writer.zeros(7);
    writer.u32(static_cast<std::uint32_t>(layout.size()));
    writer.bytes(layout);
    writer.finish();
}

template <typename Item>
void BatchWriter::write_item(Kind kind, const Item& item) {
    if (kind != item_) {
        throw Error("batch: expected a " + std::string(kind_name(item_)) + ", found a " + kind_name(kind) +
                    "; one batch holds one kind");
    }
    if (left_ == 0) {
        throw Error("batch: expected no more ciphertexts, found one; the head promised fewer");
    }
    save(*stream_, *ring_, item, &chain_);
    --left_;
}

template void BatchWriter::write_item(Kind, const Ciphertext&);
template void BatchWriter::write_item(Kind, const SeededCiphertext&);
template void BatchWriter::write_item(Kind, const ReducedCiphertext&);

void BatchWriter::finish() const {
    if (left_ != 0) {
        throw Error("batch: expected " + std::to_string(left_) +
                    " more ciphertexts, found the end; the head promised more");
    }
}

BatchHead read_batch_head(Source& source) {
    RecordReader reader(source);
    reader.expect_kind(Kind::batch);
    return read_head(reader);
}

BatchReader::BatchReader(Source& source, Context context) : source_(&source), context_(std::move(context)) {
    RecordReader reader(source, &chain_);
    reader.expect_kind(Kind::batch);
    reader.expect_ring(context_.ring());
    head_ = read_head(reader);
    left_ = head_.count;
}

Ciphertext BatchReader::next() {
    take(head_.item);
    switch (head_.item) {
        case Kind::seeded_ciphertext:
            return expand(context_.ring(), load_seeded_ciphertext(*source_, context_, &chain_));
        case Kind::reduced_ciphertext:
            return restore(context_.ring(), load_reduced_ciphertext(*source_, context_, &chain_));
        default:
            return load_full_ciphertext(*source_, context_, &chain_);
    }
}

SeededCiphertext BatchReader::next_seeded() {
    take(Kind::seeded_ciphertext);
    return load_seeded_ciphertext(*source_, context_, &chain_);
}

ReducedCiphertext BatchReader::next_reduced() {
    take(Kind::reduced_ciphertext);
    return load_reduced_ciphertext(*source_, context_, &chain_);
}

void BatchReader::finish() {
    finish_here();
    source_->expect_end();
}

void BatchReader::finish_here() const {
    if (left_ != 0) {
        source_->fail(source_->offset(), "that all ciphertexts are read", std::to_string(left_) + " left",
                      "read the whole batch");
    }
}

void BatchReader::take(Kind kind) {
    if (kind != head_.item) {
        source_->fail(source_->offset(), std::string("a batch of kind ") + kind_name(kind),
                      kind_name(head_.item), "give a batch of that kind");
    }
    if (left_ == 0) {
        source_->fail(source_->offset(),
                      "a batch of more than " + std::to_string(head_.count) + " ciphertexts", "its end",
                      "read as many as it has");
    }
    --left_;
}

std::uint64_t batch_bytes(std::size_t count, std::uint64_t item_bytes, std::size_t layout_bytes) {
    return record_overhead_bytes + batch_fixed_bytes + layout_bytes + count * item_bytes;
}

}  // namespace lacuna
