// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lacuna::service {

/// The files of the browser client (tools/browser), read once and kept in memory: no request touches the file
/// system.
class DemoPage {
  public:
    struct File {
        std::string type;  ///< as in Content-Type
        std::string bytes;
    };

    /// Serves nothing.
    DemoPage() = default;
    /// Every file of the folder, not of folders in it, whose name is one of a page's (is_page_name) and ends
    /// on .html, .css, .mjs, .wasm or .svg. Throws Error where there is no index.html, or more than
    /// most_bytes.
    explicit DemoPage(const std::filesystem::path& folder);

    /// name: "" is index.html. Null where there is no such file.
    [[nodiscard]] const File* find(std::string_view name) const;

    static constexpr std::size_t most_bytes = std::size_t{16} << 20;

  private:
    std::map<std::string, File, std::less<>> files_;
};

/// What a browser may do with the page: load from this server alone, compile its module, run in no frame.
[[nodiscard]] const std::vector<std::pair<std::string, std::string>>& page_headers();

}  // namespace lacuna::service
