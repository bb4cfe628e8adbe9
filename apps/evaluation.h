// What `lathe eval` says of an evaluated split: as JSON, as text, as files.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "train/metrics.h"
#include "train/used_weights.h"

namespace lathe::apps {

using Json = nlohmann::ordered_json;

/// A split that weights were run over.
struct EvaluatedSplit {
  std::string name;
  std::shared_ptr<const Dataset> data;
  Evaluator samples;
};

/// Weights, and the splits they were run over.
struct EvaluatedWeights {
  UsedWeights weights;
  double threshold = 0.5;
  std::vector<EvaluatedSplit> splits = {};

  /// The measures of a split, or of each of several by its name.
  Json json() const;
  /// The same for people.
  std::string text() const;
  /// metrics.json, metrics.txt, report.txt, predictions.csv and a folder of plots for each split.
  /// Returns lines for people about these.
  std::vector<std::string> write_report(const std::filesystem::path& folder) const;

 private:
  Json json_of(const EvaluatedSplit& split) const;
  std::string text_of(const EvaluatedSplit& split) const;
  std::string predictions() const;
};

/// Throws Error(usage) unless files can be written to this folder, which need not be there yet.
void check_report_folder(const std::filesystem::path& folder);

}  // namespace lathe::apps
