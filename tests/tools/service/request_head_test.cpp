// SPDX-License-Identifier: Apache-2.0
#include "tools/service/request_head.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/service/request_error.h"

namespace lacuna::service {
namespace {

const std::string hash = "00112233445566778899aabbccddeeff";

using Headers = std::vector<Header>;

/// The status and code of what is refused.
std::pair<int, std::string> refusal(const std::string& method, const std::string& target,
                                    const Headers& headers = {}) {
    try {
        (void)parse_request_head(method, target, headers);
    } catch (const RequestError& problem) {
        return {problem.status(), problem.code()};
    }
    return {200, ""};
}

TEST(RequestHead, KnowsEveryEndpoint) {
    EXPECT_EQ(parse_request_head("GET", "/healthz", {}).endpoint, Endpoint::health);
    EXPECT_EQ(parse_request_head("GET", "/readyz", {}).endpoint, Endpoint::ready);
    EXPECT_EQ(parse_request_head("GET", "/metrics", {}).endpoint, Endpoint::metrics);
    EXPECT_EQ(parse_request_head("GET", "/v1/models", {}).endpoint, Endpoint::models);
    const RequestHead plan = parse_request_head("GET", "/v1/models/faster-cryptonets.2_x/plan", {});
    EXPECT_EQ(plan.endpoint, Endpoint::plan);
    EXPECT_EQ(plan.model, "faster-cryptonets.2_x");
    const RequestHead stored = parse_request_head("GET", "/v1/keys/" + hash, {});
    EXPECT_EQ(stored.endpoint, Endpoint::key_set);
    EXPECT_EQ(stored.keys[1], 0x11);
    EXPECT_EQ(stored.keys[15], 0xff);
    const Headers length = {{"content-length", "17"}};
    const RequestHead keys = parse_request_head("PUT", "/v1/keys/" + hash, length);
    EXPECT_EQ(keys.endpoint, Endpoint::store_keys);
    EXPECT_EQ(keys.body_bytes, 17U);
    const RequestHead infer = parse_request_head("POST", "/v1/models/m/infer?keys=" + hash, length);
    EXPECT_EQ(infer.endpoint, Endpoint::infer);
    EXPECT_EQ(infer.model, "m");
    EXPECT_EQ(infer.keys, stored.keys);
}

TEST(RequestHead, KnowsThePageByNamesThatLeadNowhereElse) {
    EXPECT_EQ(parse_request_head("GET", "/", {}).endpoint, Endpoint::page);
    const RequestHead head = parse_request_head("GET", "/client.mjs", {});
    EXPECT_EQ(head.endpoint, Endpoint::page);
    EXPECT_EQ(head.page, "client.mjs");
    for (const std::string target : {"/..", "/../x.html", "/.hidden", "/a/b.html", "/a%2fb.html", "/a..b",
                                     "/a.", "/page", "/a\\b.html", "/index.html/"}) {
        EXPECT_EQ(refusal("GET", target).first, 404) << target;
    }
    EXPECT_EQ(refusal("GET", "/index.html?x").first, 400);
    EXPECT_EQ(refusal("POST", "/index.html").first, 405);
}

TEST(RequestHead, RefusesWhatIsNotThere) {
    for (const std::string& target :
         std::vector<std::string>{"", "//", "healthz", "/healthz/", "/v1", "/v1/models/", "/v2/models",
                                  "/v1/models/m/plan/x", "/v1/models/m/train", "/v1/models/../plan",
                                  "/v1/models/a%2fb/plan", "/v1/models//plan", "http://host/healthz"}) {
        EXPECT_EQ(refusal("GET", target).first, 404) << target;
    }
    const std::string longest(longest_model_name, 'm');
    EXPECT_EQ(refusal("GET", "/v1/models/" + longest + "/plan").first, 200);
    EXPECT_EQ(refusal("GET", "/v1/models/" + longest + "m/plan").first, 404);
}

TEST(RequestHead, RefusesOtherMethods) {
    EXPECT_EQ(refusal("POST", "/healthz").first, 405);
    EXPECT_EQ(refusal("DELETE", "/v1/keys/" + hash).first, 405);
    EXPECT_EQ(refusal("GET", "/v1/models/m/infer?keys=" + hash).first, 405);
    EXPECT_EQ(refusal("get", "/healthz").first, 405);
}

TEST(RequestHead, RefusesOtherKeySets) {
    for (const std::string& name :
         std::vector<std::string>{"", hash.substr(1), hash + "0", "00112233445566778899AABBCCDDEEFF",
                                  "0011223344556677889 aabbccddeeff"}) {
        EXPECT_EQ(refusal("GET", "/v1/keys/" + name), (std::pair<int, std::string>(400, "key_set_name")))
            << name;
    }
    const Headers length = {{"Content-Length", "1"}};
    for (const std::string& query : std::vector<std::string>{"", "?", "?keys", "?key=1", "?keys=1"}) {
        EXPECT_EQ(refusal("POST", "/v1/models/m/infer" + query, length).first, 400) << query;
    }
    EXPECT_EQ(refusal("POST", "/v1/models/m/infer?keys=" + hash + "&x=1", length).first, 400);
    EXPECT_EQ(refusal("GET", "/healthz?x").first, 400);
}

TEST(RequestHead, TakesOneLengthAndNoCoding) {
    const std::string target = "/v1/keys/" + hash;
    EXPECT_EQ(refusal("PUT", target).first, 411);
    for (const std::string& length :
         std::vector<std::string>{"", "-1", "+1", "1 ", " 1", "0x10", "1e3", "18446744073709551616", "1,1"}) {
        EXPECT_EQ(refusal("PUT", target, {{"Content-Length", length}}).first, 400) << length;
    }
    EXPECT_EQ(refusal("PUT", target, {{"Content-Length", "1"}, {"content-length", "1"}}).first, 400);
    EXPECT_EQ(refusal("PUT", target, {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}}).first, 411);
    EXPECT_EQ(refusal("GET", "/healthz", {{"transfer-encoding", "chunked"}}).first, 411);
    EXPECT_EQ(refusal("GET", "/healthz", {{"Content-Length", "5"}}).first, 400);
    EXPECT_EQ(refusal("GET", "/healthz", {{"Content-Length", "0"}}).first, 200);
    EXPECT_EQ(refusal("PUT", target, {{"Content-Length", "1"}, {"Content-Encoding", "gzip"}}).first, 415);
    EXPECT_EQ(refusal("PUT", target, {{"Content-Length", "1"}, {"Content-Encoding", "identity"}}).first, 200);
    EXPECT_EQ(
        refusal("PUT", target, {{"Content-Length", "1"}, {"Content-Type", "Multipart/form-data; boundary=x"}})
            .first,
        415);
}

TEST(RequestHead, RefusesNamesThatReadersDifferOn) {
    for (const std::string& name : std::vector<std::string>{"", "Content-Length ", "Content-Length\t",
                                                            "Content Length", "a(b)", "\x80"}) {
        EXPECT_EQ(refusal("GET", "/healthz", {{name, "1"}}).first, 400) << name;
    }
}

TEST(RequestHead, FindsOneBearerToken) {
    const auto token = [](const Headers& headers) { return bearer_token(headers); };
    EXPECT_EQ(token({{"authorization", "bearer secret"}}), "secret");
    EXPECT_EQ(token({}), std::nullopt);
    EXPECT_EQ(token({{"Authorization", "Basic secret"}}), std::nullopt);
    EXPECT_EQ(token({{"Authorization", "Bearer"}}), std::nullopt);
    EXPECT_EQ(token({{"Authorization", "Bearer a"}, {"Authorization", "Bearer a"}}), std::nullopt);
}

}  // namespace
}  // namespace lacuna::service
