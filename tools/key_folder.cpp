// SPDX-License-Identifier: Apache-2.0
#include "tools/key_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/files/temporary_files.h>
#include <lacuna/he/rlwe/key_match.h>
#include <lacuna/nn/server/key_set.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr std::string_view id_name = "key_set.id";
constexpr std::array<std::string_view, 5> names = {"secret.key", "public.key", "evaluation.keys",
                                                   "client.json", id_name};

/// What is being made ends on six letters that mkdtemp() chose; what is complete and only has to be moved to
/// its place has a name of its own, so that it can be told apart after a crash.
constexpr std::string_view staging_prefix = ".keys.";
constexpr std::string_view ready_name = ".keys.ready";

bool is_key_file(std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether a name is one that mkdtemp() made of this prefix.
bool is_staging(std::string_view name, std::string_view prefix) {
    constexpr std::size_t letters = 6;
    return name.size() == prefix.size() + letters && name.starts_with(prefix) &&
           std::all_of(name.end() - letters, name.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0; });
}

/// Key files, and what they are written to before they are whole.
bool is_staged_file(std::string_view name) {
    return is_key_file(name) ||
           std::ranges::any_of(names, [&](std::string_view file) { return is_temporary_of(name, file); });
}

[[noreturn]] void fail(const std::filesystem::path& folder, const std::string& action) {
    throw Error(folder.string() + ": cannot " + action + ": " + std::strerror(errno) +
                "; check the folder, the one above it and their permissions");
}

/// The folder that keys go into: the one that is there, with its mode, or a new one, which goes away again
/// unless it has got keys.
class TargetFolder {
  public:
    explicit TargetFolder(const std::filesystem::path& path) : path_(path) {
        made_ = ::mkdir(path.c_str(), S_IRWXU) == 0;
        if (made_) {
            note_temporary(path, Removal::alone);
        } else if (errno != EEXIST) {
            fail(path, "create this folder");
        }
        descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor_ < 0) {
            remove_made();
            fail(path, "open this folder");
        }
    }
    ~TargetFolder() {
        remove_made();
        ::close(descriptor_);
    }
    TargetFolder(const TargetFolder&) = delete;
    TargetFolder& operator=(const TargetFolder&) = delete;

    /// Waits for whoever else is putting keys into it, which takes no longer than five renames.
    void lock() const {
        while (::flock(descriptor_, LOCK_EX) != 0) {
            if (errno != EINTR) {
                break;  // a file system without locks
            }
        }
    }
    /// What is in it stays.
    void keep() {
        if (made_) {
            forget_temporary(path_);
        }
        made_ = false;
        ::fsync(descriptor_);
    }

  private:
    void remove_made() {
        if (made_) {
            ::rmdir(path_.c_str());  // not where another process has put something into it
            forget_temporary(path_);
        }
    }

    std::filesystem::path path_;
    bool made_ = false;
    int descriptor_ = -1;
};

/// A folder inside the target, for its owner alone, removed with the files it has unless they have become
/// ready.
class StagingFolder {
  public:
    explicit StagingFolder(const std::filesystem::path& target) {
        while (descriptor_ < 0) {
            std::string name = (target / std::string(staging_prefix).append("XXXXXX")).string();
            if (::mkdtemp(name.data()) == nullptr) {
                fail(target, "write into this folder");
            }
            path_ = name;
            descriptor_ = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (descriptor_ >= 0 && !claim_temporary(descriptor_, path_, Removal::with_content)) {
                ::close(descriptor_);  // swept away before it was claimed
                descriptor_ = -1;
            }
        }
    }
    ~StagingFolder() {
        if (!path_.empty()) {
            std::error_code ignored;
            std::filesystem::remove_all(path_, ignored);
            forget_temporary(path_);
        }
        ::close(descriptor_);
    }
    StagingFolder(const StagingFolder&) = delete;
    StagingFolder& operator=(const StagingFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// All files are there: from here on whoever comes next would finish the work.
    void become_ready(const std::filesystem::path& target) {
        if (::rename(path_.c_str(), (target / ready_name).c_str()) != 0) {
            fail(target, "write into this folder");
        }
        forget_temporary(path_);
        path_.clear();
    }

  private:
    std::filesystem::path path_;
    int descriptor_ = -1;
};

/// Moves what is ready to its place. Under the lock of the folder.
void move_ready(const std::filesystem::path& folder) {
    const std::filesystem::path ready = folder / ready_name;
    for (const std::string_view name : names) {
        if (::rename((ready / name).c_str(), (folder / name).c_str()) != 0 && errno != ENOENT) {
            fail(folder, "put the new " + std::string(name) + " into this folder");
        }
    }
    ::rmdir(ready.c_str());
}

/// Without "." and "..", and without a slash at the end, so that there is a name.
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
        // Every fresh ext4 volume has the latter.
        if (name == ready_name || is_staging(name, staging_prefix) || name == "lost+found") {
            continue;
        }
        if (!is_key_file(name) || entry.is_directory(problem)) {
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

void KeyFolder::complete() const {
    std::error_code ignored;
    if (std::filesystem::is_directory(folder_ / ready_name, ignored)) {
        TargetFolder target(folder_);
        target.lock();
        move_ready(folder_);
    }
}

void KeyFolder::save(const Client& client, const EvaluationKeys& keys, Overwrite overwrite,
                     const std::optional<Passphrase>& passphrase) const {
    complete();
    check_free(overwrite);
    // Earlier releases staged keys beside the folder.
    const std::filesystem::path plain = plain_path(folder_);
    std::string beside = ".";
    beside.append(plain.filename().string()).append(".");
    sweep_temporaries(
        plain.parent_path(), [&](std::string_view name) { return is_staging(name, beside); }, is_staged_file);
    const Ring& ring = client.context().ring();
    TargetFolder target(folder_);
    sweep_temporaries(
        folder_, [](std::string_view name) { return is_staging(name, staging_prefix); }, is_staged_file);
    StagingFolder staging(folder_);
    write_file(staging.path() / "secret.key", Access::owner, Overwrite::refuse, [&](std::ostream& stream) {
        if (passphrase) {
            save_protected(stream, ring, client.secret_key(), *passphrase);
        } else {
            lacuna::save(stream, ring, client.secret_key());
        }
    });
    save_file(staging.path() / "public.key", ring, keys.public_key ? *keys.public_key : client.public_key(),
              Overwrite::refuse);
    save_file(staging.path() / "evaluation.keys", ring, keys, Overwrite::refuse);
    write_file(staging.path() / "client.json", Access::everyone, Overwrite::refuse,
               [&](std::ostream& stream) { stream << format_client_plan(client.plan()); });
    const KeySetId id = read_key_set_id(staging.path() / "evaluation.keys");
    write_file(staging.path() / id_name, Access::everyone, Overwrite::refuse,
               [&](std::ostream& stream) { stream << format_hash(id) << '\n'; });
    target.lock();
    move_ready(folder_);  // of somebody who was killed while this one was writing
    check_free(overwrite);
    staging.become_ready(folder_);
    target.keep();
    move_ready(folder_);
    target.keep();
}

bool KeyFolder::has(std::string_view name) const {
    std::error_code ignored;
    return std::filesystem::exists(folder_ / name, ignored);
}

KeySetId KeyFolder::id() const {
    const std::filesystem::path keys = folder_ / "evaluation.keys";
    const std::filesystem::path file = folder_ / id_name;
    if (!has(id_name)) {
        return read_key_set_id(keys);
    }
    Source source(file);
    std::array<std::uint8_t, 2 * sizeof(KeySetId) + 1> text{};
    const std::size_t size = source.read_some(text);
    const auto id = parse_digest({reinterpret_cast<const char*>(text.data()), text.size() - 1});
    if (!id || size != text.size() || text.back() != '\n' || !source.at_end()) {
        throw Error(
            file.string() + ": expected a line of " + std::to_string(2 * sizeof(KeySetId)) +
            " hexadecimal digits, found something else; remove it where evaluation.keys is beside it");
    }
    if (has("evaluation.keys") && read_key_set_id(keys) != *id) {
        fail_mixed(keys, "the key set that key_set.id names");
    }
    return *id;
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
    if (has("evaluation.keys") && !holds(evaluation_keys(plan, ring), key).value_or(true)) {
        fail_mixed(file, "the public key of the evaluation.keys");
    }
    return key;
}

KeySetId KeyFolder::upload_id(const ClientPlan& plan, const Ring& ring) const {
    if ((has("evaluation.keys") || !has(id_name)) && !names_a_client(evaluation_keys(plan, ring))) {
        throw Error((folder_ / "evaluation.keys").string() +
                    ": expected at least one key, found none, as earlier releases left it; another client's "
                    "key set has the same name, and replies could not be told apart: make new keys with "
                    "`lacuna keygen`");
    }
    return id();
}

Client KeyFolder::client(const std::function<Passphrase()>& ask) const {
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
    Source source(file);
    SecretKey secret = load_secret_key(source, ring, ask);
    source.expect_end();
    Client client(plan, std::move(secret));
    if (has("public.key") &&
        !matches(ring, client.secret_key(), load_public_key(folder_ / "public.key", ring))) {
        fail_mixed(file, "the secret of the public.key");
    }
    if (has("evaluation.keys") && !matches(ring, client.secret_key(), evaluation_keys(plan, ring))) {
        fail_mixed(file, "the secret of the evaluation.keys");
    }
    return client;
}

}  // namespace lacuna
