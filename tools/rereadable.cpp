// SPDX-License-Identifier: Apache-2.0
#include "tools/rereadable.h"

#include <lacuna/ntt/error.h>

namespace lacuna {

void check_rereadable(const std::filesystem::path& file) {
    std::error_code problem;
    const std::filesystem::file_status status = std::filesystem::status(file, problem);
    if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
        return;  // whoever opens it says that it is not there
    }
    const char* found = std::filesystem::is_directory(status) ? "a folder"
                        : std::filesystem::is_fifo(status)    ? "a pipe"
                                                              : "a device or socket";
    throw Error(file.string() + ": expected a file, which is read more than once, found " + found +
                (std::filesystem::is_directory(status) ? "; name a file in it"
                                                       : "; write what comes out of it to a file first"));
}

}  // namespace lacuna
