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
                    expect(ranks_, lane_.first + message.from, input);
                }
            }
        }
        ranks_.arrive();
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
        std::vector<std::pair<std::size_t, std::uint32_t>> coming;  // rank, value
        for (const Message& message : messages) {
            if (message.to == part_.rank) {
                for (const std::uint32_t number : message.values) {
                    coming.emplace_back(message.from, number);
                }
            }
        }
        // So many at a time that links are busy and memory is not.
        constexpr std::size_t batch = 16;
        Values addends;
        for (std::size_t begin = 0; begin < coming.size(); begin += batch) {
            const std::size_t end = std::min(begin + batch, coming.size());
            addends.clear();
            addends.reserve(end - begin);  // none may move while its words are expected
            for (std::size_t i = begin; i < end; ++i) {
                const Ciphertext& sum = values[place_of(numbers, coming[i].second)];
                addends.push_back(blank(context_.ring(), t_, sum.limbs(), sum.size(), sum.form()));
                expect(ranks_, lane_.first + coming[i].first, addends.back());
            }
            ranks_.arrive();
            for (std::size_t i = begin; i < end; ++i) {
                add_to(values[place_of(numbers, coming[i].second)], addends[i - begin],
                       part_.line(line).kind);
            }
        }
        ranks_.flush();
    }

    void add_to(Ciphertext& sum, const Ciphertext& addend, LineDivision::Kind kind) const {
        if (kind == LineDivision::Kind::giants) {
            add_partial_sum(context_, sum, addend);
            return;
        }
        for (std::size_t p = 0; p < sum.size(); ++p) {
            add(context_.ring().data(), sum.parts[p], addend.parts[p], sum.parts[p]);
        }
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

void expect(Communicator& ranks, std::size_t from, Ciphertext& ciphertext) {
    for (RnsPolynomial& part : ciphertext.parts) {
        ranks.expect(from, {part.limb(0), part.n() * part.limbs()});
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
