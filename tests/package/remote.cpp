// SPDX-License-Identifier: Apache-2.0
// Asks a server that is not there, with the installed library.
#include <lacuna/ntt/error.h>
#include <lacuna/tools/service/remote_client.h>

#include <iostream>

int main() {
    try {
        const lacuna::ClientPlan plan = lacuna::service::RemoteClient("http://127.0.0.1:1").plan("digits");
        std::cout << "expected no server, found one that plans for " << plan.model << '\n';
    } catch (const lacuna::Error& problem) {
        std::cout << problem.what() << '\n';
        return 0;
    }
    return 1;
}
