// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/output_file.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/run_control.h>
#include "tools/command.h"
#include "tools/confusion.h"
#include "tools/data_set.h"
#include "tools/json_output.h"
#include "tools/model_files.h"
#include "tools/option_checks.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"
#include "tools/training_record.h"

namespace lacuna {

namespace {

constexpr std::size_t widest_matrix = 20;  // classes that a terminal has room for side by side
constexpr std::size_t shown_mistakes = 10;

struct Options {
    std::string model;
    DataOptions data;
    bool unseen = false;
    std::string out;
    bool force = false;
    int threads = 1;
    bool json = false;
};

/// What an evaluation has found.
struct Outcome {
    Confusion confusion;               // where there are labels
    std::vector<std::size_t> answers;  // of every class, how many rows
    double seconds = 0;
};

void check_labels(const DataSet& data, const Model& model) {
    const std::size_t classes = model.classes();
    for (std::size_t i = 0; i < data.labels.size(); ++i) {
        if (data.labels[i] >= classes) {
            throw Error(data.name + ": row " + std::to_string(data.first + i) +
                        ": expected a class below the " + std::to_string(classes) + " of model '" +
                        model.name + "', found " + std::to_string(data.labels[i]) +
                        "; give data of the same classes, numbered from 0");
        }
    }
}

void write_head(std::ostream& stream, const DataSet& data, std::size_t classes) {
    stream << (data.labels.empty() ? "row,class" : "row,label,class");
    for (std::size_t i = 0; i < classes; ++i) {
        stream << ",logit" << i;
    }
    stream << '\n';
}

Outcome classify(const Model& model, const DataSet& data, const Options& options, std::ostream* logits_out,
                 const std::stop_token& stop) {
    // As many as keep every thread busy for a while, so that a stop is heeded soon.
    const std::size_t step = std::size_t{64} * static_cast<std::size_t>(options.threads);
    const Reference reference(model);
    Outcome outcome{Confusion(data.labels.empty() ? 0 : model.classes()),
                    std::vector<std::size_t>(model.classes())};
    ProgressLine progress("evaluate");
    const auto report = progress.part(0);
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t begin = 0; begin < data.count; begin += step) {
        if (stop.stop_requested()) {
            throw Stopped();
        }
        const std::size_t rows = std::min(step, data.count - begin);
        const std::size_t size = reference.image_size();
        const auto logits = reference.batch_logits(std::span(data.pixels).subspan(begin * size, rows * size),
                                                   options.threads);
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t answer = argmax(logits[i]);
            ++outcome.answers[answer];
            if (!data.labels.empty()) {
                outcome.confusion.add(data.labels[begin + i], answer);
            }
            if (logits_out != nullptr) {
                *logits_out << data.first + begin + i;
                if (!data.labels.empty()) {
                    *logits_out << ',' << data.labels[begin + i];
                }
                *logits_out << ',' << answer;
                for (const mpz_class& logit : logits[i]) {
                    *logits_out << ',' << logit;
                }
                *logits_out << '\n';
            }
        }
        if (report) {
            report({"evaluate", static_cast<double>(begin + rows), static_cast<double>(data.count)});
        }
    }
    outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
}

double share(std::size_t part, std::size_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent_text(std::size_t part, std::size_t whole) {
    return whole == 0 ? "" : decimal_text(100 * share(part, whole), 2) + " %";
}

nlohmann::ordered_json or_null(bool there, const nlohmann::ordered_json& value) {
    return there ? value : nlohmann::ordered_json();
}

void print_json(const Options& options, const Model& model, const DataSet& data, const DataWorth& worth,
                const Outcome& outcome) {
    const Confusion& confusion = outcome.confusion;
    const bool labelled = !data.labels.empty();
    auto per_class = nlohmann::ordered_json::array();
    for (std::size_t c = 0; c < outcome.answers.size(); ++c) {
        nlohmann::ordered_json entry = {{"class", c}};
        if (c < data.class_names.size()) {
            entry["name"] = data.class_names[c];
        }
        if (labelled) {
            entry["rows"] = confusion.rows(c);
            entry["right"] = confusion.right(c);
            entry["accuracy"] = or_null(confusion.rows(c) > 0, share(confusion.right(c), confusion.rows(c)));
        }
        entry["answers"] = outcome.answers[c];
        per_class.push_back(std::move(entry));
    }
    auto matrix = nlohmann::ordered_json::array();
    for (std::size_t label = 0; confusion.has_pairs() && label < confusion.classes(); ++label) {
        auto row = nlohmann::ordered_json::array();
        for (std::size_t answer = 0; answer < confusion.classes(); ++answer) {
            row.push_back(confusion.pair(label, answer));
        }
        matrix.push_back(std::move(row));
    }
    print_json_document({
        {"model", model.name},
        {"data", data.name},
        {"part", or_null(data.part != DataPart::unknown, data.part == DataPart::train ? "train" : "test")},
        {"first", data.first},
        {"rows", data.count},
        {"labels", labelled},
        {"correct", or_null(labelled, confusion.correct())},
        {"accuracy", or_null(labelled, share(confusion.correct(), data.count))},
        {"trained_on_these_data", seen_text(worth.seen)},
        {"note", or_null(!worth.note.empty(), worth.note)},
        {"per_class", per_class},
        {"confusion", or_null(labelled && confusion.has_pairs(), matrix)},
        {"scale", model.output_scale},
        {"logits_file", or_null(!options.out.empty(), options.out)},
        {"threads", options.threads},
        {"seconds", outcome.seconds},
    });
}

std::string class_text(const DataSet& data, std::size_t c) {
    return std::to_string(c) + (c < data.class_names.size() ? " " + data.class_names[c] : "");
}

void print_matrix(const DataSet& data, const Confusion& confusion) {
    std::vector<std::string> heads = {"label \\ answer"};
    for (std::size_t answer = 0; answer < confusion.classes(); ++answer) {
        heads.push_back(std::to_string(answer));
    }
    Table table(heads);
    for (std::size_t label = 0; label < confusion.classes(); ++label) {
        std::vector<std::string> cells = {class_text(data, label)};
        for (std::size_t answer = 0; answer < confusion.classes(); ++answer) {
            const std::size_t rows = confusion.pair(label, answer);
            cells.push_back(rows == 0 ? "." : std::to_string(rows));
        }
        table.add(std::move(cells));
    }
    std::cout << '\n' << table;
}

void print_mistakes(const DataSet& data, const Confusion& confusion) {
    Table table({"label", "answer", "rows"});
    for (const Confusion::Mistake& mistake : confusion.mistakes(shown_mistakes)) {
        table.add(
            {class_text(data, mistake.label), class_text(data, mistake.answer), count_text(mistake.rows)});
    }
    std::cout << "\nMost frequent mistakes:\n" << table;
}

void print_text(const Options& options, const Model& model, const DataSet& data, const DataWorth& worth,
                const Outcome& outcome) {
    const Confusion& confusion = outcome.confusion;
    const bool labelled = !data.labels.empty();
    std::cout << terminal_text(model.name) << " on " << count_text(data.count)
              << (data.count == 1 ? " row of " : " rows of ") << terminal_text(data.title) << ", "
              << seconds_text(outcome.seconds) << '\n';
    if (labelled) {
        std::cout << "accuracy " << percent_text(confusion.correct(), data.count) << " ("
                  << count_text(confusion.correct()) << " of " << count_text(data.count) << ")\n";
        if (!worth.note.empty()) {
            std::cout << "note: " << worth.note << '\n';
        }
    } else {
        std::cout << "no labels, so no accuracy\n";
    }
    Table classes(labelled ? std::vector<std::string>{"class", "rows", "right", "share", "answers"}
                           : std::vector<std::string>{"class", "answers"});
    for (std::size_t c = 0; c < outcome.answers.size(); ++c) {
        if (outcome.answers[c] == 0 && (!labelled || confusion.rows(c) == 0)) {
            continue;
        }
        std::vector<std::string> cells = {class_text(data, c)};
        if (labelled) {
            cells.insert(cells.end(), {count_text(confusion.rows(c)), count_text(confusion.right(c)),
                                       percent_text(confusion.right(c), confusion.rows(c))});
        }
        cells.push_back(count_text(outcome.answers[c]));
        classes.add(std::move(cells));
    }
    std::cout << '\n' << classes;
    if (labelled && confusion.classes() <= widest_matrix) {
        print_matrix(data, confusion);
    } else if (labelled && confusion.has_pairs()) {
        print_mistakes(data, confusion);
    }
    if (!options.out.empty()) {
        std::cout << "\nlogits in " << terminal_text(options.out) << '\n';
    }
}

void evaluate(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    const Model model = find_model(options.model, stop);
    const DataSet data = options.data.read(model.input_shape, model.features, stop);
    check_labels(data, model);
    const DataWorth worth = worth_of(model.provenance, data, options.unseen);
    // Opened first: whatever keeps it from being written is found before the work.
    std::optional<OutputFile> file;
    if (!options.out.empty()) {
        file.emplace(options.out, Access::everyone, options.force ? Overwrite::allow : Overwrite::refuse);
        write_head(file->stream(), data, model.classes());
    }
    const Outcome outcome = classify(model, data, options, file ? &file->stream() : nullptr, stop);
    if (file) {
        file->commit();
    }
    (options.json ? print_json : print_text)(options, model, data, worth, outcome);
}

}  // namespace

void add_evaluate_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "evaluate", "the plaintext integer network on any data: accuracy, confusion, logits; no keys");
    command->add_option("model,--model", options->model, "a shipped model's name, or a *.lacuna.json file")
        ->type_name("MODEL")
        ->check(not_empty())
        ->required();
    options->data.add_to(*command)->required();
    command->add_flag("--unseen", options->unseen, "the network was not trained on these data");
    auto* out = command->add_option("--out", options->out, "write the logits of every row there, as CSV")
                    ->type_name("FILE")
                    ->check(not_empty());
    command->add_flag("--force", options->force, "replace that file where it exists")->needs(out);
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna evaluate faster-cryptonets --data data/mnist --part test\n"
        "  lacuna evaluate mine.lacuna.json --data X.npy Y.npy --unseen --out logits.csv\n"
        "  lacuna evaluate mine.lacuna.json --data rows.csv --label-column last --first 100 --count 50\n\n"
        "An accuracy on data that the network may have been trained on says so.");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { evaluate(*options, stop); }; });
}

}  // namespace lacuna
