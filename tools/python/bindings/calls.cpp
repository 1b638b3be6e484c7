// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/calls.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

namespace lacuna::python {

namespace py = pybind11;

namespace {

constexpr int most_threads = 1024;  // as --threads of the command
constexpr std::chrono::milliseconds signal_interval{20};

/// Python runs the handlers of signals there and nowhere else.
bool on_main_thread() {
    const py::module_ threading = py::module_::import("threading");
    return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

/// Work on a thread of its own, which somebody waits for.
class BackgroundWork {
  public:
    explicit BackgroundWork(std::function<void()> work) : work_(std::move(work)) {
        try {
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error& problem) {
            throw Error(std::string("expected a thread to work on, found that the system gives none (") +
                        problem.what() +
                        "); raise the limits on processes and memory (ulimit -u, ulimit -v)");
        }
    }
    ~BackgroundWork() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    BackgroundWork(const BackgroundWork&) = delete;
    BackgroundWork& operator=(const BackgroundWork&) = delete;

    /// Whether it has ended by then.
    bool wait(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        return ended_changed_.wait_for(lock, time, [this] { return ended_; });
    }
    /// Throws what the work threw.
    void finish() {
        thread_.join();
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

  private:
    void run() {
        try {
            work_();
        } catch (...) {
            failure_ = std::current_exception();
        }
        const std::lock_guard lock(mutex_);
        ended_ = true;
        ended_changed_.notify_all();
    }

    std::function<void()> work_;
    std::exception_ptr failure_;
    std::mutex mutex_;
    std::condition_variable ended_changed_;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace

void bind_errors(py::module_& module) {
    // They live as long as the interpreter: translators run until its end.
    static const py::handle error = py::exception<Error>(module, "Error").release();
    const py::tuple bases = py::make_tuple(error, py::handle(PyExc_ValueError));
    static const py::handle input_error = py::exception<InputError>(module, "InputError", bases).release();
    error.attr("__module__") = "lacuna";
    input_error.attr("__module__") = "lacuna";
    error.attr("__doc__") =
        "What went wrong, in the library's words: what was expected, what was found, what to do.";
    input_error.attr("__doc__") = "An Error about the values that a call was given: a ValueError, too.";
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const InputError& problem) {
            PyErr_SetString(input_error.ptr(), problem.what());
        } catch (const Error& problem) {
            PyErr_SetString(error.ptr(), problem.what());
        }
    });
}

int thread_count(std::optional<int> threads) {
    if (threads && (*threads < 1 || *threads > most_threads)) {
        throw InputError("threads: expected 1 ... " + std::to_string(most_threads) + ", found " +
                         std::to_string(*threads));
    }
    return threads.value_or(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
}

void detail::run(const RunControl& control, const std::function<void(const RunControl&)>& work) {
    if (!on_main_thread()) {
        const py::gil_scoped_release release;
        work(control);
        return;
    }
    std::stop_source stop;
    RunControl stoppable = control;
    stoppable.stop = stop.get_token();
    std::optional<py::error_already_set> raised;
    std::exception_ptr failure;
    {
        const py::gil_scoped_release release;
        BackgroundWork background([&] { work(stoppable); });
        while (!background.wait(signal_interval)) {
            const py::gil_scoped_acquire acquire;
            if (!raised && PyErr_CheckSignals() != 0) {
                raised.emplace();
                stop.request_stop();
            }
        }
        try {
            background.finish();
        } catch (...) {
            failure = std::current_exception();
        }
    }
    if (raised) {
        throw std::move(*raised);
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace lacuna::python
