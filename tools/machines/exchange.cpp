// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/exchange.h"

#include <algorithm>
#include <map>
#include <utility>

#include <lacuna/he/evaluation/diagonal_product.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna {

namespace {

using Values = std::vector<Ciphertext>;
using Numbers = std::vector<std::uint32_t>;

std::size_t place_of(const Numbers& numbers, std::uint32_t number) {
    return static_cast<std::size_t>(std::lower_bound(numbers.begin(), numbers.end(), number) -
                                    numbers.begin());
}

/// One lane's ranks between two lines.
class LineExchange {
  public:
    LineExchange(Communicator& ranks, const Context& context, const Plan& plan, const Lane& lane,
                 const ModelPart& part, const PlainModulus& t, Traffic& traffic)
        : ranks_(ranks), context_(context), plan_(plan), lane_(lane), part_(part), t_(t), traffic_(traffic) {}

    void before(std::size_t line, Values& values) const {
        const LineDivision& division = part_.line(line);
        if (division.kind == LineDivision::Kind::sums || line == 0) {
            return;  // they are there already
        }
        const Numbers& held = part_.line(line - 1).has[part_.rank];
        const Numbers& needs = division.needs[part_.rank];
        send(division.messages, line, held, values);
        Values inputs(needs.size());
        const PlanStep& level = plan_.steps[line - 1];
        for (const Message& message : division.messages) {
            if (message.to == part_.rank) {
                for (const std::uint32_t number : message.values) {
                    Ciphertext& input = inputs[place_of(needs, number)];
                    input = blank(context_.ring(), t_, level.limbs, level.size);
                    receive(ranks_, lane_.first + message.from, input);
                }
            }
        }
        ranks_.flush();
        for (std::size_t i = 0; i < held.size(); ++i) {
            const std::size_t place = place_of(needs, held[i]);
            if (place < needs.size() && needs[place] == held[i]) {
                inputs[place] = std::move(values[i]);
            }
        }
        values = std::move(inputs);
    }

    void after(std::size_t line, Values& values) const {
        const LineDivision& division = part_.line(line);
        const Numbers& has = division.has[part_.rank];
        if (division.kind == LineDivision::Kind::sums) {
            const Numbers& computed = division.computes[part_.rank];
            add_up(division.messages, line, computed, values);
            Values own;
            for (const std::uint32_t number : has) {
                own.push_back(std::move(values[place_of(computed, number)]));
            }
            values = std::move(own);
        } else if (division.kind == LineDivision::Kind::giants) {
            Numbers outputs = has;  // of the first rank: all
            for (const Message& message : division.returns) {
                if (message.from == part_.rank) {
                    outputs = message.values;
                }
            }
            add_up(division.returns, line, outputs, values);
            values.resize(has.size());
        }
    }

  private:
    void send(const std::vector<Message>& messages, std::size_t line, const Numbers& held,
              const Values& values) const {
        for (const Message& message : messages) {
            if (message.from == part_.rank) {
                for (const std::uint32_t number : message.values) {
                    const Ciphertext& value = values[place_of(held, number)];
                    post(ranks_, lane_.first + message.to, value);
                    traffic_.lines[line] += value_bytes(value.n(), value.limbs(), value.size());
                }
            }
        }
    }

    /// Sends partial sums and adds those that come to the own ones.
    void add_up(const std::vector<Message>& messages, std::size_t line, const Numbers& numbers,
                Values& values) const {
        send(messages, line, numbers, values);
        const Ring& ring = context_.ring();
        for (const Message& message : messages) {
            if (message.to != part_.rank) {
                continue;
            }
            for (const std::uint32_t number : message.values) {
                Ciphertext& sum = values[place_of(numbers, number)];
                Ciphertext addend = blank(ring, t_, sum.limbs(), sum.size(), sum.form());
                receive(ranks_, lane_.first + message.from, addend);
                if (part_.line(line).kind == LineDivision::Kind::giants) {
                    add_partial_sum(context_, sum, addend);
                    continue;
                }
                for (std::size_t p = 0; p < sum.size(); ++p) {
                    add(ring.data(), sum.parts[p], addend.parts[p], sum.parts[p]);
                }
            }
        }
        ranks_.flush();
    }

    Communicator& ranks_;
    const Context& context_;
    const Plan& plan_;
    const Lane& lane_;
    const ModelPart& part_;
    PlainModulus t_;
    Traffic& traffic_;
};

}  // namespace

void post(Communicator& ranks, std::size_t to, const Ciphertext& ciphertext) {
    for (const RnsPolynomial& part : ciphertext.parts) {
        ranks.post(to, {part.limb(0), part.n() * part.limbs()});
    }
}

void receive(const Communicator& ranks, std::size_t from, Ciphertext& ciphertext) {
    for (RnsPolynomial& part : ciphertext.parts) {
        ranks.receive(from, {part.limb(0), part.n() * part.limbs()});
    }
}

Ciphertext blank(const Ring& ring, const PlainModulus& t, std::size_t limbs, std::size_t parts, Form form) {
    Ciphertext ciphertext;
    ciphertext.ring = ring.hash();
    ciphertext.t = t;
    for (std::size_t part = 0; part < parts; ++part) {
        ciphertext.parts.push_back(RnsPolynomial::uninitialised(ring.n(), limbs, form));
    }
    return ciphertext;
}

Exchange exchange_of(Communicator& ranks, const Context& context, const Plan& plan, const Lane& lane,
                     const ModelPart& part, const PlainModulus& t, Traffic& traffic) {
    const LineExchange line(ranks, context, plan, lane, part, t, traffic);
    return {[line](std::size_t index, Values& values) { line.before(index, values); },
            [line](std::size_t index, Values& values) { line.after(index, values); }};
}

}  // namespace lacuna
