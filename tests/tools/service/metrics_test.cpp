// SPDX-License-Identifier: Apache-2.0
#include "tools/service/metrics.h"

#include <gtest/gtest.h>

namespace lacuna::service {
namespace {

TEST(Metrics, CountRequestsAndTheirTime) {
    Metrics metrics;
    metrics.add({"/healthz", 200, 0, 10, 0, 0.0005, {}});
    metrics.add({"/v1/models/{model}/infer", 200, 100, 20, 3, 0.02, {{Stage::infer, 0.015}}});
    metrics.add({"/v1/models/{model}/infer", 429, 0, 5, 0, 100, {}});
    const std::string text = metrics.format({{"lacuna_queue_length", "Waiting.", 7}});
    for (const char* line :
         {"lacuna_requests_total{route=\"/v1/models/{model}/infer\",status=\"429\"} 1\n",
          "lacuna_request_seconds_bucket{route=\"/v1/models/{model}/infer\",le=\"0.01\"} 0\n",
          "lacuna_request_seconds_bucket{route=\"/v1/models/{model}/infer\",le=\"0.025\"} 1\n",
          "lacuna_request_seconds_bucket{route=\"/v1/models/{model}/infer\",le=\"60\"} 1\n",
          "lacuna_request_seconds_bucket{route=\"/v1/models/{model}/infer\",le=\"+Inf\"} 2\n",
          "lacuna_request_seconds_count{route=\"/v1/models/{model}/infer\"} 2\n",
          "lacuna_stage_seconds_sum{stage=\"infer\"} 0.015\n", "lacuna_received_bytes_total 100\n",
          "lacuna_sent_bytes_total 35\n", "lacuna_images_total 3\n", "# TYPE lacuna_queue_length gauge\n",
          "lacuna_queue_length 7\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
    }
}

}  // namespace
}  // namespace lacuna::service
