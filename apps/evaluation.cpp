#include "apps/evaluation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "data/csv.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "train/classification_report.h"
#include "train/grouping.h"
#include "train/plots.h"

namespace lathe::apps {
namespace {

Json means(const ClassMeasures& m) {
  return {{"precision", m.precision}, {"recall", m.recall}, {"f1", m.f1}};
}

/// The measures that need no loss.
Json measures(const Evaluation& e) {
  Json json = {{"accuracy", e.accuracy}};
  if (e.two_classes()) {
    json.update(means(e.positive));
    json["roc_auc"] = e.roc_auc;
    json["average_precision"] = e.average_precision;
    json["eer"] = e.equal_error_rate;
  } else {
    json["macro"] = means(e.macro);
    json["weighted"] = means(e.weighted);
  }
  json["confusion"] = e.confusion;
  return json;
}

/// Whether all samples are of one class, which leaves little to measure.
bool one_class(const Evaluator& samples) {
  const std::vector<int64_t>& labels = samples.labels();
  return std::count(labels.begin(), labels.end(), labels.at(0)) == int64_t(labels.size());
}

Json folder_measures(const Evaluator& samples, double threshold) {
  const Evaluation e = samples.result(threshold);
  Json json = {{"samples", e.samples}};
  if (!one_class(samples)) {
    json.update(measures(e));
    return json;
  }
  json["accuracy"] = e.accuracy;
  if (e.two_classes()) json["mean_score"] = mean_score(samples);
  return json;
}

std::string means_text(const std::string& name, const ClassMeasures& m) {
  return fmt::format("  {:<18} precision {:.4f}  recall {:.4f}  F1 {:.4f}  of {}\n", name,
                     m.precision, m.recall, m.f1, m.support);
}

std::string measures_text(const Evaluation& e, const std::string& positive) {
  std::string text = fmt::format("  accuracy {:.4f}\n", e.accuracy);
  if (!e.two_classes())
    return text + means_text("macro mean", e.macro) + means_text("weighted mean", e.weighted);
  return text + means_text(positive, e.positive) +
         fmt::format("  ROC-AUC {:.4f}  average precision {:.4f}  EER {:.4f}\n", e.roc_auc,
                     e.average_precision, e.equal_error_rate);
}

std::string confusion_text(const Confusion& confusion, const std::vector<std::string>& classes) {
  size_t width = 9;
  for (const std::string& name : classes) width = std::max(width, name.size() + 1);
  std::string text =
      fmt::format("  {:>{}}", "actual", width) + "  predicted\n  " + std::string(width, ' ');
  for (const std::string& name : classes) text += fmt::format("{:>{}}", name, width);
  for (size_t i = 0; i < confusion.size(); ++i) {
    text += fmt::format("\n  {:>{}}", classes[i], width);
    for (int64_t count : confusion[i]) text += fmt::format("{:>{}}", count, width);
  }
  return text + "\n";
}

std::string folders_text(const EvaluatedSplit& split, double threshold) {
  std::string text;
  for (const auto& [folder, samples] : by_folder(split.samples, *split.data)) {
    const Evaluation e = samples.result(threshold);
    text += fmt::format("  {}: {} samples, accuracy {:.4f}", folder, e.samples, e.accuracy);
    if (e.two_classes() && one_class(samples))
      text += fmt::format(", mean score {:.4f}", mean_score(samples));
    else if (e.two_classes())
      text += fmt::format(", ROC-AUC {:.4f}", e.roc_auc);
    text += "\n";
  }
  return text.empty() ? "" : "by folder\n" + text;
}

}  // namespace

Json EvaluatedWeights::json_of(const EvaluatedSplit& split) const {
  const Evaluation e = split.samples.result(threshold);
  Json json = {{"samples", e.samples}, {"loss", e.loss}};
  json.update(measures(e));
  if (threshold != 0.5) json["threshold"] = threshold;
  if (const Evaluator groups = by_group(split.samples, *split.data); !groups.rows().empty()) {
    json["groups"] = {{"samples", groups.rows().size()}};
    json["groups"].update(measures(groups.result(threshold)));
  }
  for (const auto& [folder, samples] : by_folder(split.samples, *split.data))
    json["folders"][folder] = folder_measures(samples, threshold);
  return json;
}

std::string EvaluatedWeights::text_of(const EvaluatedSplit& split) const {
  const Evaluation e = split.samples.result(threshold);
  const std::string& positive = weights.classes[size_t(weights.positive)];
  std::string text = fmt::format("{}: {} samples\n  loss {:.6g}\n", split.name, e.samples, e.loss) +
                     measures_text(e, positive) + confusion_text(e.confusion, weights.classes) +
                     "\n" + classification_report(e.confusion, weights.classes);
  if (const Evaluator groups = by_group(split.samples, *split.data); !groups.rows().empty()) {
    const Evaluation g = groups.result(threshold);
    text += fmt::format("by group: {} groups\n", g.samples) + measures_text(g, positive) +
            confusion_text(g.confusion, weights.classes);
  }
  return text + folders_text(split, threshold);
}

/// predictions.csv: a line a sample, with a probability for each class, or of class 1 alone; path
/// and group where some sample has one.
std::string EvaluatedWeights::predictions() const {
  bool paths = false, groups = false;
  for (const EvaluatedSplit& split : splits)
    for (int64_t i = 0; i < split.data->size(); ++i) {
      paths |= !split.data->source(i).empty();
      groups |= !split.data->group(i).empty();
    }
  const auto& names = weights.classes;
  const bool one_column = splits.at(0).samples.rows().at(0).size() == 1;
  std::string text = "split,index,label,class";
  for (size_t i = one_column ? 1 : 0; i < names.size(); ++i)
    text += "," + csv_cell("p(" + names[i] + ")");
  text += std::string(paths ? ",path" : "") + (groups ? ",group" : "") + "\n";
  for (const EvaluatedSplit& split : splits)
    for (size_t i = 0; i < split.samples.rows().size(); ++i) {
      const std::vector<double>& row = split.samples.rows()[i];
      text += fmt::format("{},{},{},{}", split.name, i,
                          csv_cell(names[size_t(split.samples.labels()[i])]),
                          csv_cell(names[size_t(class_of(row, threshold))]));
      for (double p : row) text += fmt::format(",{:.9g}", p);
      if (paths) text += "," + csv_cell(split.data->source(int64_t(i)));
      if (groups) text += "," + csv_cell(split.data->group(int64_t(i)));
      text += "\n";
    }
  return text;
}

Json EvaluatedWeights::json() const {
  if (splits.size() == 1) return json_of(splits[0]);
  Json all = Json::object();
  for (const EvaluatedSplit& split : splits) all[split.name] = json_of(split);
  return all;
}

std::string EvaluatedWeights::text() const {
  std::string text = fmt::format("{} (epoch {})\n", weights.file.string(), weights.epoch);
  for (const EvaluatedSplit& split : splits) text += text_of(split);
  return text;
}

void check_report_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code none;
  fs::path there = fs::absolute(folder);  // what is there already of the way to it
  while (!fs::exists(there, none) && there.has_relative_path()) there = there.parent_path();
  LATHE_CHECK(fs::is_directory(there, none),
              "--report: expects a folder, or a name for a new one, ", there.string(),
              " is a file");
  LATHE_CHECK(access(there.c_str(), W_OK | X_OK) == 0, "--report: cannot write to ", there.string(),
              ": ", std::strerror(errno));
}

std::vector<std::string> EvaluatedWeights::write_report(const std::filesystem::path& folder) const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    fail(error == std::errc::no_space_on_device ? ErrorKind::device : ErrorKind::usage,
         "--report: cannot make ", folder.string(), ": ", error.message());
  atomic_write(folder / "metrics.json", json().dump(2) + "\n");
  atomic_write(folder / "metrics.txt", text());
  atomic_write(folder / "predictions.csv", predictions());
  std::string report;
  std::vector<std::string> notes;
  for (const EvaluatedSplit& split : splits) {
    if (splits.size() > 1) report += split.name + "\n";
    report += classification_report(split.samples.result(threshold).confusion, weights.classes);
    const std::filesystem::path plots = folder / "plots" / split.name;
    write_plot_data(plots, split.samples, weights.classes, threshold);
    notes.push_back(draw_plots(plots));
  }
  atomic_write(folder / "report.txt", report);
  return notes;
}

}  // namespace lathe::apps
