// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace lacuna::bench {

/// What several benchmarks share and only read: made when the first of them runs, so that those that a filter
/// leaves out cost neither time nor memory. What a benchmark writes is its own, so that the result depends
/// neither on a filter nor on the order.
template <typename T>
class OnDemand {
  public:
    explicit OnDemand(std::function<std::unique_ptr<const T>()> make) : make_(std::move(make)) {}

    [[nodiscard]] const T& get() {
        if (value_ == nullptr) {
            value_ = make_();
        }
        return *value_;
    }

  private:
    std::function<std::unique_ptr<const T>()> make_;
    std::unique_ptr<const T> value_;
};

/// T(arguments...), made on demand; the arguments are kept.
template <typename T, typename... Arguments>
[[nodiscard]] std::shared_ptr<OnDemand<T>> on_demand(Arguments... arguments) {
    return std::make_shared<OnDemand<T>>([arguments...] { return std::make_unique<const T>(arguments...); });
}

}  // namespace lacuna::bench
