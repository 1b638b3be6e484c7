// SPDX-License-Identifier: Apache-2.0
#include "he/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ntt/error.h"

namespace lacuna {

namespace {

constexpr int max_attempts = 1000;

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& action, int error,
                       const std::string& advice) {
    throw Error(file.string() + ": cannot " + action + ": " + std::strerror(error) + "; " + advice);
}

[[noreturn]] void fail_exists(const std::filesystem::path& file) {
    throw Error(file.string() +
                ": expected no such file, found one; move it away, or ask for it to be replaced");
}

/// Makes a rename durable; a file system that cannot do so for folders has done what it can.
void synchronise_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        ::fsync(descriptor);
        ::close(descriptor);
    }
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& file, Access access, Overwrite overwrite)
    : file_(file), overwrite_(overwrite) {
    std::error_code ignored;
    const std::filesystem::file_status status = std::filesystem::symlink_status(file, ignored);
    if (overwrite == Overwrite::refuse && std::filesystem::exists(status)) {
        fail_exists(file);
    }
    if (!file.has_filename() || std::filesystem::is_directory(status)) {
        throw Error(file.string() + ": expected the name of a file, found a folder; add a file name");
    }
    const mode_t mode = access == Access::owner ? S_IRUSR | S_IWUSR
                                                : S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    int descriptor = -1;
    for (int attempt = 0; descriptor < 0 && attempt < max_attempts; ++attempt) {
        std::string name = ".";
        name += file.filename().string();
        name += '.';
        name += std::to_string(::getpid() * static_cast<long>(max_attempts) + attempt);
        name += ".tmp";
        temporary_ = folder_of(file) / name;
        descriptor = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (descriptor < 0 && errno != EEXIST) {
            break;
        }
    }
    if (descriptor < 0) {
        fail(file, "create a temporary file beside it", errno,
             "check that the folder exists and can be written");
    }
    buffer_ = std::make_unique<FileBuffer>(descriptor, FileBuffer::Mode::write, file.string());
    stream_ = std::make_unique<std::ostream>(buffer_.get());
    // Lets the buffer's Error, with the system's reason, through to whoever writes.
    stream_->exceptions(std::ios::badbit);
}

OutputFile::~OutputFile() {
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
    }
}

void OutputFile::commit() {
    buffer_->synchronise();
    if (overwrite_ == Overwrite::allow) {
        if (::rename(temporary_.c_str(), file_.c_str()) != 0) {
            fail(file_, "replace it", errno, "check that the folder can be written");
        }
        temporary_.clear();
    } else if (::link(temporary_.c_str(), file_.c_str()) == 0) {
        // A link, unlike a rename, refuses to replace a file that has come up in the meantime.
        ::unlink(temporary_.c_str());
        temporary_.clear();
    } else if (errno == EEXIST) {
        fail_exists(file_);
    } else {
        fail(file_, "create it", errno,
             "choose a folder on a file system with hard links, or allow replacing");
    }
    synchronise_folder(folder_of(file_));
}

void write_file(const std::filesystem::path& file, Access access, Overwrite overwrite,
                const std::function<void(std::ostream&)>& write) {
    OutputFile output(file, access, overwrite);
    write(output.stream());
    output.commit();
}

}  // namespace lacuna
