// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <lacuna/he/files/checksum.h>
#include <lacuna/he/files/output_file.h>
#include <lacuna/nn/model/input_json.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/strict_json.h>
#include <lacuna/nn/model/text_file.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

namespace {

using namespace strict_json;

/// A weight takes two bytes of text at least ("0,"), a sparse term of three values six
/// ("[0,1],"): no file of the size allowed holds more.
constexpr detail::JsonLimits document_limits{ModelLimits::file_bytes, maximum_nesting,
                                             ModelLimits::file_bytes / 2, ModelLimits::file_bytes / 6};

constexpr int plain_version = 1;
constexpr int features_version = 2;  // where channels or elements are set apart

constexpr std::int64_t largest_exact = std::int64_t{1} << 53;  // above it many JSON readers round
const char* const documentation = "see nn/model/model_format.md";

mpz_class big_integer(const json& value, const FieldPath& place) {
    const std::string expected = "an integer of at most 53 bits, or a string of at most " +
                                 std::to_string(ModelLimits::integer_digits) + " decimal digits";
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        const std::size_t sign = !text.empty() && text.front() == '-' ? 1 : 0;
        const std::size_t digits = text.size() - sign;
        const bool decimal = std::all_of(text.begin() + static_cast<std::ptrdiff_t>(sign), text.end(),
                                         [](char c) { return c >= '0' && c <= '9'; });
        if (digits == 0 || digits > ModelLimits::integer_digits || !decimal) {
            fail(place, expected, describe(value), "change this value");
        }
        return mpz_class(text, 10);
    }
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62);
    if (!fits || value.get<std::int64_t>() < -largest_exact || value.get<std::int64_t>() > largest_exact) {
        fail(place, expected, describe(value), "write a larger integer as a string");
    }
    return to_signed_mpz(value.get<std::int64_t>());
}

std::vector<mpz_class> big_integers(const json& value, const FieldPath& place) {
    std::vector<mpz_class> result;
    result.reserve(array(value, place).size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        result.push_back(big_integer(value[i], FieldPath(place, i)));
    }
    return result;
}

Extent extent(const json& layer, const FieldPath& place, const char* field, std::size_t low) {
    const FieldPath at(place, field);
    const json& value = array_of(member(layer, place, field), at, 2);
    return {count(value[0], FieldPath(at, std::size_t{0}), low, ModelLimits::dimension),
            count(value[1], FieldPath(at, std::size_t{1}), low, ModelLimits::dimension)};
}

std::vector<WeightTerm> sparse_row(const json& value, const FieldPath& place, std::size_t columns) {
    std::vector<WeightTerm> row;
    row.reserve(array(value, place).size());
    std::int64_t least = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const FieldPath at(place, i);
        const json& term = array_of(value[i], at, 2);
        if (least >= static_cast<std::int64_t>(columns)) {
            fail(at, "no term after column " + std::to_string(least - 1), "another",
                 "columns rise strictly and lie below " + std::to_string(columns));
        }
        const std::int64_t column =
            integer(term[0], FieldPath(at, std::size_t{0}), least, static_cast<std::int64_t>(columns) - 1);
        const FieldPath weight_at(at, std::size_t{1});
        const std::int64_t weight = integer(term[1], weight_at, -ModelLimits::weight, ModelLimits::weight);
        if (weight == 0) {
            fail(weight_at, "a weight other than 0", "0", "leave the term out");
        }
        row.push_back({static_cast<std::uint32_t>(column), weight});
        least = column + 1;
    }
    return row;
}

std::vector<WeightTerm> dense_row(const json& value, const FieldPath& place, std::size_t columns) {
    std::vector<WeightTerm> row;
    array_of(value, place, columns);
    for (std::size_t i = 0; i < columns; ++i) {
        const std::int64_t weight =
            integer(value[i], FieldPath(place, i), -ModelLimits::weight, ModelLimits::weight);
        if (weight != 0) {
            row.push_back({static_cast<std::uint32_t>(i), weight});
        }
    }
    return row;
}

WeightMatrix weight_matrix(const json& layer, const FieldPath& place) {
    const FieldPath at(place, "weights");
    const json& value = member(layer, place, "weights");
    check_object(value, at, {"rows", "columns", "terms", "values"});
    const std::size_t rows =
        count(member(value, at, "rows"), FieldPath(at, "rows"), 1, ModelLimits::elements);
    WeightMatrix matrix;
    matrix.columns = count(member(value, at, "columns"), FieldPath(at, "columns"), 1, ModelLimits::map_terms);
    const bool sparse = value.contains("terms");
    if (sparse == value.contains("values")) {
        fail(at, "exactly one of the fields terms and values", sparse ? "both" : "neither", "keep one");
    }
    const char* field = sparse ? "terms" : "values";
    const FieldPath rows_at(at, field);
    const json& list = array_of(value.at(field), rows_at, rows);
    matrix.rows.reserve(rows);
    for (std::size_t r = 0; r < rows; ++r) {
        const FieldPath row_at(rows_at, r);
        matrix.rows.push_back(sparse ? sparse_row(list[r], row_at, matrix.columns)
                                     : dense_row(list[r], row_at, matrix.columns));
    }
    return matrix;
}

Layer parse_layer(const json& value, const FieldPath& place) {
    if (!value.is_object()) {
        fail(place, "an object", describe(value), place.documentation());
    }
    Layer layer;
    const std::string type = text_of(member(value, place, "type"), FieldPath(place, "type"));
    layer.name = text_of(member(value, place, "name"), FieldPath(place, "name"));
    const auto biases = [&] { return big_integers(member(value, place, "bias"), FieldPath(place, "bias")); };
    if (type == "convolution") {
        check_object(value, place, {"type", "name", "kernel", "stride", "padding", "weights", "bias"});
        const Extent kernel = extent(value, place, "kernel", 1);
        const Extent stride = extent(value, place, "stride", 1);
        const Extent padding = extent(value, place, "padding", 0);
        layer.kind = Convolution{kernel, stride, padding, weight_matrix(value, place), biases()};
    } else if (type == "dense") {
        check_object(value, place, {"type", "name", "weights", "bias"});
        layer.kind = Dense{weight_matrix(value, place), biases()};
    } else if (type == "sum_pool") {
        check_object(value, place, {"type", "name", "window", "stride", "padding"});
        const Extent window = extent(value, place, "window", 1);
        const Extent stride = extent(value, place, "stride", 1);
        layer.kind = SumPool{window, stride, extent(value, place, "padding", 0)};
    } else if (type == "activation") {
        check_object(value, place, {"type", "name", "coefficients"});
        layer.kind =
            Activation{big_integers(member(value, place, "coefficients"), FieldPath(place, "coefficients"))};
    } else if (type == "flatten") {
        check_object(value, place, {"type", "name"});
        layer.kind = Flatten{};
    } else {
        fail(FieldPath(place, "type"), "convolution, dense, sum_pool, activation or flatten",
             describe(json(type)), "use one of these layers");
    }
    return layer;
}

void parse_input(const json& value, const FieldPath& place, int version, Model& model) {
    const bool features = version >= features_version;
    if (features) {
        check_object(value, place, {"shape", "thresholds", "low", "high"});
    } else {
        check_object(value, place, {"shape", "thresholds"});
    }
    const auto shape =
        dimensions(member(value, place, "shape"), FieldPath(place, "shape"), ModelLimits::dimension);
    model.input_shape = {shape[0], shape[1], shape[2]};
    read_input(value, place, features, model.thresholds, model.features);
}

std::string format_integer(const mpz_class& value) {
    if (abs(value) < to_signed_mpz(largest_exact)) {
        return value.get_str();
    }
    return std::string("\"") + value.get_str() + "\"";
}

template <class Range, class Format>
std::string format_list(const Range& range, Format&& format, const char* separator = ", ") {
    std::string text = "[";
    bool first = true;
    for (const auto& item : range) {
        text += first ? "" : separator;
        text += format(item);
        first = false;
    }
    return text + "]";
}

std::string format_thresholds(const Model& model) {
    const auto list = [](const std::vector<int>& thresholds) {
        return format_list(thresholds, [](int threshold) { return std::to_string(threshold); });
    };
    return model.features.thresholds.empty() ? list(model.thresholds)
                                             : format_list(model.features.thresholds, list, ",\n    ");
}

std::string format_ranges(const InputFeatures& features) {
    if (features.ranges.empty()) {
        return "";
    }
    return ",\n    \"low\": " + low_json(features).dump() + ",\n    \"high\": " + high_json(features).dump();
}

std::string format_extent(const char* field, const Extent& extent) {
    return std::string("\"") + field + "\": [" + std::to_string(extent.vertical) + ", " +
           std::to_string(extent.horizontal) + "]";
}

std::string format_weights(const WeightMatrix& weights) {
    // A sparse term takes about four times the room of a dense zero.
    const bool sparse = weights.nonzeros() * 4 <= weights.rows.size() * weights.columns;
    std::string text = "{\"rows\": " + std::to_string(weights.rows.size()) +
                       ", \"columns\": " + std::to_string(weights.columns) +
                       (sparse ? ", \"terms\": [" : ", \"values\": [");
    bool first = true;
    for (const auto& row : weights.rows) {
        text += first ? "\n        " : ",\n        ";
        first = false;
        if (sparse) {
            text += format_list(
                row,
                [](const WeightTerm& term) {
                    return std::string("[") + std::to_string(term.column) + "," +
                           std::to_string(term.weight) + "]";
                },
                ",");
        } else {
            std::vector<std::int64_t> values(weights.columns);
            for (const WeightTerm& term : row) {
                values[term.column] = term.weight;
            }
            text += format_list(
                values, [](std::int64_t value) { return std::to_string(value); }, ",");
        }
    }
    return text + "]}";
}

std::string format_biases(const std::vector<mpz_class>& bias) {
    return "\"bias\": " + format_list(bias, format_integer);
}

std::string format_layer(const Layer& layer) {
    const auto head = [&](const char* type) {
        return "    {\"type\": \"" + std::string(type) + "\", \"name\": \"" + layer.name + "\"";
    };
    if (const auto* kind = std::get_if<Convolution>(&layer.kind)) {
        return head("convolution") + ", " + format_extent("kernel", kind->kernel) + ", " +
               format_extent("stride", kind->stride) + ", " + format_extent("padding", kind->padding) +
               ",\n      \"weights\": " + format_weights(kind->weights) + ",\n      " +
               format_biases(kind->bias) + "}";
    }
    if (const auto* kind = std::get_if<Dense>(&layer.kind)) {
        return head("dense") + ",\n      \"weights\": " + format_weights(kind->weights) + ",\n      " +
               format_biases(kind->bias) + "}";
    }
    if (const auto* kind = std::get_if<SumPool>(&layer.kind)) {
        return head("sum_pool") + ", " + format_extent("window", kind->window) + ", " +
               format_extent("stride", kind->stride) + ", " + format_extent("padding", kind->padding) + "}";
    }
    if (const auto* kind = std::get_if<Activation>(&layer.kind)) {
        return head("activation") + ", \"coefficients\": " + format_list(kind->coefficients, format_integer) +
               "}";
    }
    return head("flatten") + "}";
}

[[noreturn]] void fail_size(const std::string& source, const std::string& found) {
    throw Error(source + ": expected at most " + std::to_string(ModelLimits::file_bytes) + " bytes, found " +
                found + "; this is no model file, or the network is too large");
}

}  // namespace

Model parse_model(std::string_view text, const std::string& source, const std::stop_token& stop) {
    if (text.size() > ModelLimits::file_bytes) {
        fail_size(source, std::to_string(text.size()));
    }
    const FieldPath root(source, documentation);
    const json document = parse_document(text, root, document_limits, stop);
    const int version = check_format(document, root, "a model", "lacuna-model",
                                     {plain_version, features_version}, "give a *.lacuna.json file",
                                     "use a library that reads this version, or export the model again");
    check_object(document, root,
                 {"format", "version", "name", "description", "provenance", "input", "layers", "output"});
    Model model;
    model.name = text_of(member(document, root, "name"), FieldPath(root, "name"));
    if (document.contains("description")) {
        model.description = text_of(document["description"], FieldPath(root, "description"));
    }
    if (document.contains("provenance")) {
        model.provenance = document["provenance"].dump();
    }
    parse_input(member(document, root, "input"), FieldPath(root, "input"), version, model);
    const FieldPath layers_at(root, "layers");
    const json& layers = array(member(document, root, "layers"), layers_at);
    if (layers.empty() || layers.size() > ModelLimits::layers) {
        fail(layers_at, "1 to " + std::to_string(ModelLimits::layers) + " layers",
             std::to_string(layers.size()), "change the network");
    }
    for (std::size_t i = 0; i < layers.size(); ++i) {
        model.layers.push_back(parse_layer(layers[i], FieldPath(layers_at, i)));
    }
    if (document.contains("output")) {
        const FieldPath output_at(root, "output");
        const json& output = document["output"];
        check_object(output, output_at, {"scale"});
        if (output.contains("scale")) {
            if (!output["scale"].is_number()) {
                fail(FieldPath(output_at, "scale"), "a positive number", describe(output["scale"]),
                     "leave it out where logits have no scale");
            }
            model.output_scale = output["scale"].get<double>();
        }
    }
    validate(model, source);
    return model;
}

std::string format_model(const Model& model) {
    const std::string source = "model '" + model.name + "'";
    validate(model, source);
    const FieldPath root(source, documentation);
    detail::JsonLimits provenance_limits = document_limits;
    --provenance_limits.nesting;
    const json provenance =
        parse_document(model.provenance, FieldPath(root, "provenance"), provenance_limits);
    std::string text = "{\n  \"format\": \"lacuna-model\",\n  \"version\": " +
                       std::to_string(model.features.empty() ? plain_version : features_version) +
                       ",\n  \"name\": \"" + model.name + "\",\n";
    try {
        text += "  \"description\": " + json(model.description).dump() + ",\n";
    } catch (const json::exception&) {
        fail(FieldPath(root, "description"), "UTF-8 text", "other bytes", "write it in UTF-8");
    }
    text += "  \"provenance\": " + provenance.dump() + ",\n";
    text += "  \"input\": {\"shape\": [" + std::to_string(model.input_shape.channels) + ", " +
            std::to_string(model.input_shape.height) + ", " + std::to_string(model.input_shape.width) +
            "], \"thresholds\": " + format_thresholds(model) + format_ranges(model.features) + "},\n";
    text += "  \"layers\": [\n";
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        text += format_layer(model.layers[i]) + (i + 1 < model.layers.size() ? ",\n" : "\n");
    }
    text += "  ],\n  \"output\": {\"scale\": " + json(model.output_scale).dump() + "}\n}\n";
    return text;
}

Digest digest(const Model& model) {
    const std::string text = format_model(model);
    Checksum checksum;
    checksum.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return checksum.value();
}

Model load_model(const std::filesystem::path& file, const std::stop_token& stop) {
    const TextFile text = read_text(file, ModelLimits::file_bytes, stop);
    if (!text.whole) {
        fail_size(file.string(), text.size ? std::to_string(*text.size) : "more");
    }
    return parse_model(text.text, file.string(), stop);
}

void save_model(const Model& model, const std::filesystem::path& file) {
    const std::string text = format_model(model);
    if (text.size() > ModelLimits::file_bytes) {
        fail_size(file.string(), std::to_string(text.size()));
    }
    write_file(file, Access::everyone, Overwrite::allow, [&](std::ostream& stream) { stream << text; });
}

}  // namespace lacuna
