// The folder of a run, runs/train/NAME: recipe.toml, env.json, train.log, results.csv, weights/,
// tb/ and plots/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace lathe {

class RunFolder {
 public:
  /// Makes PROJECT/NAME, or NAME2, NAME3, … where that exists; with `exist_ok` NAME itself, as it
  /// is: see clear().
  static RunFolder create(const std::filesystem::path& project, const std::string& name,
                          bool exist_ok);
  /// A folder that is there. Throws Error(data) when there is none, or it is no run's.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path recipe() const { return path_ / "recipe.toml"; }
  std::filesystem::path results() const { return path_ / "results.csv"; }
  std::filesystem::path log() const { return path_ / "train.log"; }
  /// Where TensorBoard's files are.
  std::filesystem::path events() const { return path_ / "tb"; }
  /// Where pictures and the data behind them are.
  std::filesystem::path plots() const { return path_ / "plots"; }
  /// weights/NAME.safetensors.
  std::filesystem::path weights(const std::string& name) const;
  /// Removes the weights, log, events, plots and results of an earlier run, and no other file.
  void clear() const;
  /// Writes env.json: the environment and the command line.
  void write_environment(const std::string& command_line) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// What an epoch came to; a value that was not measured is NaN.
struct EpochResult {
  int64_t epoch = 0;
  double train_loss, train_accuracy, valid_loss, valid_accuracy, lr, seconds;
  std::vector<std::pair<std::string, double>> further;  ///< more columns, the same every epoch

  std::vector<std::pair<std::string, double>> columns() const;
  /// An object with the columns of results.csv.
  nlohmann::ordered_json json() const;
};

/// results.csv: a line an epoch, each written whole.
class ResultsFile {
 public:
  /// `digits` significant ones: 9, or 17 for f64 runs.
  ResultsFile(std::filesystem::path file, int digits) : file_(std::move(file)), digits_(digits) {}
  /// Drops the lines behind an epoch (0: all of them), and what a kill left of a line.
  void keep_until(int64_t epoch);
  void append(const EpochResult& result);
  /// An epoch's line, { column, value }; an empty cell is NaN. Nothing when there is no such line.
  std::vector<std::pair<std::string, double>> line(int64_t epoch) const;
  /// A column of the file so far.
  std::vector<double> column(const std::string& name) const;

 private:
  std::filesystem::path file_;
  int digits_;
};

}  // namespace lathe
