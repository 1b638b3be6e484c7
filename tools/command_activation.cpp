// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/activation_fit.h>
#include "tools/activation_plot.h"
#include "tools/command.h"
#include "tools/json_output.h"
#include "tools/option_checks.h"
#include "tools/plan_options.h"
#include "tools/table.h"

namespace lacuna {

namespace {

struct Options {
    std::string function = "relu";
    std::vector<double> interval = {-4, 4};
    std::size_t degree = 2;
    std::string norm = "l2";
    std::vector<std::string> density = {"uniform"};
    std::vector<int> exponents = {-10, 4};
    std::string plot;
    bool json = false;
};

double parse_number(const std::string& text) {
    std::size_t used = 0;
    double value = 0;
    try {
        value = std::stod(text, &used);
    } catch (const std::exception&) {
        used = 0;
    }
    if (used != text.size() || text.empty()) {
        throw UsageError("--density: expected a number, found '" + text + "'");
    }
    return value;
}

FitProblem problem_of(const Options& options) {
    FitProblem problem;
    problem.function = activation_function(options.function);
    problem.low = options.interval[0];
    problem.high = options.interval[1];
    problem.degree = options.degree;
    problem.norm = options.norm == "l2" ? FitNorm::l2 : FitNorm::minimax;
    problem.lowest_exponent = options.exponents[0];
    problem.highest_exponent = options.exponents[1];
    const std::vector<std::string>& density = options.density;
    if (density.size() == 3 && density[0] == "normal") {
        problem.density = NormalDensity{parse_number(density[1]), parse_number(density[2])};
    } else if (density.size() != 1 || density[0] != "uniform") {
        throw UsageError(
            "--density: expected 'uniform' or 'normal MU SIGMA', found '" + density[0] + "'" +
            (density.size() == 1 ? "" : " and " + std::to_string(density.size() - 1) + " numbers"));
    }
    return problem;
}

double polynomial(const std::vector<double>& coefficients, double x) {
    double value = 0;
    for (std::size_t i = coefficients.size(); i-- > 0;) {
        value = value * x + coefficients[i];
    }
    return value;
}

std::string real_text(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

/// 0.125 as "2^-3", for coefficients that are 0 or +-2^k.
std::string power_text(double value) {
    if (value == 0) {
        return "0";
    }
    return std::string(value < 0 ? "-" : "") + "2^" + std::to_string(std::ilogb(value));
}

std::vector<std::string> cells(const char* name, const FittedPolynomial& polynomial, bool powers) {
    std::vector<std::string> row = {name};
    for (const double c : polynomial.coefficients) {
        row.push_back(powers ? power_text(c) : real_text(c));
    }
    row.push_back(real_text(polynomial.error));
    return row;
}

nlohmann::ordered_json polynomial_json(const FittedPolynomial& polynomial) {
    return {{"coefficients", polynomial.coefficients}, {"error", polynomial.error}};
}

void activation(const Options& options) {
    const FitProblem problem = problem_of(options);
    const ActivationFit fit = fit_activation(problem);
    const std::string interval = "[" + real_text(problem.low) + ", " + real_text(problem.high) + "]";
    const std::string name(activation_name(problem.function));
    if (!options.plot.empty()) {
        plot_curves(
            options.plot, name + " on " + interval, problem.low, problem.high,
            {{name, [&](double x) { return activation_value(problem.function, x); }},
             {"powers of two", [&](double x) { return polynomial(fit.powers_of_two.coefficients, x); }},
             {"unconstrained", [&](double x) { return polynomial(fit.unconstrained.coefficients, x); }}});
    }
    if (options.json) {
        const nlohmann::ordered_json document = {{"function", name},
                                                 {"interval", options.interval},
                                                 {"degree", options.degree},
                                                 {"norm", options.norm},
                                                 {"density", options.density},
                                                 {"exponents", options.exponents},
                                                 {"powers_of_two", polynomial_json(fit.powers_of_two)},
                                                 {"unconstrained", polynomial_json(fit.unconstrained)}};
        print_json_document(document);
        return;
    }
    std::vector<std::string> heads = {"polynomial for " + name + " on " + interval};
    for (std::size_t i = 0; i <= problem.degree; ++i) {
        heads.push_back(i == 0 ? "1" : i == 1 ? "x" : "x^" + std::to_string(i));
    }
    heads.push_back(problem.norm == FitNorm::l2 ? "RMS error" : "largest error");
    Table table(std::move(heads));
    table.add(cells("powers of two (the best there are)", fit.powers_of_two, true));
    table.add(cells("unconstrained", fit.unconstrained, false));
    std::cout << table;
}

}  // namespace

void add_activation_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "activation", "fit a polynomial with coefficients 0 or +-2^k to an activation, by exact search");
    command->add_option("--function", options->function, "what to fit")
        ->capture_default_str()
        ->check(CLI::IsMember({"relu", "silu", "swish", "gelu", "softplus", "sigmoid", "tanh"}));
    command->add_option("--interval", options->interval, "where it has to fit")
        ->type_name("A B")
        ->expected(2)
        ->capture_default_str();
    command->add_option("--degree", options->degree, "of the polynomial")
        ->capture_default_str()
        ->transform(decimal())
        ->check(CLI::Range(1, 4));
    command->add_option("--norm", options->norm, "root mean square (l2) or largest error (minimax)")
        ->capture_default_str()
        ->check(CLI::IsMember({"l2", "minimax"}));
    command->add_option("--density", options->density, "of the input: uniform, or normal MU SIGMA")
        ->type_name("uniform|normal MU SIGMA")
        ->expected(1, 3)
        ->allow_extra_args(false);
    command->add_option("--exponents", options->exponents, "smallest and largest k")
        ->type_name("MIN MAX")
        ->expected(2)
        ->transform(decimal())
        ->capture_default_str();
    command->add_option("--plot", options->plot, "draw function and polynomials into FILE.svg or FILE.png")
        ->type_name("FILE")
        ->check(not_empty());
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna activation --function relu --interval -4 4\n"
        "  lacuna activation --function swish --degree 4 --norm minimax --plot swish.svg\n"
        "  lacuna activation --function gelu --density normal 0 1.5 --exponents -8 2 --json");
    command->callback(
        [options, &work] { work = [options](const std::stop_token&) { activation(*options); }; });
}

}  // namespace lacuna
