// SPDX-License-Identifier: Apache-2.0
//
// Constant time of the kernels, observed on the processor itself, so that AVX-512 IFMA, which no version of
// valgrind in Debian knows, is seen too. A child runs one kernel instruction by instruction under ptrace, on
// buffers at the same addresses for every child and with other secret words in each. The sequence of
// instructions must not depend on the words. Where a kernel has its words in vector registers, the
// general-purpose ones must not either: every address and every integer division is computed from those,
// except in gathers and scatters, and these are looked for among the instructions that ran, as are divisions
// of vectors. (Words that pass through general-purpose registers, as all of the portable kernel's do, are
// followed by tests/constant_time/secrets.cpp.)
#include <gtest/gtest.h>

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lacuna/ntt/kernels.h>
#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/ntt/primes.h>

namespace lacuna::testing {
namespace {

using Word = std::uint64_t;

/// What a child does: its steps count from the first instruction on, to its return.
void work_of(void* work) {
    (*static_cast<const std::function<void()>*>(work))();
}

// void call_with_clean_registers(void (*function)(void*), void* argument): calls it with every other
// general-purpose register at 0, so that nothing of the caller's is in them.
asm(R"(
    .text
    .type call_with_clean_registers, @function
call_with_clean_registers:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    movq %rdi, %rax
    movq %rsi, %rdi
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %ebp, %ebp
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    call *%rax
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .size call_with_clean_registers, . - call_with_clean_registers
)");
extern "C" void call_with_clean_registers(void (*function)(void*), void* argument);

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
        call_with_clean_registers(work_of, const_cast<std::function<void()>*>(&work));
        ::_exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        trace.failure = "this machine does not let a process trace its child";
        return trace;
    }
    constexpr std::size_t most_steps = 20'000'000;
    Word end = 0;  // where the work returns to; 0: it has not begun
    for (std::size_t step = 0;; ++step) {
        user_regs_struct registers{};
        if (step == most_steps || ::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0 ||
            ::waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
            ::ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) {
            trace.failure = "the child ended before its work did";
            break;
        }
        if (end == 0 && registers.rip == reinterpret_cast<Word>(&work_of)) {
            end = static_cast<Word>(
                ::ptrace(PTRACE_PEEKDATA, child, reinterpret_cast<void*>(registers.rsp), nullptr));
        }
        if (end != 0) {
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

/// Vector instructions that take an address from a vector, or a time that depends on their operands.
enum class Special { none, gather, division };

/// Enough of the encoding for that: a VEX or EVEX prefix, the opcode map and the opcode.
Special special(const unsigned char* code) {
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
    }
    if (map == 2 && ((opcode >= 0x90 && opcode <= 0x93) || (opcode >= 0xa0 && opcode <= 0xa3))) {
        return Special::gather;
    }
    return map == 1 && (opcode == 0x5e || opcode == 0x51) ? Special::division : Special::none;
}

TEST(Trace, KnowsWhatItLooksFor) {
    const std::vector<std::pair<std::vector<unsigned char>, Special>> instructions = {
        {{0x62, 0xf2, 0xfd, 0x49, 0x91, 0x04, 0xcf},
         Special::gather},  // vpgatherqq (%rdi,%zmm1,8), %zmm0{%k1}
        {{0x62, 0xf2, 0xfd, 0x49, 0xa1, 0x04, 0xcf}, Special::gather},  // vpscatterqq
        {{0xc4, 0xe2, 0xed, 0x90, 0x04, 0xcf}, Special::gather},        // vpgatherdq
        {{0x62, 0xf1, 0xf5, 0x48, 0x5e, 0xc2}, Special::division},      // vdivpd
        {{0xc5, 0xf5, 0x5e, 0xc2}, Special::division},                  // vdivpd, VEX
        {{0xc5, 0xfd, 0x51, 0xc2}, Special::division},                  // vsqrtpd
        {{0x62, 0xf2, 0xf5, 0x48, 0xb4, 0xc2}, Special::none},          // vpmadd52luq
        {{0x62, 0xf1, 0xf5, 0x48, 0xd4, 0xc2}, Special::none},          // vpaddq
        {{0xc5, 0xf5, 0x59, 0xc2}, Special::none},                      // vmulpd
        {{0x48, 0x8b, 0x07, 0x00}, Special::none},                      // mov (%rdi), %rax
    };
    for (const auto& [code, found] : instructions) {
        EXPECT_EQ(special(code.data()), found) << static_cast<int>(code[0]);
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
    std::vector<Trace> branches;
    std::vector<Trace> indices;
    for (const Word word : {0, 6, 7}) {
        branches.push_back(trace_of([&] { secret[0] = word; }, branch));
        indices.push_back(trace_of([&] { secret[0] = word; }, index));
    }
    if (!branches[0].failure.empty()) {
        GTEST_SKIP() << branches[0].failure;
    }
    EXPECT_EQ(branches[1].instructions, branches[0].instructions);
    EXPECT_NE(branches[2].instructions, branches[0].instructions);
    EXPECT_EQ(indices[1].instructions, indices[0].instructions);
    EXPECT_NE(indices[1].registers, indices[0].registers);
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
    /// Which kernels have it in vector registers alone. In the others words pass through the general-purpose
    /// ones, and secrets.cpp is what looks at the addresses.
    std::vector<std::string_view> vector_kernels = {"avx2", "avx512ifma"};
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
         },
         {"avx512ifma"}},
        {"gather",
         [](const Kernels& k, Workspace& s) {
             alignas(64) static std::array<std::uint32_t, 64> index{};
             for (std::size_t j = 0; j < index.size(); ++j) {
                 index[j] = static_cast<std::uint32_t>(index.size() - 1 - j);
             }
             k.gather(s.out.data(), s.words[0].data(), index.data(), index.size());
         },
         {}},
        {"automorphism",
         [](const Kernels& k, Workspace& s) { k.automorphism(s.out.data(), s.words[0].data(), s.n, 3, s.q); },
         {}},
        {"centred_binomial",
         [](const Kernels& k, Workspace& s) { k.centred_binomial(s.out.data(), s.wide.data(), s.n); },
         {"avx512ifma"}},
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
    const bool vector = std::ranges::count(function.vector_kernels, kernels.name) != 0;
    const bool transform = std::string_view(function.name).starts_with("ntt");
    std::vector<std::size_t> sizes = {64};
    if (transform) {
        sizes = {16, 64, 256};
        if (vector) {
            sizes.push_back(2048);
        }
    }
    for (const std::size_t n : sizes) {
        Workspace space(n);
        const auto traced = [&](int contents) {
            return trace_of([&] { space.fill(contents); }, [&] { function.run(kernels, space); });
        };
        std::vector<Trace> traces;
        for (const int contents : {0, 1, 2, 3}) {  // from one place, so that the stack is the same
            traces.push_back(traced(contents));
        }
        const Trace& first = traces.front();
        if (!first.failure.empty()) {
            GTEST_SKIP() << first.failure;
        }
        EXPECT_GT(first.instructions.size(), 20U);
        for (const Trace& other : traces) {
            ASSERT_EQ(other.failure, "");
            ASSERT_TRUE(other.instructions == first.instructions)
                << kernels.name << ", n = " << n << ": the instructions depend on the words";
            for (std::size_t i = 0; vector && i < first.registers.size(); ++i) {
                ASSERT_EQ(other.registers[i], first.registers[i])
                    << kernels.name << ", n = " << n << ": a register depends on the words at step " << i
                    << " of " << first.registers.size();
            }
        }
        if (!vector) {
            continue;
        }
        std::map<Word, std::size_t> ran;  // how often
        for (const Word address : first.instructions) {
            ++ran[address];
        }
        for (const auto& [address, times] : ran) {
            std::array<unsigned char, 16> code{};
            std::memcpy(code.data(), reinterpret_cast<const void*>(address), code.size());
            const Special found = special(code.data());
            EXPECT_NE(found, Special::gather) << kernels.name << ": an address in a vector";
            // Constants such as 1 / q are divided for; n words in vectors of 8 would take n / 8.
            EXPECT_FALSE(found == Special::division && n >= 64 && times >= n / 8)
                << kernels.name << ": a division of every word";
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
