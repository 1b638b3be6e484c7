// SPDX-License-Identifier: Apache-2.0
//
// Word by word: for machines whose vectors do not count bits. Compiled in a region that has the instruction,
// std::popcount is one.

void centred_binomial(Word* out, const Word* words, std::size_t n) {
    constexpr Word mask = (Word{1} << 21) - 1;
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = static_cast<Word>(std::popcount(words[j] & mask)) -
                 static_cast<Word>(std::popcount((words[j] >> 21) & mask));
    }
}
