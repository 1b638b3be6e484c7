// SPDX-License-Identifier: Apache-2.0
#include "tools/npy.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

#include <lacuna/he/files/source.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie in the file");

constexpr std::size_t longest_header = std::size_t{1} << 16;
constexpr std::size_t most_dimensions = 32;  // NumPy's own bound
constexpr double largest_label = 1 << 20;    // no network has more logits
const char* const how_to_save = "save it with numpy.save(file, numpy.ascontiguousarray(array.astype('<f4')))";

/// The header's dictionary, as NumPy writes it: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderText {
  public:
    HeaderText(Source& source, std::string_view text) : source_(&source), text_(text) {}

    void expect(char c) {
        if (!accept(c)) {
            fail(std::string("'") + c + "'");
        }
    }
    bool accept(char c) {
        skip_blanks();
        const bool there = at_ < text_.size() && text_[at_] == c;
        at_ += there ? 1 : 0;
        return there;
    }
    std::string_view quoted() {
        skip_blanks();
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        const std::size_t end =
            quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : std::string_view::npos;
        if (end == std::string_view::npos) {
            fail("a text in quotes");
        }
        const std::string_view text = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return text;
    }
    bool boolean() {
        for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {"False", false}}) {
            skip_blanks();
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return value;
            }
        }
        fail("True or False");
    }
    std::size_t number() {
        skip_blanks();
        std::uint64_t value = 0;
        const char* begin = text_.data() + at_;
        const auto [end, problem] = std::from_chars(begin, text_.data() + text_.size(), value);
        if (problem != std::errc() || value > std::uint64_t{1} << 48) {
            fail("a dimension");
        }
        at_ += static_cast<std::size_t>(end - begin);
        return value;
    }
    void expect_end() {
        skip_blanks();
        if (at_ != text_.size()) {
            fail("the end of the header");
        }
    }
    [[noreturn]] void fail(const std::string& expected) const {
        source_->fail(source_->offset() - text_.size() + at_, expected + " in the header",
                      at_ >= text_.size() ? "its end" : "something else", how_to_save);
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) {
            ++at_;
        }
    }

    Source* source_;
    std::string_view text_;
    std::size_t at_ = 0;
};

/// A file whose header has been read; values follow.
class Array {
  public:
    explicit Array(const std::filesystem::path& file) : source_(file) { read_header(); }

    [[nodiscard]] const std::string& name() const { return source_.name(); }
    [[nodiscard]] const std::vector<std::size_t>& shape() const { return shape_; }
    [[nodiscard]] bool is_float() const { return kind_ == 'f'; }
    [[nodiscard]] bool is_byte() const { return kind_ == 'u' && bytes_ == 1; }

    /// The bytes of the next `count` values.
    void read(std::size_t count, std::size_t row, std::vector<std::uint8_t>& bytes) {
        bytes.resize(count * bytes_);
        const std::uint64_t offset = source_.offset();
        const std::size_t found = source_.read_some(bytes);
        if (found != bytes.size()) {
            source_.fail(offset, std::to_string(bytes.size()) + " bytes of row " + std::to_string(row),
                         std::to_string(found), "the file is cut off; save it again");
        }
    }
    [[nodiscard]] double value(const std::vector<std::uint8_t>& bytes, std::size_t i) const {
        const std::uint8_t* at = bytes.data() + i * bytes_;
        const bool sign = kind_ == 'i';
        switch (bytes_) {
            case 1:
                return sign ? as<std::int8_t>(at) : as<std::uint8_t>(at);
            case 2:
                return sign ? as<std::int16_t>(at) : as<std::uint16_t>(at);
            case 4:
                return is_float() ? as<float>(at) : sign ? as<std::int32_t>(at) : as<std::uint32_t>(at);
            default:
                return is_float() ? as<double>(at) : sign ? as<std::int64_t>(at) : as<std::uint64_t>(at);
        }
    }
    void expect_end() { source_.expect_end(); }

  private:
    template <typename Number>
    static double as(const std::uint8_t* bytes) {
        Number number;
        std::memcpy(&number, bytes, sizeof number);
        return static_cast<double>(number);
    }

    void read_header() {
        constexpr std::string_view magic("\x93NUMPY", 6);
        std::array<std::uint8_t, 8> head{};
        if (source_.read_some(head) != head.size() ||
            std::memcmp(head.data(), magic.data(), magic.size()) != 0) {
            source_.fail(0, "a NumPy array (*.npy)", "something else", how_to_save);
        }
        const unsigned version = head[6];
        if (version < 1 || version > 3 || head[7] != 0) {
            source_.fail(6, "version 1.0, 2.0 or 3.0 of the format",
                         std::to_string(version) + "." + std::to_string(head[7]), how_to_save);
        }
        std::array<std::uint8_t, 4> length{};
        source_.read(std::span(length).first(version == 1 ? 2 : 4), "the header's length");
        const std::size_t size = length[0] | std::size_t{length[1]} << 8 | std::size_t{length[2]} << 16 |
                                 std::size_t{length[3]} << 24;
        if (size > longest_header) {
            source_.fail(8, "a header of at most " + std::to_string(longest_header) + " bytes",
                         std::to_string(size), how_to_save);
        }
        std::string text(size, '\0');
        source_.read(std::span(reinterpret_cast<std::uint8_t*>(text.data()), size), "the header");
        parse(text);
    }

    void parse(const std::string& text) {
        HeaderText header(source_, text);
        unsigned known = 0;
        header.expect('{');
        while (!header.accept('}')) {
            const std::string_view key = header.quoted();
            header.expect(':');
            if (key == "descr") {
                known |= 1;
                set_type(header);
            } else if (key == "fortran_order") {
                known |= 2;
                fortran_ = header.boolean();
            } else if (key == "shape") {
                known |= 4;
                header.expect('(');
                shape_.clear();
                while (!header.accept(')')) {
                    if (shape_.size() == most_dimensions) {
                        header.fail("at most " + std::to_string(most_dimensions) + " dimensions");
                    }
                    shape_.push_back(header.number());
                    if (!header.accept(',')) {
                        header.expect(')');
                        break;
                    }
                }
            } else {
                header.fail("descr, fortran_order and shape");
            }
            if (!header.accept(',')) {
                header.expect('}');
                break;
            }
        }
        header.expect_end();
        if (known != 7) {
            header.fail("descr, fortran_order and shape");
        }
        if (fortran_ && shape_.size() > 1) {
            throw Error(name() + ": expected C order (rows one after another), found Fortran order; " +
                        how_to_save);
        }
    }

    void set_type(HeaderText& header) {
        const auto refuse = [&](const std::string& found) {
            throw Error(name() + ": expected uint8, integers, float32 or float64, little-endian, found " +
                        found + "; " + how_to_save);
        };
        if (header.accept('[')) {
            refuse("a structure");
        }
        const std::string_view type = header.quoted();
        const std::string quoted = std::string("'").append(type.substr(0, 20)).append("'");
        if (type.size() < 2) {
            refuse("type " + quoted);
        }
        kind_ = type[1];
        bytes_ = 0;
        (void)std::from_chars(type.data() + 2, type.data() + type.size(), bytes_);
        const bool whole =
            (kind_ == 'i' || kind_ == 'u') && (bytes_ == 1 || bytes_ == 2 || bytes_ == 4 || bytes_ == 8);
        if (!whole && !(kind_ == 'f' && (bytes_ == 4 || bytes_ == 8))) {
            refuse(kind_ == 'O' ? "Python objects" : "type " + quoted);
        }
        if (type.size() != 3 || (type[0] != '<' && !(type[0] == '|' && bytes_ == 1))) {
            refuse(type[0] == '>' ? "big-endian " + quoted : "type " + quoted);
        }
    }

    Source source_;
    std::vector<std::size_t> shape_;
    char kind_ = 'f';
    std::size_t bytes_ = 4;
    bool fortran_ = false;
};

/// The labels of all inputs, one after another.
class Labels {
  public:
    Labels(const std::filesystem::path& file, const Array& inputs) : array_(file) {
        if (array_.shape().size() != 1 || array_.shape()[0] != inputs.shape()[0]) {
            std::string shape;
            for (const std::size_t dimension : array_.shape()) {
                shape += (shape.empty() ? "" : " x ") + std::to_string(dimension);
            }
            throw Error(array_.name() + ": expected " + std::to_string(inputs.shape()[0]) +
                        " labels, one for each row of " + inputs.name() + ", found an array of shape " +
                        (shape.empty() ? "()" : shape) + "; give files that belong together");
        }
    }
    std::size_t next(std::size_t row) {
        array_.read(1, row, bytes_);
        const double value = array_.value(bytes_, 0);
        if (!(value >= 0 && value < largest_label && value == std::floor(value))) {
            throw Error(array_.name() + ": row " + std::to_string(row) +
                        ": expected a class as a whole number from 0 on, found " + std::to_string(value) +
                        "; number the classes");
        }
        return static_cast<std::size_t>(value);
    }
    void expect_end() { array_.expect_end(); }

  private:
    Array array_;
    std::vector<std::uint8_t> bytes_;
};

}  // namespace

void read_npy(const std::filesystem::path& inputs, const std::optional<std::filesystem::path>& labels,
              InputRows& rows) {
    Array array(inputs);
    if (array.shape().size() < 2) {
        throw Error(array.name() + ": expected N inputs, an array of two dimensions at least, found " +
                    std::to_string(array.shape().size()) + "; give the inputs first, then their labels");
    }
    check_row_shape(std::span(array.shape()).subspan(1), rows.shape(), array.name());
    std::optional<Labels> known;
    if (labels) {
        known.emplace(*labels, array);
    }
    const bool pixels = array.is_byte() || (!array.is_float() && array.shape().size() > 2);
    const std::size_t elements = rows.elements();
    std::vector<std::uint8_t> bytes;
    std::vector<double> numbers(elements);
    std::vector<std::uint8_t> row_pixels(elements);
    const std::size_t count = array.shape()[0];
    std::size_t row = 0;
    for (; row < count && !rows.full(); ++row) {
        array.read(elements, row, bytes);
        const std::optional<std::size_t> label = known ? std::optional(known->next(row)) : std::nullopt;
        if (!rows.take()) {
            continue;
        }
        if (array.is_byte()) {
            rows.add_pixels(bytes, label);
            continue;
        }
        for (std::size_t e = 0; e < elements; ++e) {
            numbers[e] = array.value(bytes, e);
        }
        const auto place = [&] { return array.name() + ": row " + std::to_string(row); };
        if (!pixels) {
            rows.add_numbers(numbers, !array.is_float(), label, place);
            continue;
        }
        for (std::size_t e = 0; e < elements; ++e) {
            if (numbers[e] < 0 || numbers[e] > 255) {
                throw Error(place() + ": expected pixels 0 ... 255, found " +
                            std::to_string(static_cast<std::int64_t>(numbers[e])) + " as element " +
                            std::to_string(e) + "; store other numbers as floats");
            }
            row_pixels[e] = static_cast<std::uint8_t>(numbers[e]);
        }
        rows.add_pixels(row_pixels, label);
    }
    if (row == count) {
        array.expect_end();
        if (known) {
            known->expect_end();
        }
    }
}

}  // namespace lacuna
