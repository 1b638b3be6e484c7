// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <mpi.h>

namespace lacuna {

/// The processes that mpirun has started together, each with a number, its rank. Calls come from one thread.
/// An error of MPI ends every process.
class Communicator {
  public:
    /// Takes its own arguments out of argc and argv.
    Communicator(int& argc, char**& argv);
    /// Every rank arrives here, or one of them has called abort().
    ~Communicator();
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;

    [[nodiscard]] std::size_t rank() const { return rank_; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Words to another rank, which expects as many. They must stay as they are until flush().
    void post(std::size_t to, std::span<const std::uint64_t> words);
    /// Waits until everything posted has left.
    void flush();
    /// Words from another rank, in the order in which it posts them. They are there after arrive().
    void expect(std::size_t from, std::span<std::uint64_t> words);
    /// Waits until everything expected is there.
    void arrive();

    /// Bytes of any number, which travel apart from words.
    void send_bytes(std::size_t to, std::span<const std::uint8_t> bytes) const;
    [[nodiscard]] std::vector<std::uint8_t> receive_bytes(std::size_t from) const;
    /// The same for one that may be long in coming: it leaves the core to others meanwhile.
    [[nodiscard]] std::vector<std::uint8_t> await_bytes(std::size_t from) const;

    /// Ends every rank at once.
    [[noreturn]] void abort(int code) const;

  private:
    std::size_t rank_ = 0;
    std::size_t size_ = 1;
    std::vector<MPI_Request> posted_;
    std::vector<MPI_Request> expected_;
};

}  // namespace lacuna
