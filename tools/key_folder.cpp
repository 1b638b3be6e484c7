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
#include <fstream>
#include <sstream>
#include <string_view>

#include "he/decryptor.h"
#include "he/encryptor.h"
#include "he/serialize.h"
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

/// Another key set's secret would decrypt to noise without a word; an encryption of zero tells them apart.
void check_pair(const Client& client, const PublicKey& key, const std::filesystem::path& file) {
    const Context& context = client.context();
    const Ciphertext zero =
        Encryptor(context, key).encrypt_zero(context.plain().modulus().value(), context.ring().max_limbs());
    const Plaintext plaintext = Decryptor(context, client.secret_key()).decrypt(zero);
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        if (plaintext[i] != 0) {
            throw Error(
                file.string() +
                ": expected the secret of the public.key beside it, found another; keep the files of one "
                "`lacuna keygen` together");
        }
    }
}

}  // namespace

ClientPlan load_client_plan(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (!stream || !(text << stream.rdbuf())) {
        throw Error(
            file.string() +
            ": cannot be read; give the client's half of a plan, as `lacuna plan --export-client` writes it");
    }
    return parse_client_plan(text.str(), file.string());
}

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

PublicKey KeyFolder::public_key(const Ring& ring) const {
    return load_public_key(folder_ / "public.key", ring);
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
    Client client(plan, load_secret_key(file, context.ring()));
    check_pair(client, public_key(context.ring()), file);
    return client;
}

}  // namespace lacuna
