// Runs the program `lathe` as a user would, in tests.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::tests {

struct Outcome {
  int code = -1;  ///< the exit code; 128 + the signal when one ended it
  std::string out, err;
};

struct RunOptions {
  std::filesystem::path folder = ".";         ///< the working folder
  std::vector<std::string> environment = {};  ///< further variables, "NAME=value"
  int64_t largest_file = 0;        ///< bytes that a file may have; 0: any, as on a full disk
  std::filesystem::path out = {};  ///< where stdout goes, such as /dev/full; else to Outcome
};

/// A process that runs the program. Its output goes to files, so it never waits for a reader.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const RunOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  void signal(int number) const;
  bool running();
  Outcome wait();

 private:
  pid_t id_;
  int status_ = 0;
  bool over_ = false;
  std::filesystem::path out_, err_;
};

inline Outcome run_lathe(const std::vector<std::string>& arguments,
                         const RunOptions& options = {}) {
  return Process(arguments, options).wait();
}

/// Writes small synthetic landmarks and a recipe for a small network, and gives the recipe's path.
std::filesystem::path write_small_task(const std::filesystem::path& folder);

}  // namespace lathe::tests
