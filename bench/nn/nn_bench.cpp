// SPDX-License-Identifier: Apache-2.0
//
// Encrypted inference of every shipped model under every packing that can hold it, one thread where the
// name says no other, on the sample digits: the plan, the client's half, the server's half. Names are
// <stage>_<packing>/lacuna/<model>. One request is 8192 images in the slots (the digits over and over), one
// image in radix, without circuit privacy. The deepest models take minutes and gigabytes: give a filter.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/session.h>
#include "bench/support/machine.h"
#include "tools/idx.h"

namespace lacuna::bench {
namespace {

const std::filesystem::path source = LACUNA_SOURCE_DIR;

struct Subject {
    std::filesystem::path model;
    Packing packing;

    [[nodiscard]] PlanRequest request() const {
        PlanRequest request;
        request.packing = packing;
        request.batch = packing == Packing::slots ? 8192 : 1;
        return request;
    }
    bool operator==(const Subject&) const = default;
};

/// A client and a server for one model, and a request.
struct Service {
    explicit Service(const Subject& which)
        : subject(which),
          model(load_model(which.model)),
          plan(make_plan(model, which.request())),
          client(plan.client),
          keys(client.evaluation_keys()),
          session(model, plan, keys) {
        const IdxImages digits = read_digits(source / "tools/digits").images;
        for (std::size_t b = 0; b < plan.client.batch; ++b) {  // cut or repeated where inputs are no digits
            const auto image = digits.image(b % digits.count);
            for (std::size_t i = 0; i < model.input_shape.size(); ++i) {
                pixels.push_back(image[i % image.size()]);
            }
        }
        upload = client.encrypt(pixels);
        session.reserve();
        reply = session.infer(SeededTensor(upload));
    }

    Subject subject;
    Model model;
    Plan plan;
    Client client;
    EvaluationKeys keys;
    Session session;
    std::vector<std::uint8_t> pixels;
    SeededTensor upload;
    EncryptedTensor reply;
};

/// One at a time: a service can hold gigabytes.
const Service& service(const Subject& subject) {
    static std::unique_ptr<const Service> current;
    if (current == nullptr || current->subject != subject) {
        current.reset();
        current = std::make_unique<const Service>(subject);
    }
    return *current;
}

void time_plan(benchmark::State& state, const Subject& subject) {
    const Model model = load_model(subject.model);
    for (auto _ : state) {
        benchmark::DoNotOptimize(make_plan(model, subject.request()));
    }
}

void time_keys(benchmark::State& state, const Subject& subject) {
    const Service& x = service(subject);
    for (auto _ : state) {
        const Client client(x.plan.client);
        benchmark::DoNotOptimize(client.evaluation_keys());
    }
}

void time_encryption(benchmark::State& state, const Subject& subject) {
    const Service& x = service(subject);
    for (auto _ : state) {
        benchmark::DoNotOptimize(x.client.encrypt(x.pixels));
    }
}

void time_session(benchmark::State& state, const Subject& subject) {
    const Service& x = service(subject);
    for (auto _ : state) {
        state.PauseTiming();
        EvaluationKeys keys = x.keys;  // a session takes them over
        std::optional<Session> session;
        state.ResumeTiming();
        session.emplace(x.model, x.plan, std::move(keys));
        state.PauseTiming();
        session.reset();
        state.ResumeTiming();
    }
}

void infer(benchmark::State& state, const Subject& subject, int threads) {
    const Service& x = service(subject);
    RunControl control;
    control.threads = threads;
    for (auto _ : state) {
        state.PauseTiming();
        SeededTensor upload = x.upload;  // inference uses it up
        state.ResumeTiming();
        benchmark::DoNotOptimize(x.session.infer(std::move(upload), control));
    }
}

void time_inference(benchmark::State& state, const Subject& subject) {
    infer(state, subject, 1);
}

void time_inference_on_all_cores(benchmark::State& state, const Subject& subject) {
    infer(state, subject, static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U)));
}

void time_decryption(benchmark::State& state, const Subject& subject) {
    const Service& x = service(subject);
    for (auto _ : state) {
        benchmark::DoNotOptimize(x.client.decrypt(x.reply));
    }
}

struct Stage {
    const char* name;
    void (*time)(benchmark::State&, const Subject&);
};

void register_subject(const Subject& subject) {
    const std::string file = subject.model.filename().string();
    const std::string model = file.substr(0, file.find(".lacuna.json"));
    for (const Stage& stage :
         {Stage{"plan", time_plan}, Stage{"keys", time_keys}, Stage{"encrypt", time_encryption},
          Stage{"session", time_session}, Stage{"infer", time_inference},
          Stage{"infer_all_cores", time_inference_on_all_cores}, Stage{"decrypt", time_decryption}}) {
        benchmark::RegisterBenchmark(
            (std::string(stage.name) + "_" + packing_name(subject.packing) + "/lacuna/" + model).c_str(),
            [subject, stage](benchmark::State& state) {
                try {
                    stage.time(state, subject);
                } catch (const Error& error) {
                    state.SkipWithError(error.what());  // this packing cannot hold this model
                }
            })
            ->Unit(benchmark::kMillisecond)
            ->MeasureProcessCPUTime();
    }
}

void register_models() {
    std::vector<std::filesystem::path> models;
    for (const auto& entry : std::filesystem::directory_iterator(source / "nn/models")) {
        if (entry.path().string().ends_with(".lacuna.json")) {
            models.push_back(entry.path());
        }
    }
    std::sort(models.begin(), models.end());
    for (const std::filesystem::path& model : models) {
        for (const Packing packing : {Packing::slots, Packing::radix, Packing::packed}) {
            register_subject({model, packing});
        }
    }
}

}  // namespace
}  // namespace lacuna::bench

int main(int argc, char** argv) {
    lacuna::bench::register_models();
    return lacuna::bench::run(argc, argv);
}
