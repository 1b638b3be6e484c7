// SPDX-License-Identifier: Apache-2.0
//
// Constant time of the kernels, observed on the processor itself, so that AVX-512 IFMA, which no version of
// valgrind in Debian knows, is seen too. A child runs one kernel instruction by instruction under ptrace, on
// buffers at the same addresses for every child and with other secret words in each. The sequence of
// instructions must not depend on the words. In the vector kernels the general-purpose registers must not
// either: every address is computed from them, except in gathers and scatters, and these, like divisions,
// whose time may depend on their operands, are looked for among the instructions that ran. (The scalar words
// of the portable kernel pass through those registers; tests/constant_time/secrets.cpp follows them.)
#include <gtest/gtest.h>

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "ntt/kernels.h"
#include "ntt/ntt_tables.h"
#include "ntt/primes.h"

namespace lacuna::testing {
namespace {

using Word = std::uint64_t;

/// What a child announces itself with: from the end of started() to the first instruction of finished() its
/// steps count. started() leaves nothing of the child's own, such as its process number, in the registers
/// that a caller has no use for.
[[gnu::noinline]] void started() {
    asm volatile(
        "xorl %%eax, %%eax; xorl %%ecx, %%ecx; xorl %%edx, %%edx; xorl %%esi, %%esi; xorl %%edi, %%edi;"
        "xorl %%r8d, %%r8d; xorl %%r9d, %%r9d; xorl %%r10d, %%r10d; xorl %%r11d, %%r11d" ::
            : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
}
[[gnu::noinline]] void finished() {
    asm volatile("" ::: "memory");
}

struct Trace {
    std::vector<Word> instructions;  ///< addresses, in order
    std::vector<Word> registers;     ///< before each of them: a hash of the general-purpose registers
    std::string failure;             ///< why there is none
};

Word hash_of(const user_regs_struct& r) {
    Word hash = 0;
    for (const Word word : {Word{r.rax}, Word{r.rbx}, Word{r.rcx}, Word{r.rdx}, Word{r.rsi}, Word{r.rdi},
                            Word{r.rbp}, Word{r.rsp}, Word{r.r8}, Word{r.r9}, Word{r.r10}, Word{r.r11},
                            Word{r.r12}, Word{r.r13}, Word{r.r14}, Word{r.r15}}) {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29;
    }
    return hash;
}

/// Runs `work` in a child of its own, step by step.
Trace trace_of(const std::function<void()>& prepare, const std::function<void()>& work) {
    Trace trace;
    const pid_t child = ::fork();
    if (child == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
            ::_exit(3);
        }
        prepare();
        ::raise(SIGSTOP);
        started();
        work();
        finished();
        ::_exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        trace.failure = "this machine does not let a process trace its child";
        return trace;
    }
    constexpr std::size_t most_steps = 20'000'000;
    const auto begin = reinterpret_cast<Word>(&started);
    const auto end = reinterpret_cast<Word>(&finished);
    enum { before, starting, counting } phase = before;
    Word return_address = 0;
    for (std::size_t step = 0; step < most_steps; ++step) {
        user_regs_struct registers{};
        if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0 ||
            ::waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
            ::ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) {
            trace.failure = "the child ended before its work did";
            return trace;
        }
        if (phase == before && registers.rip == begin) {
            phase = starting;
            return_address = static_cast<Word>(
                ::ptrace(PTRACE_PEEKDATA, child, reinterpret_cast<void*>(registers.rsp), nullptr));
        } else if (phase == starting && registers.rip == return_address) {
            phase = counting;
        }
        if (phase == counting) {
            if (registers.rip == end) {
                break;
            }
            trace.instructions.push_back(registers.rip);
            trace.registers.push_back(hash_of(registers));
        }
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return trace;
}

/// What an instruction of a vector kernel must not be, or nullptr. Enough of the encoding for that: an
/// optional VEX or EVEX prefix, the opcode map and the opcode.
const char* forbidden(const unsigned char* code) {
    int map = 0;
    unsigned char opcode = 0;
    if (code[0] == 0x62) {  // EVEX
        map = code[1] & 7;
        opcode = code[4];
    } else if (code[0] == 0xc4) {  // VEX, three bytes
        map = code[1] & 31;
        opcode = code[3];
    } else if (code[0] == 0xc5) {  // VEX, two bytes
        map = 1;
        opcode = code[2];
    } else {
        std::size_t i = 0;
        while ((code[i] & 0xf0) == 0x40 || code[i] == 0x66 || code[i] == 0xf2 || code[i] == 0xf3) {
            ++i;  // REX and the like
        }
        const int extension = (code[i + 1] >> 3) & 7;
        const bool divides = (code[i] == 0xf6 || code[i] == 0xf7) && extension >= 6;
        return divides ? "a division" : nullptr;
    }
    if (map == 2 && ((opcode >= 0x90 && opcode <= 0x93) || (opcode >= 0xa0 && opcode <= 0xa3))) {
        return "a gather or scatter";
    }
    return map == 1 && (opcode == 0x5e || opcode == 0x51) ? "a floating-point division or root" : nullptr;
}

TEST(Trace, KnowsWhatItLooksFor) {
    const std::vector<std::pair<std::vector<unsigned char>, bool>> instructions = {
        {{0x62, 0xf2, 0xfd, 0x49, 0x91, 0x04, 0xcf}, true},  // vpgatherqq (%rdi,%zmm1,8), %zmm0{%k1}
        {{0x62, 0xf2, 0xfd, 0x49, 0xa1, 0x04, 0xcf}, true},  // vpscatterqq
        {{0xc4, 0xe2, 0xed, 0x90, 0x04, 0xcf}, true},        // vpgatherdq
        {{0x62, 0xf1, 0xf5, 0x48, 0x5e, 0xc2}, true},        // vdivpd
        {{0xc5, 0xf5, 0x5e, 0xc2}, true},                    // vdivpd, VEX
        {{0x48, 0xf7, 0xf1}, true},                          // div %rcx
        {{0x41, 0xf7, 0xf9}, true},                          // idiv %r9d
        {{0x48, 0xf7, 0xe1}, false},                         // mul %rcx
        {{0x62, 0xf2, 0xf5, 0x48, 0xb4, 0xc2}, false},       // vpmadd52luq
        {{0x62, 0xf1, 0xf5, 0x48, 0xd4, 0xc2}, false},       // vpaddq
        {{0xc5, 0xf5, 0x59, 0xc2}, false},                   // vmulpd
        {{0x48, 0x8b, 0x07, 0x00}, false},                   // mov (%rdi), %rax
    };
    for (const auto& [code, found] : instructions) {
        EXPECT_EQ(forbidden(code.data()) != nullptr, found) << static_cast<int>(code[0]);
    }
}

/// The traced process may run anything: what it must tell apart, it does.
TEST(Trace, SeesABranchAndAnIndex) {
    Buffer table(1024);
    Buffer secret(16);
    volatile Word sink = 0;
    const auto branch = [&] {
        if (secret[0] == 7) {
            sink = sink + 1;
        }
    };
    const auto index = [&] { sink = table[secret[0] & 1023]; };
    const Trace zero = trace_of([&] { secret[0] = 0; }, branch);
    if (!zero.failure.empty()) {
        GTEST_SKIP() << zero.failure;
    }
    EXPECT_EQ(trace_of([&] { secret[0] = 6; }, branch).instructions, zero.instructions);
    EXPECT_NE(trace_of([&] { secret[0] = 7; }, branch).instructions, zero.instructions);
    const Trace first = trace_of([&] { secret[0] = 0; }, index);
    const Trace other = trace_of([&] { secret[0] = 9; }, index);
    EXPECT_EQ(first.instructions, other.instructions);
    EXPECT_NE(first.registers, other.registers);
}

/// Everything a kernel may be given, at addresses that no child changes.
struct Workspace {
    static constexpr std::size_t rows = 4;

    explicit Workspace(std::size_t size)
        : n(size), tables(size, q), words(rows + 1, Buffer(size)), out(size), signs(size), wide(size) {}

    /// Secret words: 0, the largest, or random ones.
    void fill(int contents) {
        std::mt19937_64 random(static_cast<std::uint64_t>(contents));
        const auto draw = [&](Word bound) {
            return contents == 0 ? Word{0} : contents == 1 ? bound - 1 : random() % bound;
        };
        for (std::size_t j = 0; j < n; ++j) {
            for (Buffer& row : words) {
                row[j] = draw(q.value());
            }
            signs[j] = draw(2 * q.value() - 1) - (q.value() - 1);
            wide[j] = contents == 1 ? ~Word{0} : contents == 0 ? 0 : random();
        }
    }
    [[nodiscard]] std::array<const Word*, rows> pointers() const {
        return {words[0].data(), words[1].data(), words[2].data(), words[3].data()};
    }

    std::size_t n;
    Modulus q{ntt_primes(max_ntt_size, 50, 2)[0]};
    Modulus p{ntt_primes(max_ntt_size, 50, 2)[1]};
    ShoupFactor w{12345678901, q};
    NttTables tables;
    std::vector<Buffer> words;
    Buffer out;
    Buffer signs;
    Buffer wide;
};

struct Function {
    const char* name;
    void (*run)(const Kernels&, Workspace&);
    /// Its gathers go by permutations, which are public: theirs are the only addresses that are not seen.
    bool gathers = false;
};

/// Those that secrets pass through: keys, errors, messages and phases.
const std::vector<Function>& functions() {
    static const std::vector<Function> all = {
        {"ntt_forward",
         [](const Kernels& k, Workspace& s) { k.ntt_forward(s.tables, s.out.data(), s.words[0].data()); }},
        {"ntt_inverse",
         [](const Kernels& k, Workspace& s) { k.ntt_inverse(s.tables, s.words[0].data(), 1); }},
        {"add", [](const Kernels& k,
                   Workspace& s) { k.add(s.out.data(), s.words[0].data(), s.words[1].data(), s.n, s.q); }},
        {"subtract",
         [](const Kernels& k, Workspace& s) {
             k.subtract(s.out.data(), s.words[0].data(), s.words[1].data(), s.n, s.q);
         }},
        {"negate",
         [](const Kernels& k, Workspace& s) { k.negate(s.out.data(), s.words[0].data(), s.n, s.q); }},
        {"reduce", [](const Kernels& k, Workspace& s) { k.reduce(s.out.data(), s.wide.data(), s.n, s.q); }},
        {"from_signed",
         [](const Kernels& k, Workspace& s) { k.from_signed(s.out.data(), s.signs.data(), s.n, s.q); }},
        {"lift_centred",
         [](const Kernels& k, Workspace& s) {
             k.lift_centred(s.out.data(), s.words[0].data(), s.n, s.q, s.p);
         }},
        {"multiply",
         [](const Kernels& k, Workspace& s) {
             k.multiply(s.out.data(), s.words[0].data(), s.words[1].data(), s.n, s.q);
         }},
        {"multiply_add",
         [](const Kernels& k, Workspace& s) {
             k.multiply_add(s.words[2].data(), s.words[0].data(), s.words[1].data(), s.n, s.q);
         }},
        {"multiply_scalar",
         [](const Kernels& k, Workspace& s) {
             k.multiply_scalar(s.out.data(), s.words[0].data(), s.n, s.w, s.q);
         }},
        {"subtract_multiply_scalar",
         [](const Kernels& k, Workspace& s) {
             k.subtract_multiply_scalar(s.out.data(), s.words[0].data(), s.words[1].data(), s.n, s.w, s.q);
         }},
        {"dot",
         [](const Kernels& k, Workspace& s) {
             const auto rows = s.pointers();
             k.dot(s.out.data(), rows.data(), rows.data(), rows.size(), s.n, s.q);
         }},
        {"weighted_sum",
         [](const Kernels& k, Workspace& s) {
             const auto rows = s.pointers();
             std::array<Word, Workspace::rows> weights = {1, 2, s.q.value() - 1, 98765432109};
             k.prepare_weights(weights.data(), weights.size(), s.q);
             k.weighted_sum(s.out.data(), rows.data(), weights.data(), rows.size(), s.n, s.q);
         }},
        {"round_fractions",
         [](const Kernels& k, Workspace& s) {
             const auto rows = s.pointers();
             const std::array<Word, Workspace::rows> high = {1, 2, 3, Word{1} << 51};
             const std::array<Word, Workspace::rows> low = {5, 6, Word{1} << 50, 8};
             k.round_fractions(s.out.data(), rows.data(), high.data(), low.data(), rows.size(), s.n);
         }},
        {"gather",
         [](const Kernels& k, Workspace& s) {
             alignas(64) static std::array<std::uint32_t, 64> index{};
             for (std::size_t j = 0; j < index.size(); ++j) {
                 index[j] = static_cast<std::uint32_t>(index.size() - 1 - j);
             }
             k.gather(s.out.data(), s.words[0].data(), index.data(), index.size());
         },
         true},
        {"automorphism",
         [](const Kernels& k, Workspace& s) { k.automorphism(s.out.data(), s.words[0].data(), s.n, 3, s.q); },
         true},
        {"centred_binomial",
         [](const Kernels& k, Workspace& s) { k.centred_binomial(s.out.data(), s.wide.data(), s.n); }},
    };
    return all;
}

class KernelTrace : public ::testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Functions, KernelTrace, ::testing::Range<std::size_t>(0, 18),
                         [](const auto& info) { return std::string(functions()[info.param].name); });

TEST_P(KernelTrace, DoesNotDependOnTheWords) {
    ASSERT_EQ(functions().size(), 18U);
    const Function& function = functions()[GetParam()];
    const Kernels& kernels = active_kernels();
    const bool vector = kernels.name != "portable";
    const bool transform = std::string_view(function.name).starts_with("ntt");
    for (const std::size_t n :
         transform ? std::vector<std::size_t>{16, 64, 1024, 4096} : std::vector<std::size_t>{64}) {
        Workspace space(n);
        const auto traced = [&](int contents) {
            return trace_of([&] { space.fill(contents); }, [&] { function.run(kernels, space); });
        };
        const Trace first = traced(0);
        if (!first.failure.empty()) {
            GTEST_SKIP() << first.failure;
        }
        EXPECT_GT(first.instructions.size(), 20U);
        for (const int contents : {1, 2, 3}) {
            const Trace other = traced(contents);
            ASSERT_EQ(other.failure, "");
            ASSERT_TRUE(other.instructions == first.instructions)
                << kernels.name << ", n = " << n << ": the instructions depend on the words";
            if (!vector) {
                continue;
            }
            for (std::size_t i = 0; i < first.registers.size(); ++i) {
                ASSERT_EQ(other.registers[i], first.registers[i])
                    << kernels.name << ", n = " << n << ": a register depends on the words at step " << i
                    << " of " << first.registers.size();
            }
        }
        const std::set<Word> ran(first.instructions.begin(), first.instructions.end());
        for (const Word address : ran) {
            std::array<unsigned char, 16> code{};
            std::memcpy(code.data(), reinterpret_cast<const void*>(address), code.size());
            const char* const found = vector && !function.gathers ? forbidden(code.data()) : nullptr;
            EXPECT_EQ(found, nullptr) << kernels.name << ": " << found;
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
