// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/plan_message.h"

#include <lacuna/nn/client/client_plan.h>

namespace lacuna {

namespace {

void write_step(MessageWriter& writer, const Step& step) {
    writer.value(step.kind);
    writer.value(step.line);
    writer.value(step.elements);
    writer.value(step.limbs);
    writer.value(step.size);
}

Step read_step(MessageReader& reader) {
    Step step;
    step.kind = reader.value<decltype(Step::kind)>();
    step.line = reader.value<std::size_t>();
    step.elements = reader.value<std::size_t>();
    step.limbs = reader.value<std::size_t>();
    step.size = reader.value<std::size_t>();
    return step;
}

void write_line(MessageWriter& writer, const PlanStep& line) {
    writer.value(line.kind);
    writer.text(line.name);
    for (const std::size_t number :
         {line.begin, line.end, line.layer, line.elements, line.limbs, line.size}) {
        writer.value(number);
    }
    writer.value(line.cost);
    writer.value(line.flood_bits);
}

PlanStep read_line(MessageReader& reader) {
    PlanStep line;
    line.kind = reader.value<PlanStep::Kind>();
    line.name = reader.text();
    for (std::size_t* number :
         {&line.begin, &line.end, &line.layer, &line.elements, &line.limbs, &line.size}) {
        *number = reader.value<std::size_t>();
    }
    line.cost = reader.value<double>();
    line.flood_bits = reader.value<int>();
    return line;
}

void write_account(MessageWriter& writer, const std::optional<DiagonalAccount>& account) {
    writer.value(account.has_value());
    if (account) {
        for (const std::size_t number :
             {account->inputs, account->outputs, account->products, account->babies, account->giants,
              account->most_giants, account->parts}) {
            writer.value(number);
        }
        writer.value(account->chained);
        writer.list(account->folds);
        writer.value(account->norms);
    }
}

std::optional<DiagonalAccount> read_account(MessageReader& reader) {
    if (!reader.value<bool>()) {
        return std::nullopt;
    }
    DiagonalAccount account;
    for (std::size_t* number : {&account.inputs, &account.outputs, &account.products, &account.babies,
                                &account.giants, &account.most_giants, &account.parts}) {
        *number = reader.value<std::size_t>();
    }
    account.chained = reader.value<bool>();
    account.folds = reader.list<std::size_t>();
    account.norms = reader.value<DiagonalNorms>();
    return account;
}

void write_shares(MessageWriter& writer, const Shares& shares) {
    writer.value(shares.size());
    for (const auto& share : shares) {
        writer.list(share);
    }
}

Shares read_shares(MessageReader& reader) {
    Shares shares(reader.value<std::size_t>());
    for (auto& share : shares) {
        share = reader.list<std::uint32_t>();
    }
    return shares;
}

void write_messages(MessageWriter& writer, const std::vector<Message>& messages) {
    writer.value(messages.size());
    for (const Message& message : messages) {
        writer.value(message.from);
        writer.value(message.to);
        writer.list(message.values);
    }
}

std::vector<Message> read_messages(MessageReader& reader) {
    std::vector<Message> messages(reader.value<std::size_t>());
    for (Message& message : messages) {
        message.from = reader.value<std::size_t>();
        message.to = reader.value<std::size_t>();
        message.values = reader.list<std::uint32_t>();
    }
    return messages;
}

}  // namespace

void write_plan(MessageWriter& writer, const Plan& plan) {
    writer.text(format_client_plan(plan.client));
    writer.value(plan.model_digest);
    writer.value(plan.program.size());
    for (const Step& step : plan.program) {
        write_step(writer, step);
    }
    writer.value(plan.steps.size());
    for (const PlanStep& line : plan.steps) {
        write_line(writer, line);
    }
    writer.value(plan.recipe.stages.size());
    for (const Stage& stage : plan.recipe.stages) {
        writer.value(stage.linear);
        write_account(writer, stage.diagonals);
    }
    writer.list(plan.recipe.ways);
}

Plan read_plan(MessageReader& reader) {
    Plan plan;
    plan.client = parse_client_plan(reader.text(), "plan");
    plan.model_digest = reader.value<Digest>();
    plan.program.resize(reader.value<std::size_t>());
    for (Step& step : plan.program) {
        step = read_step(reader);
    }
    plan.steps.resize(reader.value<std::size_t>());
    for (PlanStep& line : plan.steps) {
        line = read_line(reader);
    }
    plan.recipe.stages.resize(reader.value<std::size_t>());
    for (Stage& stage : plan.recipe.stages) {
        stage.linear = reader.value<bool>();
        stage.diagonals = read_account(reader);
    }
    plan.recipe.ways = reader.list<PackedWay>();
    return plan;
}

void write_lane(MessageWriter& writer, const LaneDivision& division) {
    writer.value(division.ranks);
    write_shares(writer, division.inputs);
    writer.value(division.lines.size());
    for (const LineDivision& line : division.lines) {
        writer.value(line.kind);
        write_shares(writer, line.needs);
        write_shares(writer, line.computes);
        write_shares(writer, line.has);
        write_messages(writer, line.messages);
        write_messages(writer, line.returns);
        writer.value(line.value_bytes);
        writer.value(line.sum_bytes);
    }
    writer.value(division.input_bytes);
    writer.value(division.reply_bytes);
}

LaneDivision read_lane(MessageReader& reader) {
    LaneDivision division;
    division.ranks = reader.value<std::size_t>();
    division.inputs = read_shares(reader);
    division.lines.resize(reader.value<std::size_t>());
    for (LineDivision& line : division.lines) {
        line.kind = reader.value<LineDivision::Kind>();
        line.needs = read_shares(reader);
        line.computes = read_shares(reader);
        line.has = read_shares(reader);
        line.messages = read_messages(reader);
        line.returns = read_messages(reader);
        line.value_bytes = reader.value<std::uint64_t>();
        line.sum_bytes = reader.value<std::uint64_t>();
    }
    division.input_bytes = reader.value<std::uint64_t>();
    division.reply_bytes = reader.value<std::uint64_t>();
    return division;
}

}  // namespace lacuna
