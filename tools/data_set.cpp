// SPDX-License-Identifier: Apache-2.0
#include "tools/data_set.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>

#include <lacuna/nn/model/model_limits.h>
#include "tools/cifar.h"
#include "tools/command.h"
#include "tools/idx.h"
#include "tools/input_rows.h"
#include "tools/npy.h"
#include "tools/number_table.h"
#include "tools/option_checks.h"
#include "tools/picture_folder.h"

namespace lacuna {

namespace {

namespace fs = std::filesystem;

constexpr const char* forms =
    "a folder (IDX files, CIFAR-10's *.bin, or pictures in a folder for each class), X.npy and Y.npy, a "
    "*.csv, "
    "CIFAR-10's *.bin, or IDX images and labels";

std::string lower_extension(const fs::path& file) {
    std::string extension = file.extension().string();
    std::ranges::transform(extension, extension.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension;
}

/// By the names that MNIST's and CIFAR-10's files have.
DataPart part_of_name(const fs::path& file) {
    const std::string name = file.filename().string();
    if (name.starts_with("t10k-") || name.starts_with("test_batch")) {
        return DataPart::test;
    }
    const bool training = name.starts_with("train-images-idx3") || name.starts_with("data_batch");
    return training ? DataPart::train : DataPart::unknown;
}

std::optional<fs::path> existing(const fs::path& folder, std::initializer_list<std::string> names) {
    for (const std::string& name : names) {
        std::error_code ignored;
        if (fs::is_regular_file(folder / name, ignored)) {
            return folder / name;
        }
    }
    return std::nullopt;
}

bool is_idx(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string head(4, '\0');
    stream.read(head.data(), static_cast<std::streamsize>(head.size()));
    return head.starts_with("\x1f\x8b") || (head.starts_with(std::string("\0\0\x08", 3)));
}

void read_idx(const fs::path& images_file, const std::optional<fs::path>& labels_file, InputRows& rows) {
    const IdxImages images = read_idx_images(images_file);
    const std::size_t dimensions[] = {images.rows, images.columns};
    check_row_shape(dimensions, rows.shape(), images_file.string());
    const std::vector<std::uint8_t> labels =
        labels_file ? read_idx_labels(*labels_file) : std::vector<std::uint8_t>();
    if (labels_file && labels.size() != images.count) {
        throw Error(labels_file->string() + ": expected " + std::to_string(images.count) +
                    " labels, as many as there are images in " + images_file.string() + ", found " +
                    std::to_string(labels.size()) + "; give files that belong together");
    }
    for (std::size_t i = 0; i < images.count && !rows.full(); ++i) {
        if (rows.take()) {
            rows.add_pixels(images.image(i),
                            labels_file ? std::optional<std::size_t>(labels[i]) : std::nullopt);
        }
    }
}

/// The IDX images of a folder's part, if it has any.
std::optional<fs::path> idx_images(const fs::path& folder, DataPart part) {
    const std::string stem = "images-idx3-ubyte";
    return part == DataPart::train
               ? existing(folder, {"train-" + stem, "train-" + stem + ".gz"})
               : existing(folder, {"t10k-" + stem, "t10k-" + stem + ".gz", stem, stem + ".gz"});
}

/// The labels that belong to a folder's IDX images.
fs::path labels_beside(const fs::path& images) {
    std::string name = images.filename().string();
    name.replace(name.find("images-idx3"), 11, "labels-idx1");
    const std::string plain = name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
    const std::optional<fs::path> labels = existing(images.parent_path(), {plain, plain + ".gz"});
    if (!labels) {
        throw Error(images.string() + ": expected its labels beside it as " + plain + " or " + plain +
                    ".gz, found neither; put them there");
    }
    return *labels;
}

/// CIFAR-10's files of a folder, by name.
std::vector<fs::path> cifar_files(const fs::path& folder, DataPart part) {
    std::vector<fs::path> files;
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem); !problem && entry != fs::directory_iterator();
         entry.increment(problem)) {
        const std::string name = entry->path().filename().string();
        const bool packed = name.ends_with(".bin.xz") || name.ends_with(".bin.gz");
        if ((!packed && !name.ends_with(".bin")) || part_of_name(name) != part) {
            continue;
        }
        if (packed) {
            throw Error(entry->path().string() +
                        ": expected CIFAR-10's *.bin uncompressed, found a compressed one; uncompress it");
        }
        files.push_back(entry->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// A folder's part; whether it comes in parts at all.
bool read_parts(const fs::path& folder, DataPart part, InputRows& rows) {
    if (const auto images = idx_images(folder, part)) {
        read_idx(*images, labels_beside(*images), rows);
        return true;
    }
    const std::vector<fs::path> files = cifar_files(folder, part);
    for (const fs::path& file : files) {
        if (!rows.full()) {
            read_cifar(file, rows);
        }
    }
    return !files.empty();
}

void read_folder(const fs::path& folder, const std::string& stated, InputRows& rows, DataSet& data) {
    const DataPart part = stated == "train" ? DataPart::train : DataPart::test;
    const DataPart other = stated == "train" ? DataPart::test : DataPart::train;
    if (read_parts(folder, part, rows)) {
        data.part = part;
        return;
    }
    if (idx_images(folder, other) || !cifar_files(folder, other).empty()) {
        throw Error(folder.string() + ": expected its " + (part == DataPart::train ? "training" : "test") +
                    " set, found the other alone; give --part " +
                    (part == DataPart::train ? "test" : "train"));
    }
    if (!stated.empty()) {
        throw Error(folder.string() +
                    ": expected a training and a test set for --part to choose from, found neither; leave "
                    "--part out");
    }
    data.class_names = read_picture_folder(folder, rows);
}

void read_files(const std::vector<std::string>& paths, const LabelColumn& label_column, InputRows& rows) {
    const std::string extension = lower_extension(paths.front());
    const auto pair = [&](const std::string& what) {
        if (paths.size() > 2) {
            throw Error(paths[2] + ": expected " + what + ", found a third file; give one data set");
        }
        return paths.size() == 2 ? std::optional<fs::path>(paths[1]) : std::nullopt;
    };
    if (extension == ".npy") {
        read_npy(paths.front(), pair("inputs and their labels as X.npy and Y.npy"), rows);
    } else if (extension == ".csv") {
        if (paths.size() > 1) {
            throw Error(paths[1] + ": expected one table, found a second file; join them");
        }
        read_number_table(paths.front(), label_column, rows);
    } else if (extension == ".bin") {
        for (const std::string& file : paths) {
            if (!rows.full()) {
                read_cifar(file, rows);
            }
        }
    } else if (is_idx(paths.front())) {
        read_idx(paths.front(), pair("IDX images and their labels"), rows);
    } else {
        throw Error(paths.front() + ": expected " + forms + ", found another file; convert it");
    }
}

Shape parse_shape(const std::string& text) {
    std::vector<std::size_t> numbers;
    std::string_view rest = text;
    for (bool more = true; more && numbers.size() < 4;) {
        const std::size_t comma = rest.find(',');
        const std::string_view cell = rest.substr(0, comma);
        std::size_t value = 0;
        const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        if (problem != std::errc() || end != cell.data() + cell.size() || value < 1 ||
            value > ModelLimits::elements) {
            break;
        }
        numbers.push_back(value);
        more = comma != std::string_view::npos;
        rest.remove_prefix(more ? comma + 1 : rest.size());
        if (!more) {
            if (numbers.size() == 3) {
                return {numbers[0], numbers[1], numbers[2]};
            }
            if (numbers.size() == 1) {
                return {numbers[0], 1, 1};
            }
        }
    }
    throw UsageError(
        "--input-shape: expected channels, height and width as C,H,W, or the number of features, "
        "found '" +
        text.substr(0, 40) + "'");
}

std::string shape_text(const Shape& shape) {
    return std::to_string(shape.channels) + " x " + std::to_string(shape.height) + " x " +
           std::to_string(shape.width);
}

}  // namespace

CLI::Option* DataOptions::add_to(CLI::App& command) {
    CLI::Option* data = command.add_option("--data", paths, forms)->type_name("PATH...")->check(not_empty());
    command.add_option("--part", part, "train or test, of a folder that has both (default: test)")
        ->check(CLI::IsMember({"train", "test"}))
        ->needs(data);
    command
        .add_option(
            "--label-column", label_column,
            "of a *.csv: first, last, none, a number from 1 on, or a name of its header (default: the "
            "last one, where there is one more than the model takes)")
        ->type_name("COLUMN")
        ->check(not_empty())
        ->needs(data);
    command
        .add_option("--input-shape", input_shape,
                    "what the data are expected to be: an error unless the model "
                    "takes that")
        ->type_name("C,H,W")
        ->check(not_empty())
        ->needs(data);
    command.add_option("--first", first, "leave out the rows before row N, counted from 0")
        ->type_name("N")
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 40))
        ->needs(data);
    command.add_option("--count", count, "take at most that many rows")
        ->type_name("N")
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40))
        ->needs(data);
    return data;
}

DataSet DataOptions::read(const Shape& shape, const InputFeatures& features,
                          const std::stop_token& stop) const {
    if (!input_shape.empty() && parse_shape(input_shape) != shape) {
        throw Error("--input-shape: expected " + shape_text(shape) + ", as the model takes, found " +
                    shape_text(parse_shape(input_shape)) + "; give other data or another model");
    }
    for (const std::string& path : paths) {
        std::error_code ignored;
        if (!fs::exists(path, ignored)) {
            throw Error(path + ": expected " + forms + ", found nothing; check the path");
        }
    }
    std::error_code ignored;
    const bool folder = fs::is_directory(paths.front(), ignored);
    if (folder && paths.size() > 1) {
        throw Error(paths[1] + ": expected one folder, found a second path; give one data set");
    }
    if (!folder && !part.empty()) {
        throw UsageError("--part chooses between the sets of a folder, and " + paths.front() + " is a file");
    }
    if (!label_column.empty() && lower_extension(paths.front()) != ".csv") {
        throw UsageError("--label-column is for a *.csv, and " + paths.front() + " is none");
    }
    DataSet data;
    const fs::path whole = fs::absolute(paths.front()).lexically_normal();
    data.name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
    InputRows rows({shape, features, first, count == 0 ? std::nullopt : std::optional(count), stop});
    if (folder) {
        read_folder(paths.front(), part, rows, data);
    } else {
        data.part = part_of_name(paths.front());
        read_files(paths, {label_column}, rows);
    }
    data.title = data.name + (!folder || data.part == DataPart::unknown ? ""
                              : data.part == DataPart::train            ? ", training set"
                                                                        : ", test set");
    data.first = first;
    data.count = rows.count();
    InputRows::Kept kept = std::move(rows).finish(paths.front());
    data.pixels = std::move(kept.pixels);
    data.labels = std::move(kept.labels);
    return data;
}

}  // namespace lacuna
