// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include <pybind11/pybind11.h>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/keys.h>

namespace lacuna::python {

/// A context and the evaluator behind its ciphertexts' operators, which is made when it is first needed.
class SharedContext {
  public:
    explicit SharedContext(const Parameters& parameters)
        : parameters_(resolve(parameters)), context_(parameters_) {}

    [[nodiscard]] const Parameters& parameters() const { return parameters_; }
    [[nodiscard]] const Context& context() const { return context_; }
    [[nodiscard]] const Ring& ring() const { return context_.ring(); }
    /// Without the GIL: another thread may be making it.
    [[nodiscard]] const Evaluator& evaluator() const {
        std::call_once(made_, [this] { evaluator_ = std::make_unique<const Evaluator>(context_); });
        return *evaluator_;
    }

  private:
    Parameters parameters_;
    Context context_;
    mutable std::once_flag made_;
    mutable std::unique_ptr<const Evaluator> evaluator_;
};

using ContextPointer = std::shared_ptr<SharedContext>;

/// A key or a ciphertext with the context that it belongs to.
template <typename Object>
struct Held {
    ContextPointer context;
    std::shared_ptr<const Object> object;
};

/// Parameters, Context, keys, encoders, Encryptor, Decryptor, Evaluator, Plaintext and Ciphertext.
void bind_scheme(pybind11::module_& module);

}  // namespace lacuna::python
