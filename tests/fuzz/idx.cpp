// SPDX-License-Identifier: Apache-2.0
//
// Images and labels in IDX form, plain and compressed. The readers take files, so the bytes go through one
// that lives in memory.

#include "tools/idx.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

namespace lacuna::testing {
namespace {

/// An anonymous file and a path that opens it.
class MemoryFile {
  public:
    MemoryFile() : descriptor_(::memfd_create("fuzz", 0)) {
        if (descriptor_ < 0) {
            std::abort();
        }
        path_ = "/proc/self/fd/" + std::to_string(descriptor_);
    }
    ~MemoryFile() { ::close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    void set(std::span<const std::uint8_t> bytes) const {
        if (::ftruncate(descriptor_, 0) != 0 ||
            ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
            std::abort();
        }
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    int descriptor_;
    std::string path_;
};

template <typename Read>
void attempt(Read read) {
    try {
        read();
    } catch (const Error&) {
        // The one way in which a loader may fail.
    }
}

}  // namespace
}  // namespace lacuna::testing

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const lacuna::testing::MemoryFile file;
    file.set({data, size});
    lacuna::testing::attempt([] { (void)lacuna::read_idx_images(file.path()); });
    lacuna::testing::attempt([] { (void)lacuna::read_idx_labels(file.path()); });
    return 0;
}
