// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/checksum.h>

#include <algorithm>

namespace lacuna {

Digest Checksum::value() {
    const Sha256::Value whole = sha256_.value();
    Digest value;
    std::copy_n(whole.begin(), value.size(), value.begin());
    return value;
}

}  // namespace lacuna
