// SPDX-License-Identifier: Apache-2.0
// Plans an installed model with the installed library. Usage: plan FILE
#include <lacuna/nn/plan.h>

#include <iostream>

int main(int, char** argv) {
    const lacuna::Plan plan = lacuna::make_plan(lacuna::load_model(argv[1]), {.batch = 64});
    std::cout << plan.client.model << ": n = " << plan.client.parameters.n << '\n';
    return plan.reply_budget_bits > 0 ? 0 : 1;
}
