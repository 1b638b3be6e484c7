// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "nn/run_control.h"
#include "ntt/kernels.h"
#include "tools/command.h"
#include "tools/interrupt.h"

namespace {

constexpr int failure = 1;
constexpr int usage = 2;

/// One message, one line: the lines of a list of problems follow each other.
std::string one_line(std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
        const std::size_t end = text.find_first_not_of(" \n-", at);
        text.replace(at, end == std::string::npos ? end : end - at, text[at - 1] == ':' ? " " : "; ");
    }
    return text;
}

int complain(const std::string& text, int code) {
    std::cerr << "lacuna: " << one_line(text) << '\n';
    return code;
}

int run(int argc, char** argv, const lacuna::Interrupt& interrupt) {
    CLI::App app("Neural networks on encrypted data.", "lacuna");
    app.set_version_flag("--version", [] {
        return std::string("lacuna " LACUNA_VERSION " (kernel ") +
               std::string(lacuna::active_kernels().name) + ")";
    });
    app.require_subcommand(0, 1);  // none is told below, in words of our own
    app.footer(
        "Examples:\n"
        "  lacuna mnist                                classify handwritten digits under encryption\n"
        "  lacuna plan --model faster-cryptonets       what encrypted inference will do and cost, and why\n"
        "  lacuna COMMAND --help                       options and examples of one command\n\n"
        "Exit codes: 0 done, 2 wrong usage, 130 stopped by Ctrl-C, 1 anything else.\n"
        "LACUNA_KERNELS=portable|avx2|avx512ifma chooses the kernel; without it the fastest one runs.");
    lacuna::Work work;
    lacuna::add_mnist_command(app, work);
    lacuna::add_plan_command(app, work);
    lacuna::add_keygen_command(app, work);
    lacuna::add_encrypt_command(app, work);
    lacuna::add_infer_command(app, work);
    lacuna::add_decrypt_command(app, work);
    lacuna::add_inspect_command(app, work);
    lacuna::add_activation_command(app, work);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        return complain(std::string(error.what()) + "; see `lacuna --help`", usage);
    }
    if (!work) {
        return complain("expected a command, found none; see `lacuna --help`", usage);
    }
    work(interrupt.token());
    if (!std::cout.flush()) {
        return complain("cannot write to standard output; is the disk full?", failure);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const lacuna::Interrupt interrupt;
    try {
        return run(argc, argv, interrupt);
    } catch (const lacuna::UsageError& error) {
        return complain(error.what(), usage);
    } catch (const lacuna::Stopped& stopped) {
        return complain(stopped.what(), interrupt.exit_code());
    } catch (const std::bad_alloc&) {
        return complain("not enough memory; use fewer images or a smaller model", failure);
    } catch (const std::exception& error) {
        return complain(error.what(), failure);
    }
}
