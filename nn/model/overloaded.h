// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lacuna {

/// One function object out of several, for std::visit.
template <typename... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace lacuna
