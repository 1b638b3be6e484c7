// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include <lacuna/he/files/temporary_files.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/kernels.h>
#include "tools/command.h"
#include "tools/infer_engine.h"
#include "tools/interrupt.h"
#include "tools/mpi_launch.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"
#ifdef LACUNA_MPI
#include "tools/machines/rank_work.h"
#include "tools/machines/ranks.h"
#endif

namespace {

constexpr int failure = 1;
constexpr int usage = 2;
/// Longer than any list of problems that the library writes of its own accord.
constexpr std::size_t message_bytes = 4000;

/// One message, one line: the lines of a list of problems follow each other.
std::string one_line(std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
        const std::size_t end = text.find_first_not_of(" \n-", at);
        const bool heads = at > 0 && text[at - 1] == ':';
        text.replace(at, end == std::string::npos ? end : end - at, heads ? " " : "; ");
    }
    return text;
}

/// Every message of the command passes here, whoever's names and bytes the library has put into it.
int complain(const std::string& text, int code) {
    std::cerr << "lacuna: " << lacuna::terminal_text(one_line(text), message_bytes) << '\n';
    return code;
}

/// The exit code of work that is done, if what it printed has been written.
int done() {
    return std::cout.flush() ? 0 : complain("cannot write to standard output; is the disk full?", failure);
}

/// Where to read on: at the subcommand, if there is one of that name.
std::string see_help(const CLI::App& app, int argc, char** argv) {
    const bool known =
        argc > 1 &&
        !app.get_subcommands([&](const CLI::App* command) { return command->get_name() == argv[1]; }).empty();
    return "; see `lacuna " + (known ? std::string(argv[1]) + " " : std::string()) + "--help`";
}

int run(int argc, char** argv, lacuna::Interrupt& interrupt, const lacuna::InferEngine& engine) {
    CLI::App app("Neural networks on encrypted data.", "lacuna");
    app.set_version_flag("--version", [] {
        return std::string("lacuna " LACUNA_VERSION " (kernel ") +
               std::string(lacuna::active_kernels().name) + ")";
    });
    app.require_subcommand(0, 1);  // a missing one is reported below, in our own words
    app.footer(
        "Examples:\n"
        "  lacuna mnist                                classify handwritten digits under encryption\n"
        "  lacuna plan --model faster-cryptonets       what encrypted inference will do and cost, and why\n"
        "  lacuna COMMAND --help                       options and examples of one command\n\n"
        "Exit codes: 0 done, 2 wrong usage, 130 stopped by Ctrl-C, 1 anything else.\n"
        "LACUNA_KERNELS=portable|avx2|avx512ifma chooses the kernel; without it the fastest one runs.");
    lacuna::Work work;
    lacuna::add_demo_commands(app, work);
    lacuna::add_evaluate_command(app, work);
    lacuna::add_plan_command(app, work);
    lacuna::add_keygen_command(app, work);
    lacuna::add_encrypt_command(app, work);
    lacuna::add_infer_command(app, work, engine);
    lacuna::add_decrypt_command(app, work);
    lacuna::add_inspect_command(app, work);
    lacuna::add_activation_command(app, work);
#ifdef LACUNA_SERVICE
    lacuna::add_serve_command(app, work, interrupt);
    lacuna::add_remote_command(app, work);
#endif
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help) {
        app.exit(help);
        return done();
    } catch (const CLI::ParseError& error) {
        return complain(std::string(error.what()) + see_help(app, argc, argv), usage);
    } catch (const lacuna::UsageError& error) {
        return complain(std::string(error.what()) + see_help(app, argc, argv), usage);
    }
    if (!work) {
        return complain("expected a command, found none; see `lacuna --help`", usage);
    }
    try {
        work(interrupt.token());
    } catch (const lacuna::UsageError& error) {
        return complain(std::string(error.what()) + see_help(app, argc, argv), usage);
    } catch (const lacuna::Stopped& stopped) {
        return complain(stopped.what(), interrupt.exit_code());
    }
    return done();
}

/// Everything that the process does, errors told.
int run_safely(int argc, char** argv, const lacuna::InferEngine& engine) {
    try {
        lacuna::check_stack();
        lacuna::Interrupt interrupt;
        if (engine.ranks > 1) {
            // The others have been ended, or wait for this one: there is nothing that could be finished.
            interrupt.set_grace(std::chrono::seconds(0));
            interrupt.set_message(
                "stopped: mpirun has ended the job, on request or because a rank was lost; no reply is "
                "written");
        }
        return run(argc, argv, interrupt, engine);
    } catch (const std::bad_alloc&) {
        // Takes no memory itself.
        std::fputs("lacuna: not enough memory; use fewer images or a smaller model\n", stderr);
        return failure;
    } catch (const std::exception& error) {
        return complain(error.what(), failure);
    }
}

}  // namespace

int main(int argc, char** argv) {
    // A file that may not grow any more is an error of write(), which has words for it.
    std::signal(SIGXFSZ, SIG_IGN);
    // A library that gives up calls exit().
    std::atexit(lacuna::remove_temporaries);
#ifdef LACUNA_MPI
    lacuna::Interrupt::block_signals();
    lacuna::Communicator communicator(argc, argv);
    if (communicator.rank() != 0) {
        lacuna::Interrupt::unblock_signals();
        return lacuna::work_for_rank_0(communicator);
    }
    lacuna::Ranks ranks(communicator);
    const int code = run_safely(argc, argv, ranks.engine());
    std::cerr.flush();
    ranks.finish(code);
    return code;
#else
    try {
        lacuna::become_mpi_program(argc, argv);
    } catch (const std::exception& error) {
        return complain(error.what(), failure);
    }
    return run_safely(argc, argv, lacuna::own_engine());
#endif
}
