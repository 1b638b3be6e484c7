// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/infer_engine.h"
#include "tools/machines/communicator.h"

namespace lacuna {

/// Rank 0's hold on the others: it shares requests out as a Division says. Errors on the way leave ranks that
/// wait for each other, so finish() then ends them all.
class Ranks {
  public:
    explicit Ranks(Communicator& ranks);
    ~Ranks();
    Ranks(const Ranks&) = delete;
    Ranks& operator=(const Ranks&) = delete;

    /// What `lacuna infer` computes with. This must outlive it.
    [[nodiscard]] InferEngine engine();
    /// The last call: sends the others home with this exit code.
    void finish(int code);

  private:
    class Work;

    Communicator& ranks_;
    std::shared_ptr<Work> work_;
};

}  // namespace lacuna
