// What tests share: where shared real data lies, skipping with a reason, errors of tensors, scratch
// folders.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lathe::tests {

/// Sanitizers and the race checker make kernels tens of times slower: these builds run the tiny
/// cases.
#if defined(LATHE_SLOW_BUILD)
inline constexpr bool slow_build = true;
#else
inline constexpr bool slow_build = false;
#endif

inline std::vector<std::string>& skipped() {
  static std::vector<std::string> lines;
  return lines;
}

/// Notes that a test did not run, and why; the program lists these at its end.
inline void skip(const std::string& test, const std::string& reason) {
  skipped().push_back(test + ": " + reason);
}

/// A file of real data that is not part of the project, or an empty path when it is not there. It
/// is looked for in $LATHE_TEST_DATA, else in ../shared/data of the working directory and its
/// parents.
inline std::filesystem::path real_data(const std::string& file) {
  namespace fs = std::filesystem;
  if (const char* root = std::getenv("LATHE_TEST_DATA"))
    return fs::exists(fs::path(root) / file) ? fs::path(root) / file : fs::path();
  for (fs::path folder = fs::current_path(); folder != folder.parent_path();
       folder = folder.parent_path())
    if (const fs::path found = folder / "shared" / "data" / file; fs::exists(found)) return found;
  return {};
}

#ifdef LATHE_GOLDENS  // the emulator's test programs have no goldens
/// A small committed file of tests/goldens.
inline std::filesystem::path golden(const std::string& file) {
  return std::filesystem::path(LATHE_GOLDENS) / file;
}
#endif

/// The bytes of a file; empty when there is none.
inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Makes the file hold these bytes.
inline std::filesystem::path write_bytes(const std::filesystem::path& file,
                                         const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

/// The devices that this build can use on this machine.
inline std::vector<Device> devices() {
  std::vector<Device> all = {Device::cpu};
  if (unavailable(Device::cuda).empty()) all.push_back(Device::cuda);
  return all;
}

/// max |a - b| over the largest |b|: what every tolerance means. NaN or different shapes give
/// infinity.
inline double error(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return HUGE_VAL;
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  double worst = 0, largest = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    if (std::isnan(left[i]) != std::isnan(right[i])) return HUGE_VAL;
    if (left[i] == right[i] || std::isnan(left[i])) continue;
    worst = std::max(worst, std::abs(left[i] - right[i]));
    largest = std::max(largest, std::abs(right[i]));
  }
  for (double value : right)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  return worst == 0 ? 0 : worst / (largest > 0 ? largest : 1);
}

/// The message of the lathe::Error that f throws; "no error" when it throws none.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

/// A folder that is empty at first and removed at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lathe-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::filesystem::path operator/(const std::string& file) const { return path_ / file; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace lathe::tests
