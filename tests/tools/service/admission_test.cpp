// SPDX-License-Identifier: Apache-2.0
#include "tools/service/admission.h"

#include <optional>

#include <gtest/gtest.h>

#include "tools/service/request_error.h"

namespace lacuna::service {
namespace {

constexpr KeySetId anna = {1};
constexpr KeySetId ben = {2};

Limits limits() {
    Limits limits;
    limits.body_memory = 100;
    limits.per_client = 2;
    return limits;
}

int refusal(Admission& admission, std::uint64_t bytes, std::uint64_t most, const KeySetId& client) {
    try {
        (void)admission.admit(bytes, most, client);
    } catch (const RequestError& problem) {
        EXPECT_EQ(problem.retry_after() > 0, problem.status() != 413);
        return problem.status();
    }
    return 200;
}

TEST(Admission, RefusesWhatIsTooLarge) {
    Admission admission(limits());
    EXPECT_EQ(refusal(admission, 51, 50, anna), 413);
    EXPECT_EQ(refusal(admission, 101, 1000, anna), 413);
    EXPECT_EQ(refusal(admission, 50, 50, anna), 200);
    EXPECT_EQ(admission.body_bytes(), 0U);
}

TEST(Admission, BoundsTheMemoryOfAllBodies) {
    Admission admission(limits());
    std::optional<Admission::Ticket> first = admission.admit(60, 100, anna);
    EXPECT_EQ(refusal(admission, 41, 100, ben), 503);
    EXPECT_EQ(refusal(admission, 40, 100, ben), 200);
    first->release_memory();
    EXPECT_EQ(refusal(admission, 100, 100, ben), 200);
    first.reset();
    EXPECT_EQ(admission.body_bytes(), 0U);
}

TEST(Admission, BoundsTheRequestsOfOneClient) {
    Admission admission(limits());
    Admission::Ticket first = admission.admit(1, 100, anna);
    std::optional<Admission::Ticket> second = admission.admit(1, 100, anna);
    EXPECT_EQ(refusal(admission, 1, 100, anna), 429);
    EXPECT_EQ(refusal(admission, 1, 100, ben), 200);
    first.release_memory();  // still a request
    EXPECT_EQ(refusal(admission, 1, 100, anna), 429);
    second.reset();
    EXPECT_EQ(refusal(admission, 1, 100, anna), 200);
}

}  // namespace
}  // namespace lacuna::service
