// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

namespace lacuna {

class FileBuffer;

/// Whether a file that is there already may be replaced.
enum class Overwrite : bool { refuse, allow };
/// Who may read a file: only its owner (mode 0600, set before the first byte), or whoever the umask admits.
enum class Access : bool { owner, everyone };

/// A file that appears under its name only when it is complete: bytes go to a temporary file in the same
/// folder, which commit() makes durable and renames. Without commit() the temporary file is removed and
/// nothing has changed; after a crash a file ".<name>.<number>.tmp" may stay behind, which the next
/// OutputFile of that name removes, and the old file is as it was. Where the name leads to a character device
/// or a pipe the bytes go into that, as they come.
class OutputFile {
  public:
    /// Throws Error where the folder cannot be written, or where the file exists and may not be replaced; for
    /// a folder, a block device or a socket; and for a device or pipe where only the owner may read.
    OutputFile(const std::filesystem::path& file, Access access, Overwrite overwrite);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    /// Throws Error, with the system's reason, from the write that fails.
    [[nodiscard]] std::ostream& stream() { return *stream_; }
    /// Throws Error where the bytes cannot be made durable, or where Overwrite::refuse meets a file that has
    /// come up since.
    void commit();
    /// Bytes written so far, what the stream still holds left out.
    [[nodiscard]] std::uint64_t bytes() const;

    /// Throws Error where the constructor would because of what stands under that name.
    static void check(const std::filesystem::path& file, Overwrite overwrite);

  private:
    /// Returns its descriptor and sets temporary_.
    int open_temporary(Access access);

    std::filesystem::path file_;
    std::filesystem::path temporary_;  // empty once committed, and for devices and pipes
    Overwrite overwrite_;
    std::unique_ptr<FileBuffer> buffer_;
    std::unique_ptr<std::ostream> stream_;
};

/// Opens an OutputFile, calls write with its stream and commits. Throws Error; the file is then as it was.
void write_file(const std::filesystem::path& file, Access access, Overwrite overwrite,
                const std::function<void(std::ostream&)>& write);

}  // namespace lacuna
