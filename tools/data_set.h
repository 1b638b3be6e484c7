// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <lacuna/nn/model/input_features.h>

namespace lacuna {

/// Which part of a data set that comes in two its rows are; unknown for others.
enum class DataPart { unknown, train, test };

/// Rows of a data set as a network takes them.
struct DataSet {
    std::string name;   ///< of its folder or first file, without the way there
    std::string title;  ///< the name, and the part where it is known
    DataPart part = DataPart::unknown;
    std::size_t first = 0;                 ///< number of the first row, from 0
    std::size_t count = 0;                 ///< rows
    std::vector<std::uint8_t> pixels;      ///< one row after another, channel-major
    std::vector<std::size_t> labels;       ///< one for each row, or none
    std::vector<std::string> class_names;  ///< of labels 0, 1, ..., where the data set names them
};

/// The options that say which data are meant.
struct DataOptions {
    std::vector<std::string> paths;
    std::string part;
    std::string label_column;
    std::string input_shape;
    std::size_t first = 0;
    std::size_t count = 0;  ///< 0: all

    /// --data and those that go with it. Returns --data.
    CLI::Option* add_to(CLI::App& command);
    [[nodiscard]] bool given() const { return !paths.empty(); }

    /// Reads the rows for an input of this shape, at most 1 GiB of pixels. What the paths are is told by
    /// their names: a folder of IDX files or of CIFAR-10's *.bin, of which --part is read (the test set
    /// without it), or of pictures (tools/picture_folder.h); X.npy and Y.npy (tools/npy.h); a *.csv
    /// (tools/number_table.h); CIFAR-10's *.bin (tools/cifar.h); IDX images and their labels (tools/idx.h).
    ///
    /// Throws Error that names file and row, what was expected and what was found, UsageError for options
    /// that do not go with each other, and Stopped where a stop was requested.
    [[nodiscard]] DataSet read(const Shape& shape, const InputFeatures& features,
                               const std::stop_token& stop) const;
};

}  // namespace lacuna
