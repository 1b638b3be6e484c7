// SPDX-License-Identifier: Apache-2.0
#include "tools/key_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "he/key_match.h"
#include "he/serialize.h"
#include "nn/key_set.h"
#include "ntt/error.h"

namespace lacuna {

namespace {

constexpr std::array<std::string_view, 4> names = {"secret.key", "public.key", "evaluation.keys",
                                                   "client.json"};

/// A folder beside another, removed with the files it has unless it has taken the other's place.
class StagingFolder {
  public:
    explicit StagingFolder(const std::filesystem::path& target) : target_(target) {
        std::string hidden = ".";
        hidden.append(target.filename().string()).append(".XXXXXX");
        std::string name = (target.parent_path() / hidden).string();
        if (::mkdtemp(name.data()) == nullptr) {
            fail();
        }
        path_ = name;
    }
    ~StagingFolder() {
        for (const std::string_view name : names) {
            ::unlink((path_ / name).c_str());
        }
        ::rmdir(path_.c_str());
    }
    StagingFolder(const StagingFolder&) = delete;
    StagingFolder& operator=(const StagingFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// Afterwards this is the old folder, if there was one.
    void take_place() const {
        // Where the target is a folder with files, the two change places in one step.
        if (::rename(path_.c_str(), target_.c_str()) != 0 &&
            ((errno != EEXIST && errno != ENOTEMPTY) ||
             ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0)) {
            fail();
        }
    }

  private:
    [[noreturn]] void fail() const {
        throw Error(target_.string() + ": cannot create this folder: " + std::strerror(errno) +
                    "; check the folder above it and its permissions");
    }

    std::filesystem::path target_;
    std::filesystem::path path_;
};

/// Without "." and "..", and without a slash at the end, so that there is a name to rename.
std::filesystem::path plain_path(const std::filesystem::path& folder) {
    const std::filesystem::path plain = std::filesystem::weakly_canonical(folder);
    return plain.has_filename() ? plain : plain.parent_path();
}

[[noreturn]] void fail_mixed(const std::filesystem::path& file, const std::string& expected) {
    throw Error(file.string() + ": expected " + expected +
                " beside it, found another's; keep the files of one `lacuna keygen` together");
}

}  // namespace

void KeyFolder::check_free(Overwrite overwrite) const {
    std::error_code problem;
    if (!std::filesystem::exists(folder_, problem)) {
        return;
    }
    if (!std::filesystem::is_directory(folder_, problem)) {
        throw Error(folder_.string() + ": expected a folder for the keys, found a file");
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        const std::string name = entry.path().filename().string();
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            throw Error(folder_.string() + ": expected a new or empty folder, found '" + name +
                        "' in it; keys go into a folder of their own");
        }
        if (overwrite == Overwrite::refuse) {
            throw Error(
                entry.path().string() +
                ": exists already; use another folder, or --force to replace the keys (what was encrypted "
                "with them can then never be decrypted)");
        }
    }
}

void KeyFolder::save(const Client& client, const EvaluationKeys& keys, Overwrite overwrite) const {
    check_free(overwrite);
    const Ring& ring = client.context().ring();
    const StagingFolder staging(plain_path(folder_));
    save_file(staging.path() / "secret.key", ring, client.secret_key(), Overwrite::refuse);
    save_file(staging.path() / "public.key", ring, keys.public_key ? *keys.public_key : client.public_key(),
              Overwrite::refuse);
    save_file(staging.path() / "evaluation.keys", ring, keys, Overwrite::refuse);
    write_file(staging.path() / "client.json", Access::everyone, Overwrite::refuse,
               [&](std::ostream& stream) { stream << format_client_plan(client.plan()); });
    check_free(overwrite);
    staging.take_place();
}

EvaluationKeys KeyFolder::evaluation_keys(const ClientPlan& plan, const Ring& ring) const {
    const std::filesystem::path file = folder_ / "evaluation.keys";
    EvaluationKeys keys = load_evaluation_keys(file, ring);
    check_evaluation_keys(plan, keys, file.string());
    return keys;
}

PublicKey KeyFolder::public_key(const ClientPlan& plan, const Ring& ring) const {
    const std::filesystem::path file = folder_ / "public.key";
    PublicKey key = load_public_key(file, ring);
    // Folders of earlier releases may have no public key among the evaluation keys to compare with.
    if (!holds(evaluation_keys(plan, ring), key).value_or(true)) {
        fail_mixed(file, "the public key of the evaluation.keys");
    }
    return key;
}

KeySetId KeyFolder::upload_id(const ClientPlan& plan, const Ring& ring) const {
    if (!names_a_client(evaluation_keys(plan, ring))) {
        throw Error((folder_ / "evaluation.keys").string() +
                    ": expected at least one key, found none, as earlier releases left it; another client's "
                    "key set has the same name, and replies could not be told apart: make new keys with "
                    "`lacuna keygen`");
    }
    return id();
}

Client KeyFolder::client() const {
    const ClientPlan plan = this->plan();
    const std::filesystem::path file = folder_ / "secret.key";
    struct stat status {};
    constexpr mode_t others = S_IRWXG | S_IRWXO;
    if (::stat(file.c_str(), &status) == 0 && (status.st_mode & others) != 0) {
        throw Error(file.string() +
                    ": expected a file that only its owner may read, found one open to others; chmod 600 it");
    }
    const Context context(plan.parameters);
    const Ring& ring = context.ring();
    Client client(plan, load_secret_key(file, ring));
    if (!matches(ring, client.secret_key(), load_public_key(folder_ / "public.key", ring))) {
        fail_mixed(file, "the secret of the public.key");
    }
    if (!matches(ring, client.secret_key(), evaluation_keys(plan, ring))) {
        fail_mixed(file, "the secret of the evaluation.keys");
    }
    return client;
}

}  // namespace lacuna
