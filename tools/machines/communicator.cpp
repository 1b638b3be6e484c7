// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/communicator.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace lacuna {

namespace {

// Of messages: words, how many bytes follow, those bytes.
constexpr int words_tag = 1;
constexpr int length_tag = 2;
constexpr int bytes_tag = 3;
/// MPI counts in int.
constexpr std::size_t piece = std::size_t{1} << 28;

/// Waits for all of them, and forgets them. Whoever waits for long leaves the core to others between looks:
/// ranks may be more than there are cores.
void wait(std::vector<MPI_Request>& requests) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point patience = Clock::now() + std::chrono::milliseconds(1);
    int done = 0;
    while (true) {
        MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE);
        if (done != 0) {
            requests.clear();
            return;
        }
        if (Clock::now() < patience) {
            std::this_thread::yield();
        } else {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    }
}

}  // namespace

Communicator::Communicator(int& argc, char**& argv) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    int number = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &number);
    rank_ = static_cast<std::size_t>(number);
    MPI_Comm_size(MPI_COMM_WORLD, &number);
    size_ = static_cast<std::size_t>(number);
}

Communicator::~Communicator() {
    MPI_Finalize();
}

void Communicator::post(std::size_t to, std::span<const std::uint64_t> words) {
    MPI_Isend(words.data(), static_cast<int>(words.size()), MPI_UINT64_T, static_cast<int>(to), words_tag,
              MPI_COMM_WORLD, &posted_.emplace_back());
}

void Communicator::flush() {
    wait(posted_);
}

void Communicator::expect(std::size_t from, std::span<std::uint64_t> words) {
    MPI_Irecv(words.data(), static_cast<int>(words.size()), MPI_UINT64_T, static_cast<int>(from), words_tag,
              MPI_COMM_WORLD, &expected_.emplace_back());
}

void Communicator::arrive() {
    wait(expected_);
}

void Communicator::send_bytes(std::size_t to, std::span<const std::uint8_t> bytes) const {
    const std::uint64_t length = bytes.size();
    MPI_Send(&length, 1, MPI_UINT64_T, static_cast<int>(to), length_tag, MPI_COMM_WORLD);
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
        MPI_Send(bytes.data() + begin, static_cast<int>(std::min(piece, bytes.size() - begin)), MPI_UINT8_T,
                 static_cast<int>(to), bytes_tag, MPI_COMM_WORLD);
    }
}

std::vector<std::uint8_t> Communicator::receive_bytes(std::size_t from) const {
    std::uint64_t length = 0;
    MPI_Recv(&length, 1, MPI_UINT64_T, static_cast<int>(from), length_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    std::vector<std::uint8_t> bytes(length);
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
        MPI_Recv(bytes.data() + begin, static_cast<int>(std::min(piece, bytes.size() - begin)), MPI_UINT8_T,
                 static_cast<int>(from), bytes_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    return bytes;
}

std::vector<std::uint8_t> Communicator::await_bytes(std::size_t from) const {
    int here = 0;
    for (std::chrono::microseconds pause(20);; pause = std::min(pause * 2, std::chrono::microseconds(2000))) {
        MPI_Iprobe(static_cast<int>(from), length_tag, MPI_COMM_WORLD, &here, MPI_STATUS_IGNORE);
        if (here != 0) {
            return receive_bytes(from);
        }
        std::this_thread::sleep_for(pause);
    }
}

void Communicator::abort(int code) const {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
}

}  // namespace lacuna
