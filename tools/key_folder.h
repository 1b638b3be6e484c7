// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include <lacuna/he/files/output_file.h>
#include <lacuna/he/files/protected_key.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// A client's folder: secret.key (mode 0600), public.key, evaluation.keys for the server, client.json, the
/// client's half of the plan, and key_set.id, the name of the key set. Encrypting and decrypting need
/// client.json, key_set.id and the key that they use; public.key and evaluation.keys are compared with that
/// where they are there. Earlier releases wrote no key_set.id: then evaluation.keys has to be there.
class KeyFolder {
  public:
    explicit KeyFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Writes all five files, or none, into the folder that is there, whose mode stays, or into a new one,
    /// mode 0700. They are made in a hidden folder inside it that is renamed when it is complete, and then
    /// moved; where this process is killed before, the next save() removes what it leaves, and where it is
    /// killed between the moves, whoever uses the folder next finishes them. Of several that save at a time
    /// the first one wins. Throws Error where the folder holds keys already and may not be overwritten, and
    /// where it holds anything else. With a passphrase the secret key is encrypted under it.
    void save(const Client& client, const EvaluationKeys& keys, Overwrite overwrite,
              const std::optional<Passphrase>& passphrase = std::nullopt) const;
    /// What save() would refuse, before there are keys.
    void check_free(Overwrite overwrite) const;
    /// Finishes what a killed save() left to be moved. Before anything is read.
    void complete() const;

    [[nodiscard]] ClientPlan plan() const { return load_client_plan(folder_ / "client.json"); }
    /// With the secret key; ask is called where that is under a passphrase. Throws Error where others than
    /// its owner may read it, and where public or evaluation keys in the folder were made with another secret
    /// or lack what the plan asks for.
    [[nodiscard]] Client client(const std::function<Passphrase()>& ask) const;
    /// Throws Error where evaluation keys in the folder hold another public key or lack what the plan asks
    /// for.
    [[nodiscard]] PublicKey public_key(const ClientPlan& plan, const Ring& ring) const;
    /// Throws Error where evaluation keys in the folder are another set's.
    [[nodiscard]] KeySetId id() const;
    /// The same, for new uploads. Throws Error where that is no name: evaluation keys of earlier releases
    /// that hold no key.
    [[nodiscard]] KeySetId upload_id(const ClientPlan& plan, const Ring& ring) const;

  private:
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] EvaluationKeys evaluation_keys(const ClientPlan& plan, const Ring& ring) const;

    std::filesystem::path folder_;
};

}  // namespace lacuna
