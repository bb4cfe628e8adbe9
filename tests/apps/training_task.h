// A small task in a folder of its own, on which tests run `lathe train` as a user would.
#pragma once

#include <chrono>
#include <sstream>
#include <thread>

#include "tests/apps/program.h"
#include "tests/support.h"
#include "train/checkpoint.h"

namespace lathe::tests {

/// Keys of a recipe, "train.epochs=2", as words of a command.
inline std::vector<std::string> settings(const std::vector<std::string>& keys) {
  std::vector<std::string> words;
  for (const std::string& key : keys) words.insert(words.end(), {"--set", key});
  return words;
}

/// A folder with a small task in which the program runs.
struct TrainingTask {
  ScratchFolder scratch;
  TrainingTask() { write_small_task(scratch.path()); }

  Outcome lathe(const std::vector<std::string>& words, int64_t largest_file = 0) const {
    return run_lathe(words, {.folder = scratch.path(), .largest_file = largest_file});
  }
  /// Trains under a name, and fails the test when that goes wrong.
  void train(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"train", "small.toml", "--quiet", "--name", name};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = lathe(words);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  }
  Outcome resume(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"train", "--resume", run(name).string(), "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return lathe(words);
  }
  std::filesystem::path run(const std::string& name) const {
    return scratch.path() / "runs/train" / name;
  }
  std::filesystem::path file(const std::string& run_name, const std::string& weights) const {
    return run(run_name) / "weights" / (weights + ".safetensors");
  }
  /// The bytes of a weights file.
  std::string weights(const std::string& run_name, const std::string& name = "last") const {
    return lathe::tests::bytes_of(file(run_name, name));
  }
  TrainState state(const std::string& run_name) const {
    return *load_weights(file(run_name, "last")).state;
  }
  /// Two runs ended with the same bytes, and passed the same epochs on the way.
  void check_same(const std::string& a, const std::string& b) const {
    CHECK(weights(a) == weights(b));
    CHECK(weights(a, "best") == weights(b, "best"));
    CHECK_EQ(results(a), results(b));
  }
  /// results.csv without its column of seconds.
  std::string results(const std::string& name) const {
    std::istringstream in(lathe::tests::bytes_of(run(name) / "results.csv"));
    std::string line, cell, text;
    while (std::getline(in, line)) {
      std::istringstream cells(line);
      for (int i = 0; std::getline(cells, cell, ','); ++i)
        if (i != 6) text += cell + ",";
      text += "\n";
    }
    return text;
  }
};

/// True when the run's `last` is there; it must then be loadable and finite.
inline bool check_last(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "weights/last.safetensors";
  if (!std::filesystem::exists(file)) return false;
  const Weights last = load_weights(file);
  CHECK(last.state.has_value());
  for (const NamedTensor& t : last.tensors)
    for (double value : t.tensor.to_vector<double>()) REQUIRE(std::isfinite(value));
  return true;
}

inline void wait_milliseconds(int64_t ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

inline int64_t lines_of(const std::filesystem::path& file) {
  const std::string text = lathe::tests::bytes_of(file);
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace lathe::tests
