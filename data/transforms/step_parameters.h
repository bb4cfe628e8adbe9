// Reading the parameters of a step of [[transform.…]], which stand as a JSON object. Each is taken
// by its name with a default; finish() then refuses those that nobody took. The table of steps
// connects names with what makes them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "data/transforms/transform.h"

namespace lathe {

class StepParameters {
 public:
  /// `place` stands in front of messages: "transform.train[2] Resize: ".
  StepParameters(const nlohmann::json& step, std::string place)
      : step_(step), place_(std::move(place)) {}

  const std::string& place() const { return place_; }
  bool has(const std::string& name) const { return step_.contains(name); }
  /// The value of a parameter, counted as taken; null where it is not given.
  const nlohmann::json& value(const std::string& name);

  double number(const std::string& name, double otherwise, double least = -1e300,
                double most = 1e300);
  int64_t integer(const std::string& name, int64_t otherwise, int64_t least, int64_t most);
  /// An integer that has to be given.
  int64_t integer(const std::string& name, int64_t least, int64_t most);
  bool flag(const std::string& name, bool otherwise);
  std::string word(const std::string& name, const std::string& otherwise,
                   const std::vector<std::string>& choices);
  /// [a, b], in this order: a <= b.
  std::pair<double, double> range(const std::string& name, std::pair<double, double> otherwise,
                                  double least = -1e300, double most = 1e300);
  /// N numbers.
  std::vector<double> numbers(const std::string& name, std::vector<double> otherwise,
                              double least = -1e300, double most = 1e300);

  /// Throws Error(usage) for parameters that nobody took.
  void finish() const;
  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const;

 private:
  const nlohmann::json& step_;
  std::string place_;
  std::vector<std::string> taken_ = {"name", "p"};
};

using TransformMaker = std::function<std::unique_ptr<Transform>(StepParameters&)>;
/// How each step is made, by its name.
using StepTable = std::map<std::string, TransformMaker>;

void add_size_steps(StepTable& table);  ///< steps_size.cpp: Resize, crops, pads

}  // namespace lathe
