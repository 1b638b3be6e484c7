// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/temporary_files.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

namespace lacuna {

namespace {

/// Never destroyed: it is asked while the process ends.
struct Noted {
    std::mutex mutex;
    std::vector<std::pair<std::filesystem::path, Removal>> paths;
};

Noted& noted() {
    static Noted* const instance = new Noted;
    return *instance;
}

void remove(const std::filesystem::path& path, Removal removal) noexcept {
    std::error_code ignored;
    if (removal == Removal::with_content) {
        std::filesystem::remove_all(path, ignored);
    } else {
        std::filesystem::remove(path, ignored);
    }
}

/// Whether the name still leads to what the descriptor is open on.
bool leads_to(const std::filesystem::path& path, int descriptor) {
    struct stat named {};
    struct stat opened {};
    return ::lstat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int number() const { return number_; }

  private:
    int number_;
};

void remove_leftover(const std::filesystem::path& path,
                     const std::function<bool(std::string_view)>& is_content) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || status.st_uid != ::geteuid() ||
        (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) {
        return;
    }
    const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (opened.number() < 0 || ::flock(opened.number(), LOCK_EX | LOCK_NB) != 0 ||
        !leads_to(path, opened.number())) {
        return;
    }
    if (S_ISREG(status.st_mode)) {
        ::unlink(path.c_str());
        return;
    }
    std::vector<std::filesystem::path> content;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        if (!std::filesystem::is_regular_file(entry.symlink_status()) ||
            !is_content(entry.path().filename().string())) {
            return;
        }
        content.push_back(entry.path());
    }
    for (const std::filesystem::path& file : content) {
        ::unlink(file.c_str());
    }
    ::rmdir(path.c_str());
}

}  // namespace

bool claim_temporary(int descriptor, const std::filesystem::path& path, Removal removal) {
    note_temporary(path, removal);
    if ((::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
        !leads_to(path, descriptor)) {
        forget_temporary(path);
        return false;
    }
    return true;
}

void note_temporary(const std::filesystem::path& path, Removal removal) {
    const std::lock_guard lock(noted().mutex);
    noted().paths.emplace_back(path, removal);
}

void forget_temporary(const std::filesystem::path& path) noexcept {
    const std::lock_guard lock(noted().mutex);
    std::erase_if(noted().paths, [&](const auto& entry) { return entry.first == path; });
}

void remove_temporaries() noexcept {
    const std::lock_guard lock(noted().mutex);
    for (auto entry = noted().paths.rbegin(); entry != noted().paths.rend(); ++entry) {
        remove(entry->first, entry->second);
    }
    noted().paths.clear();
}

void sweep_temporaries(const std::filesystem::path& folder,
                       const std::function<bool(std::string_view)>& is_temporary,
                       const std::function<bool(std::string_view)>& is_content) noexcept {
    try {
        std::vector<std::filesystem::path> leftovers;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (is_temporary(entry.path().filename().string())) {
                leftovers.push_back(entry.path());
            }
        }
        for (const std::filesystem::path& leftover : leftovers) {
            remove_leftover(leftover, is_content);
        }
    } catch (const std::exception&) {
        // A folder that cannot be read has nothing that could be removed.
    }
}

bool is_temporary_of(std::string_view name, std::string_view file) {
    constexpr std::string_view suffix = ".tmp";
    if (name.size() <= file.size() + 2 + suffix.size() || name[0] != '.' ||
        name.substr(1, file.size()) != file || name[file.size() + 1] != '.' || !name.ends_with(suffix)) {
        return false;
    }
    const std::string_view number =
        name.substr(file.size() + 2, name.size() - file.size() - 2 - suffix.size());
    return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace lacuna
