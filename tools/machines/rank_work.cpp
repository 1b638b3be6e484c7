// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/rank_work.h"

#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <lacuna/he/files/serialize.h>
#include "tools/machines/message_bytes.h"
#include "tools/machines/plan_message.h"
#include "tools/peak_memory.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

RankPlan::RankPlan(Communicator& ranks, const Model& model, const Plan& plan, Context context, Lane lane,
                   std::shared_ptr<const LaneDivision> division)
    : ranks_(ranks),
      lane_(std::move(lane)),
      part_{std::move(division), ranks.rank() - lane_.first, lane_.moduli},
      model_(model, plan, std::move(context), part_) {
    traffic_.lines.resize(plan.steps.size());
}

std::vector<Ciphertext> RankPlan::run(const EvaluationKeys& keys, std::size_t m, FreshPart input,
                                      const RunControl& control) {
    const Exchange exchange =
        exchange_of(ranks_, context(), plan(), lane_, part_, context().plain(m).t(), traffic_);
    return std::visit(
        [&](auto& fresh) { return model_.infer_part(keys, m, std::move(fresh), exchange, control); }, input);
}

namespace {

/// Rank 0's orders, one after the other.
class Worker {
  public:
    explicit Worker(Communicator& ranks) : ranks_(ranks) {}

    int run() {
        while (true) {
            MessageReader order(ranks_.await_bytes(0));
            switch (order.value<Order>()) {
                case Order::plan:
                    add_plan(order);
                    break;
                case Order::keys:
                    add_keys(order);
                    break;
                case Order::request:
                    answer(order);
                    break;
                case Order::account:
                    account();
                    break;
                case Order::finish:
                    return order.value<int>();
            }
        }
    }

  private:
    struct Planned {
        std::unique_ptr<RankPlan> plan;
        RunControl control;
    };

    void add_plan(MessageReader& order) {
        const auto number = order.value<std::uint64_t>();
        Planned planned;
        planned.control.threads = order.value<int>();
        check_threads(planned.control.threads);
        Lane lane;
        lane.first = order.value<std::size_t>();
        lane.ranks = order.value<std::size_t>();
        lane.moduli = order.list<std::size_t>();
        auto division = std::make_shared<const LaneDivision>(read_lane(order));
        const Plan plan = read_plan(order);
        const Model model = parse_model(order.text(), "model");
        planned.plan = std::make_unique<RankPlan>(ranks_, model, plan, Context(plan.client.parameters),
                                                  std::move(lane), std::move(division));
        plans_.insert_or_assign(number, std::move(planned));
    }

    void add_keys(MessageReader& order) {
        const auto number = order.value<std::uint64_t>();
        const RankPlan& plan = *plans_.at(order.value<std::uint64_t>()).plan;
        Source source(order.rest(), "evaluation keys");
        keys_.insert_or_assign(number, load_evaluation_keys(source, plan.context().ring()));
    }

    void answer(MessageReader& order) {
        const Planned& planned = plans_.at(order.value<std::uint64_t>());
        const EvaluationKeys& keys = keys_.at(order.value<std::uint64_t>());
        RankPlan& plan = *planned.plan;
        const bool seeded = order.value<bool>();
        std::vector<FreshPart> inputs;
        for (const std::size_t m : plan.lane().moduli) {
            inputs.push_back(seeded ? receive_seeded(order, plan, m) : receive_full(plan, m));
        }
        std::vector<std::vector<Ciphertext>> replies;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            replies.push_back(plan.run(keys, plan.lane().moduli[i], std::move(inputs[i]), planned.control));
        }
        // Not before the last modulus is done: until then rank 0 may wait for what it exchanges with this
        // one.
        for (const std::vector<Ciphertext>& reply : replies) {
            for (const Ciphertext& value : reply) {
                post(ranks_, 0, value);
                plan.traffic().replies += value_bytes(value.n(), value.limbs(), value.size());
            }
        }
        ranks_.flush();
    }

    FreshPart receive_seeded(MessageReader& order, const RankPlan& plan, std::size_t m) const {
        std::vector<SeededCiphertext> fresh(plan.division().inputs[plan.rank()].size());
        const Ring& ring = plan.context().ring();
        for (SeededCiphertext& value : fresh) {
            value.ring = ring.hash();
            value.t = plan.context().plain(m).t();
            value.seed = order.value<Seed>();
            value.c0 = RnsPolynomial::uninitialised(ring.n(), ring.max_limbs(), Form::coefficient);
            ranks_.expect(0, {value.c0.limb(0), ring.n() * ring.max_limbs()});
        }
        ranks_.arrive();
        return fresh;
    }

    FreshPart receive_full(const RankPlan& plan, std::size_t m) const {
        std::vector<Ciphertext> fresh(plan.division().inputs[plan.rank()].size());
        const Ring& ring = plan.context().ring();
        for (Ciphertext& value : fresh) {
            value = blank(ring, plan.context().plain(m).t(), ring.max_limbs(), 2);
            expect(ranks_, 0, value);
        }
        ranks_.arrive();
        return fresh;
    }

    void account() const {
        MessageWriter writer;
        writer.value(peak_memory_bytes());
        writer.value(plans_.size());
        for (const auto& [number, planned] : plans_) {
            const Traffic& traffic = planned.plan->traffic();
            writer.value(number);
            writer.list(traffic.lines);
            writer.value(traffic.replies);
        }
        ranks_.send_bytes(0, writer.bytes());
    }

    Communicator& ranks_;
    std::map<std::uint64_t, Planned> plans_;
    std::map<std::uint64_t, EvaluationKeys> keys_;
};

}  // namespace

int work_for_rank_0(Communicator& ranks) {
    std::string problem;
    try {
        return Worker(ranks).run();
    } catch (const std::bad_alloc&) {
        problem = "not enough memory; use more machines";
    } catch (const std::exception& error) {
        problem = error.what();
    }
    std::fprintf(stderr, "lacuna: rank %zu: %s; no reply is written\n", ranks.rank(),
                 terminal_text(problem).c_str());
    std::fflush(stderr);
    ranks.abort(1);
}

}  // namespace lacuna
