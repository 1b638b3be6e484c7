// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <pybind11/pybind11.h>

#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>

namespace lacuna::python {

/// What an argument may be to blame for: lacuna.InputError in Python, a ValueError.
class InputError : public Error {
  public:
    using Error::Error;
};

/// lacuna.Error and lacuna.InputError, and what becomes of the library's exceptions.
void bind_errors(pybind11::module_& module);

/// How many threads a call works with: `threads`, or every core of this process. Throws InputError for fewer
/// than one.
[[nodiscard]] int thread_count(std::optional<int> threads);

namespace detail {
void run(const RunControl& control, const std::function<void(const RunControl&)>& work);
}

/// Short work on values, without the GIL. An Error of it is an InputError.
template <typename Work>
auto of_values(const Work& work) {
    const pybind11::gil_scoped_release release;
    try {
        return work();
    } catch (const Stopped&) {
        throw;
    } catch (const Error& problem) {
        throw InputError(problem.what());
    }
}

/// Long work, without the GIL, with that many threads. On Python's main thread it runs on a thread beside,
/// while this one looks for signals: after Ctrl-C the work is asked to stop, and what the signal's handler
/// raised, KeyboardInterrupt for one, is raised here as soon as it has.
template <typename Work>
auto interruptible(std::optional<int> threads, const Work& work) {
    using Result = std::invoke_result_t<Work, const RunControl&>;
    RunControl control;
    control.threads = thread_count(threads);
    if constexpr (std::is_void_v<Result>) {
        detail::run(control, work);
    } else {
        std::optional<Result> result;
        detail::run(control, [&](const RunControl& running) { result.emplace(work(running)); });
        return std::move(*result);
    }
}

/// The same for work on values alone: an Error of it is an InputError.
template <typename Work>
auto interruptible_of_values(std::optional<int> threads, const Work& work) {
    return interruptible(threads, [&](const RunControl& control) {
        try {
            return work(control);
        } catch (const Stopped&) {
            throw;
        } catch (const Error& problem) {
            throw InputError(problem.what());
        }
    });
}

}  // namespace lacuna::python
