// SPDX-License-Identifier: Apache-2.0
//
// Every function from here to region_end.h may use these instructions and is reached only after supported().
// Whatever else is included comes before: an inline function of a common header that was compiled here might
// be the copy that the linker keeps for everybody.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,popcnt")
#endif
