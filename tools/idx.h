// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lacuna {

/// Grey images, 0 (black) ... 255 (white), one after another, row by row.
struct IdxImages {
    std::size_t count = 0;
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::vector<std::uint8_t> pixels;

    [[nodiscard]] std::size_t image_size() const { return rows * columns; }
    /// Pixels of one image, index below count.
    [[nodiscard]] std::span<const std::uint8_t> image(std::size_t index) const {
        return std::span(pixels).subspan(index * image_size(), image_size());
    }
};

/// Images with a label each.
struct LabelledImages {
    IdxImages images;
    std::vector<std::uint8_t> labels;
};

/// Reads unsigned bytes in IDX form (http://yann.lecun.com/exdb/mnist: big-endian magic 0x00000803 for
/// images, 0x00000801 for labels, one 32-bit length per dimension, then the bytes), plain or gzip-compressed,
/// whatever the file's name. At most 1,000,000 items, 4096 rows and columns and 1 GiB. Throws Error that
/// names file, offset in the uncompressed data, expected and found: for a wrong magic, a length out of
/// bounds, too few or too many bytes.
[[nodiscard]] IdxImages read_idx_images(const std::filesystem::path& file);
/// From the bytes of a file, plain or compressed, with a name for messages; at most `most` images, and
/// nothing larger is taken memory for.
[[nodiscard]] IdxImages read_idx_images(std::span<const std::uint8_t> bytes, const std::string& name,
                                        std::size_t most);
[[nodiscard]] std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& file);

/// Reads a folder's test images and labels: t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (MNIST's
/// names), or the same without "t10k-" (the shipped digits), each with or without ".gz". Throws Error where
/// one is missing, as the readers above, and where there are more or fewer labels than images.
[[nodiscard]] LabelledImages read_digits(const std::filesystem::path& folder);

/// Where MNIST lies: `option` (the command's --mnist) if given, else the environment variable LACUNA_MNIST if
/// set and not empty, else data/mnist under the working directory if that is a folder, else nothing: then use
/// the shipped digits. Throws Error if the option or the variable names something that is no folder.
[[nodiscard]] std::optional<std::filesystem::path> find_mnist(
    const std::optional<std::filesystem::path>& option = std::nullopt);

}  // namespace lacuna
