// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/text_file.h>

#include <algorithm>
#include <span>

#include <lacuna/he/files/source.h>
#include <lacuna/nn/run_control.h>

namespace lacuna {

TextFile read_text(const std::filesystem::path& file, std::size_t most, const std::stop_token& stop) {
    constexpr std::size_t chunk = std::size_t{1} << 20;
    Source source(file);
    TextFile result;
    result.size = source.remaining();
    if (result.size && *result.size > most) {
        result.whole = false;
        return result;
    }
    for (bool more = true; more;) {
        if (stop.stop_requested()) {
            throw Stopped();
        }
        const std::size_t old = result.text.size();
        const std::size_t wanted = std::min(chunk, most - old + 1);  // one more shows that there is too much
        result.text.resize(old + wanted);
        const std::size_t count =
            source.read_some(std::span(reinterpret_cast<std::uint8_t*>(result.text.data() + old), wanted));
        result.text.resize(old + count);
        if (result.text.size() > most) {
            result.text.clear();
            result.whole = false;
            return result;
        }
        more = count == wanted;
    }
    return result;
}

}  // namespace lacuna
