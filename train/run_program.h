// Another program, run as part of this one's work.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lathe {

/// Runs a program of $PATH without a shell in a folder, its output going to a file there. Returns
/// its exit code, 128 + the signal that ended it, -1 where there is no such program, or -2 where it
/// took longer than `seconds` and was ended.
int run_program(const std::vector<std::string>& words, const std::filesystem::path& folder,
                const std::string& output, double seconds);

}  // namespace lathe
