// SPDX-License-Identifier: Apache-2.0
#include "tools/service/demo_page.h"

#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include <lacuna/ntt/error.h>
#include "tools/service/request_head.h"

namespace lacuna::service {

namespace {

constexpr std::string_view front_page = "index.html";

std::optional<std::string> type_of(std::string_view name) {
    using Type = std::pair<std::string_view, const char*>;
    static constexpr std::array<Type, 5> types = {{{".html", "text/html; charset=utf-8"},
                                                   {".css", "text/css; charset=utf-8"},
                                                   {".mjs", "text/javascript; charset=utf-8"},
                                                   {".wasm", "application/wasm"},
                                                   {".svg", "image/svg+xml"}}};
    for (const auto& [end, type] : types) {
        if (name.ends_with(end)) {
            return type;
        }
    }
    return std::nullopt;
}

/// Never more than one byte above `most`.
std::string content_of(const std::filesystem::path& file, std::size_t most) {
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(most + 1, '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (stream.bad() || !stream.eof()) {
        throw Error(file.string() + ": expected a file of at most " + std::to_string(most) +
                    " bytes that can be read, found another; keep only the page's files in that folder");
    }
    bytes.resize(static_cast<std::size_t>(stream.gcount()));
    return bytes;
}

}  // namespace

DemoPage::DemoPage(const std::filesystem::path& folder) {
    std::size_t room = most_bytes;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
        const std::string name = entry.path().filename().string();
        const std::optional<std::string> type = type_of(name);
        if (!type || !is_page_name(name) || !entry.is_regular_file(problem)) {
            continue;
        }
        std::string bytes = content_of(entry.path(), room);
        room -= bytes.size();
        files_[name] = {*type, std::move(bytes)};
    }
    if (find("") == nullptr) {
        throw Error(folder.string() + ": expected the browser client's files, " + std::string(front_page) +
                    " among them, found none; tools/browser/build makes them");
    }
}

const DemoPage::File* DemoPage::find(std::string_view name) const {
    const auto found = files_.find(name.empty() ? front_page : name);
    return found == files_.end() ? nullptr : &found->second;
}

const std::vector<std::pair<std::string, std::string>>& page_headers() {
    static const std::vector<std::pair<std::string, std::string>> headers = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
         "img-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
         "'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"}};
    return headers;
}

}  // namespace lacuna::service
