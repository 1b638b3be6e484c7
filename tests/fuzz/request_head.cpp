// SPDX-License-Identifier: Apache-2.0
//
// What a request asks for: "METHOD TARGET" in the first line, a header in every other one.

#include <cstdlib>
#include <vector>

#include "tests/fuzz/input.h"
#include "tools/service/request_error.h"
#include "tools/service/request_head.h"

namespace {

using namespace lacuna::service;

/// What comes before the mark; the rest stays in `text`.
std::string_view take(std::string_view& text, char mark) {
    const std::size_t end = text.find(mark);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

void expect(bool condition) {
    if (!condition) {
        std::abort();
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text = lacuna::testing::as_text({data, size});
    std::string_view target = take(text, '\n');
    const std::string_view method = take(target, ' ');
    std::vector<Header> headers;
    while (!text.empty()) {
        std::string_view value = take(text, '\n');
        const std::string_view name = take(value, ':');
        headers.emplace_back(name, value);
    }
    (void)bearer_token(headers);
    try {
        const RequestHead head = parse_request_head(method, target, headers);
        const bool takes_body = head.endpoint == Endpoint::store_keys || head.endpoint == Endpoint::infer;
        const bool names_model = head.endpoint == Endpoint::plan || head.endpoint == Endpoint::infer;
        expect(takes_body || head.body_bytes == 0);
        expect(names_model ? is_served_name(head.model) : head.model.empty());
        expect(endpoint_name(head.endpoint)[0] == '/');
    } catch (const RequestError& problem) {
        expect(problem.status() >= 400 && problem.status() < 500 && !problem.code().empty());
    }
    return 0;
}
