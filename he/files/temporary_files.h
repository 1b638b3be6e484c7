// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace lacuna {

// Temporary files and folders that do not outlive whoever made them. Their maker holds an advisory lock
// (flock) on each for as long as it lives and removes them when it ends in order; the kernel drops the locks
// of a process that was killed, so that the next one knows what nobody owns any more and removes that.

/// Whether a folder goes with what is in it, or only where it is empty.
enum class Removal : bool { alone, with_content };

/// Takes the lock of what `descriptor` is open on, which is `path`, and notes the path for
/// remove_temporaries(). Returns false where sweep_temporaries() came first: the name is gone then; make
/// another. File systems without locks have nothing to sweep: there it is noted only.
[[nodiscard]] bool claim_temporary(int descriptor, const std::filesystem::path& path,
                                   Removal removal = Removal::alone);
/// Only notes a path, without a lock.
void note_temporary(const std::filesystem::path& path, Removal removal);
/// The path has been removed, or has got the name that it was made for.
void forget_temporary(const std::filesystem::path& path) noexcept;

/// Removes what this process has noted and not forgotten, the latest first: for a process that ends without
/// unwinding its stack.
void remove_temporaries() noexcept;

/// Removes from a folder what a killed process left: files and folders of this user whose name is_temporary()
/// and that nobody has locked. A folder goes with the files in it if is_content() accepts every name in it,
/// else it stays as it is. What cannot be removed stays without a word.
void sweep_temporaries(const std::filesystem::path& folder,
                       const std::function<bool(std::string_view)>& is_temporary,
                       const std::function<bool(std::string_view)>& is_content) noexcept;

/// Whether a name is the one that OutputFile gives its temporary file for this file: ".<file>.<digits>.tmp".
[[nodiscard]] bool is_temporary_of(std::string_view name, std::string_view file);

}  // namespace lacuna
