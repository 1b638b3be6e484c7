// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/ranks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/plan/division.h>
#include "tools/machine_speed.h"
#include "tools/machines/message_bytes.h"
#include "tools/machines/plan_message.h"
#include "tools/machines/rank_work.h"
#include "tools/peak_memory.h"

namespace lacuna {

namespace {

/// A request of one team: an upload, or in the packed packing one set of its ciphertexts.
struct Part {
    std::size_t upload = 0;
    std::size_t set = 0;
};

/// How many parts an upload of so many images has.
std::size_t sets_of(const ClientPlan& client, std::size_t images) {
    return client.packing == Packing::packed ? client.input_layout(images).sets() : 1;
}

/// The words of a fresh ciphertext that travel.
void post_fresh(Communicator& ranks, std::size_t to, const SeededCiphertext& fresh) {
    ranks.post(to, {fresh.c0.limb(0), fresh.c0.n() * fresh.c0.limbs()});
}
void post_fresh(Communicator& ranks, std::size_t to, const Ciphertext& fresh) {
    post(ranks, to, fresh);
}
void write_seed(MessageWriter& writer, const SeededCiphertext& fresh) {
    writer.value(fresh.seed);
}
void write_seed(MessageWriter&, const Ciphertext&) {}

std::uint64_t bytes_of(const SeededCiphertext& fresh) {
    return value_bytes(fresh.c0.n(), fresh.c0.limbs(), 1) + sizeof(Seed);
}
std::uint64_t bytes_of(const Ciphertext& fresh) {
    return value_bytes(fresh.n(), fresh.limbs(), fresh.size());
}

/// The cores that mpirun has bound this process to; where it has not, its share of all of them.
int threads_of_a_rank() {
    const unsigned own = std::max(1U, std::thread::hardware_concurrency());
    const long all = sysconf(_SC_NPROCESSORS_ONLN);
    const char* const here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    const unsigned together = here != nullptr ? static_cast<unsigned>(std::max(1, std::atoi(here))) : 1;
    return static_cast<int>(static_cast<long>(own) < all ? own : std::max(1U, own / together));
}

}  // namespace

class Ranks::Work {
  public:
    explicit Work(Communicator& ranks) : ranks_(ranks) {}

    std::size_t prepare(const std::string& name, const Model& model, const Plan& plan, const Context& context,
                        const InferEngine::Setting& setting) {
        Planned& planned = plans_.emplace(name, Planned{}).first->second;
        planned.number = plans_.size();
        Machines machines;
        machines.ranks = ranks_.size();
        machines.bytes_per_second = setting.bytes_per_second;
        machines.nominal_seconds =
            seconds_per_nominal_second(plan.client.parameters) * 1e-9 / setting.threads;
        machines.uploads = setting.uploads;
        planned.division = divide(ExpandedModel(model), plan, machines);
        const std::string text = format_model(model);
        for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
            const Division::Post post = planned.division.post(rank);
            const Lane& lane = planned.division.teams[post.team][post.lane];
            MessageWriter order;
            order.value(Order::plan);
            order.value(planned.number);
            order.value(setting.threads);
            order.value(lane.first);
            order.value(lane.ranks);
            order.list(lane.moduli);
            write_lane(order, planned.division.of(lane));
            write_plan(order, plan);
            order.text(text);
            ranks_.send_bytes(rank, order.bytes());
        }
        const Lane& own = planned.division.teams.front().front();
        planned.own =
            std::make_unique<RankPlan>(ranks_, model, plan, context, own,
                                       std::make_shared<const LaneDivision>(planned.division.of(own)));
        const std::size_t sets = sets_of(plan.client, plan.client.batch);
        return (planned.division.teams.size() + sets - 1) / sets;
    }

    void add_keys(const std::string& name, const KeySetId& id, std::shared_ptr<const EvaluationKeys> keys) {
        const Planned& planned = plans_.at(name);
        planned.own->check(*keys);
        ByteStream bytes;
        save(bytes, planned.own->context().ring(), *keys);
        Keys& entry =
            keys_.emplace(std::pair{name, id}, Keys{keys_.size() + 1, std::move(keys)}).first->second;
        MessageWriter order;
        order.value(Order::keys);
        order.value(entry.number);
        order.value(planned.number);
        std::vector<std::uint8_t> message = order.bytes();
        message.insert(message.end(), bytes.bytes().begin(), bytes.bytes().end());
        for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
            ranks_.send_bytes(rank, message);
        }
    }

    std::vector<EncryptedTensor> answer(const std::string& name, const KeySetId& id,
                                        std::vector<Upload> uploads, const RunControl& control) {
        busy_ = true;
        Planned& planned = plans_.at(name);
        const Keys& keys = keys_.at({name, id});
        const ClientPlan& client = planned.own->plan().client;
        std::vector<Part> parts;
        std::vector<EncryptedTensor> replies(uploads.size());
        for (std::size_t u = 0; u < uploads.size(); ++u) {
            const std::size_t images =
                std::visit([](const auto& tensor) { return tensor.layout.batch; }, uploads[u]);
            replies[u].layout = client.reply_layout(images);
            replies[u].residues.resize(planned.own->plan().moduli());
            for (auto& residues : replies[u].residues) {
                residues.resize(replies[u].layout.ciphertexts());
            }
            for (std::size_t i = 0; i < sets_of(client, images); ++i) {
                parts.push_back({u, i});
            }
        }
        const std::size_t teams = planned.division.teams.size();
        for (std::size_t begin = 0; begin < parts.size(); begin += teams) {
            const std::size_t count = std::min(teams, parts.size() - begin);
            run_round(planned, keys, {parts.data() + begin, count}, uploads, replies, control);
        }
        busy_ = false;
        return replies;
    }

    void account(nlohmann::ordered_json& document) {
        std::vector<std::uint64_t> peaks = {peak_memory_bytes()};
        std::map<std::uint64_t, Traffic> sums;
        for (const auto& [name, planned] : plans_) {
            sums[planned.number] = planned.own->traffic();
        }
        MessageWriter order;
        order.value(Order::account);
        for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
            ranks_.send_bytes(rank, order.bytes());
            MessageReader answer(ranks_.receive_bytes(rank));
            peaks.push_back(answer.value<std::uint64_t>());
            const auto plans = answer.value<std::size_t>();
            for (std::size_t plan = 0; plan < plans; ++plan) {
                Traffic& sum = sums.at(answer.value<std::uint64_t>());
                const auto lines = answer.list<std::uint64_t>();
                std::transform(lines.begin(), lines.end(), sum.lines.begin(), sum.lines.begin(),
                               std::plus<>());
                sum.replies += answer.value<std::uint64_t>();
            }
        }
        document["ranks"] = ranks_.size();
        document["peak_memory_bytes_of_ranks"] = peaks;
        document["moved"] = nlohmann::ordered_json::array();
        for (const auto& [name, planned] : plans_) {
            document["moved"].push_back(moved(planned, sums.at(planned.number)));
        }
    }

    void finish(int code) {
        if (busy_) {
            ranks_.abort(code);
        }
        MessageWriter order;
        order.value(Order::finish);
        order.value(code);
        for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
            ranks_.send_bytes(rank, order.bytes());
        }
    }

  private:
    struct Planned {
        std::uint64_t number = 0;
        Division division;
        std::unique_ptr<RankPlan> own;
        std::vector<std::size_t> answered = {};  // [team]: requests
    };
    struct Keys {
        std::uint64_t number = 0;
        std::shared_ptr<const EvaluationKeys> keys;
    };

    /// One request for each of the first teams.
    void run_round(Planned& planned, const Keys& keys, std::span<const Part> parts,
                   std::vector<Upload>& uploads, std::vector<EncryptedTensor>& replies,
                   const RunControl& control) {
        planned.answered.resize(planned.division.teams.size());
        for (std::size_t t = 0; t < parts.size(); ++t) {
            ++planned.answered[t];
            for (const Lane& lane : planned.division.teams[t]) {
                for (std::size_t rank = 0; rank < lane.ranks; ++rank) {
                    if (lane.first + rank != 0) {
                        send(planned, keys, lane, rank, parts[t], uploads[parts[t].upload]);
                    }
                }
            }
        }
        ranks_.flush();
        const Lane& own = planned.own->lane();
        for (const std::size_t m : own.moduli) {
            std::vector<Ciphertext> values = planned.own->run(
                *keys.keys, m, take(planned, m, parts[0], uploads[parts[0].upload]), control);
            place(planned, own, 0, m, parts[0], std::move(values), replies);
        }
        for (std::size_t t = 0; t < parts.size(); ++t) {
            for (const Lane& lane : planned.division.teams[t]) {
                for (std::size_t rank = 0; rank < lane.ranks; ++rank) {
                    for (const std::size_t m : lane.moduli) {
                        if (lane.first + rank != 0) {
                            place(planned, lane, rank, m, parts[t], receive_reply(planned, lane, rank, m),
                                  replies);
                        }
                    }
                }
            }
        }
    }

    /// Where a value of one request is in the upload's residues.
    static std::size_t index_of(const Planned& planned, const Part& part, std::uint32_t value) {
        return part.set * planned.own->plan().client.input_layout(1).each + value;
    }

    void send(Planned& planned, const Keys& keys, const Lane& lane, std::size_t rank, const Part& part,
              const Upload& upload) {
        const auto& numbers = planned.division.of(lane).inputs[rank];
        std::visit(
            [&](const auto& tensor) {
                MessageWriter order;
                order.value(Order::request);
                order.value(planned.number);
                order.value(keys.number);
                order.value(std::holds_alternative<SeededTensor>(upload));
                for (const std::size_t m : lane.moduli) {
                    for (const std::uint32_t value : numbers) {
                        write_seed(order, tensor.residues[m][index_of(planned, part, value)]);
                    }
                }
                ranks_.send_bytes(lane.first + rank, order.bytes());
                for (const std::size_t m : lane.moduli) {
                    for (const std::uint32_t value : numbers) {
                        const auto& fresh = tensor.residues[m][index_of(planned, part, value)];
                        post_fresh(ranks_, lane.first + rank, fresh);
                        planned.own->traffic().requests += bytes_of(fresh);
                    }
                }
            },
            upload);
    }

    /// Rank 0's own part, which nobody needs any more.
    static FreshPart take(const Planned& planned, std::size_t m, const Part& part, Upload& upload) {
        return std::visit(
            [&](auto& tensor) -> FreshPart {
                auto& residues = tensor.residues[m];
                std::remove_reference_t<decltype(residues)> own;
                for (const std::uint32_t value : planned.own->division().inputs[0]) {
                    own.push_back(std::move(residues[index_of(planned, part, value)]));
                }
                return own;
            },
            upload);
    }

    std::vector<Ciphertext> receive_reply(const Planned& planned, const Lane& lane, std::size_t rank,
                                          std::size_t m) {
        const Context& context = planned.own->context();
        const PlanStep& last = planned.own->plan().steps.back();
        std::vector<Ciphertext> values;
        values.reserve(planned.division.of(lane).lines.back().has[rank].size());
        for (std::size_t i = planned.division.of(lane).lines.back().has[rank].size(); i-- > 0;) {
            values.push_back(blank(context.ring(), context.plain(m).t(), last.limbs, last.size));
            expect(ranks_, lane.first + rank, values.back());
        }
        ranks_.arrive();
        return values;
    }

    static void place(const Planned& planned, const Lane& lane, std::size_t rank, std::size_t m,
                      const Part& part, std::vector<Ciphertext> values,
                      std::vector<EncryptedTensor>& replies) {
        const auto& numbers = planned.division.of(lane).lines.back().has[rank];
        EncryptedTensor& reply = replies[part.upload];
        for (std::size_t i = 0; i < values.size(); ++i) {
            reply.residues[m][part.set * reply.layout.each + numbers[i]] = std::move(values[i]);
        }
    }

    /// Measured beside predicted.
    static nlohmann::ordered_json moved(const Planned& planned, const Traffic& traffic) {
        const auto predicted = [&](const auto& of_team) {
            std::uint64_t sum = 0;
            for (std::size_t t = 0; t < planned.answered.size(); ++t) {
                sum += planned.answered[t] * of_team(planned.division.teams[t]);
            }
            return sum;
        };
        const Division& division = planned.division;
        nlohmann::ordered_json rows = nlohmann::ordered_json::array();
        rows.push_back(
            {{"what", "request"}, {"bytes", traffic.requests}, {"predicted", predicted([&](const Team& team) {
                                                                    return division.request_bytes(team);
                                                                })}});
        for (std::size_t line = 0; line < traffic.lines.size(); ++line) {
            rows.push_back({{"what", planned.own->plan().steps[line].name},
                            {"bytes", traffic.lines[line]},
                            {"predicted",
                             predicted([&](const Team& team) { return division.line_bytes(team, line); })}});
        }
        rows.push_back(
            {{"what", "reply"}, {"bytes", traffic.replies}, {"predicted", predicted([&](const Team& team) {
                                                                 return division.reply_bytes(team);
                                                             })}});
        return rows;
    }

    Communicator& ranks_;
    std::map<std::string, Planned> plans_;
    std::map<std::pair<std::string, KeySetId>, Keys> keys_;
    bool busy_ = false;
};

Ranks::Ranks(Communicator& ranks) : ranks_(ranks), work_(std::make_shared<Work>(ranks)) {}

Ranks::~Ranks() = default;

InferEngine Ranks::engine() {
    InferEngine engine;
    engine.ranks = ranks_.size();
    engine.threads = threads_of_a_rank();
    engine.prepare = [work = work_](const std::string& name, const Model& model, const Plan& plan,
                                    const Context& context, const InferEngine::Setting& setting) {
        return work->prepare(name, model, plan, context, setting);
    };
    engine.add_keys = [work = work_](const std::string& name, const KeySetId& id,
                                     std::shared_ptr<const EvaluationKeys> keys) {
        work->add_keys(name, id, std::move(keys));
    };
    engine.answer = [work = work_](const std::string& name, const KeySetId& id, std::vector<Upload> uploads,
                                   const RunControl& control) {
        return work->answer(name, id, std::move(uploads), control);
    };
    engine.account = [work = work_](nlohmann::ordered_json& document) { work->account(document); };
    return engine;
}

void Ranks::finish(int code) {
    work_->finish(code);
}

}  // namespace lacuna
