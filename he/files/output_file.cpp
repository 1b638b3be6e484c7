// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/output_file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <lacuna/he/files/file_buffer.h>
#include <lacuna/he/files/temporary_files.h>
#include <lacuna/ntt/error.h>

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
                ": exists already; use another name, or have it replaced (--force of the command, "
                "Overwrite::allow of the library)");
}

/// What stands under the name, links followed. Throws Error where a file cannot be written there.
std::filesystem::file_type checked_type(const std::filesystem::path& file, Overwrite overwrite) {
    std::error_code ignored;
    const std::filesystem::file_status link = std::filesystem::symlink_status(file, ignored);
    const std::filesystem::file_status target = std::filesystem::status(file, ignored);
    if (!file.has_filename() || std::filesystem::is_directory(target)) {
        throw Error(file.string() + ": expected the name of a file, found a folder; add a file name");
    }
    if (std::filesystem::is_block_file(target) || std::filesystem::is_socket(target)) {
        throw Error(file.string() + ": expected the name of a file, found " +
                    (std::filesystem::is_socket(target) ? "a socket" : "a block device") +
                    "; choose another name");
    }
    // Nothing is lost by writing into one of these.
    const bool flows = std::filesystem::is_character_file(target) || std::filesystem::is_fifo(target);
    if (overwrite == Overwrite::refuse && !flows && std::filesystem::exists(link)) {
        fail_exists(file);
    }
    return flows ? target.type() : std::filesystem::file_type::regular;
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
    int descriptor = -1;
    if (checked_type(file, overwrite) == std::filesystem::file_type::regular) {
        // A link stays and what it leads to is replaced: /dev/stdout may be one.
        std::error_code ignored;
        if (std::filesystem::is_symlink(file, ignored) && std::filesystem::exists(file, ignored)) {
            const std::filesystem::path target = std::filesystem::canonical(file, ignored);
            file_ = ignored ? file_ : target;
        }
        descriptor = open_temporary(access);
    } else {
        if (access == Access::owner) {
            throw Error(
                file.string() +
                ": expected a file that only its owner may read, found a device or pipe; choose a file");
        }
        descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (descriptor < 0) {
            fail(file, "write into it", errno, "check its permissions");
        }
    }
    buffer_ = std::make_unique<FileBuffer>(descriptor, FileBuffer::Mode::write, file.string());
    stream_ = std::make_unique<std::ostream>(buffer_.get());
    // Lets the buffer's Error, with the system's reason, through to whoever writes.
    stream_->exceptions(std::ios::badbit);
}

OutputFile::~OutputFile() {
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
        forget_temporary(temporary_);
    }
}

void OutputFile::check(const std::filesystem::path& file, Overwrite overwrite) {
    (void)checked_type(file, overwrite);
}

int OutputFile::open_temporary(Access access) {
    const std::string name = file_.filename().string();
    sweep_temporaries(
        folder_of(file_), [&](std::string_view other) { return is_temporary_of(other, name); },
        [](std::string_view) { return false; });
    const mode_t mode = access == Access::owner ? S_IRUSR | S_IWUSR
                                                : S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    int error = EEXIST;
    for (int attempt = 0; error == EEXIST && attempt < max_attempts; ++attempt) {
        const long number = ::getpid() * static_cast<long>(max_attempts) + attempt;
        std::string hidden = ".";
        hidden.append(name).append(".").append(std::to_string(number)).append(".tmp");
        temporary_ = folder_of(file_) / hidden;
        const int descriptor =
            ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        error = descriptor < 0 ? errno : EEXIST;
        if (descriptor >= 0) {
            if (claim_temporary(descriptor, temporary_)) {
                return descriptor;
            }
            ::close(descriptor);  // swept away before it was claimed
        }
    }
    temporary_.clear();
    fail(file_, "create a temporary file beside it", error,
         "check that the folder exists and can be written");
}

std::uint64_t OutputFile::bytes() const {
    return buffer_->written();
}

void OutputFile::commit() {
    buffer_->synchronise();
    if (temporary_.empty()) {
        return;  // a device or pipe has it already
    }
    const std::filesystem::path temporary = temporary_;
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
    forget_temporary(temporary);
    synchronise_folder(folder_of(file_));
}

void write_file(const std::filesystem::path& file, Access access, Overwrite overwrite,
                const std::function<void(std::ostream&)>& write) {
    OutputFile output(file, access, overwrite);
    write(output.stream());
    output.commit();
}

}  // namespace lacuna
