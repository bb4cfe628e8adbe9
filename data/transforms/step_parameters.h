// Reading the parameters of a step of [[transform.…]], which stand as a JSON object. Each is taken
// by its name with a default; finish() then refuses those that nobody took. The table of steps
// connects names with what makes them.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/transforms/transform.h"

namespace lathe {

/// What Normalize makes of colours of 0 to 1.
struct ColorScale {
  std::array<double, 3> mean = {0, 0, 0}, deviation = {1, 1, 1};
};

class StepParameters {
 public:
  /// `place` stands in front of messages: "transform.train[2] Resize: ". `after` is set where a
  /// Normalize stands before the step.
  StepParameters(const nlohmann::json& step, std::string place,
                 std::optional<ColorScale> after = {})
      : step_(step), place_(std::move(place)), after_(after) {}

  const std::string& place() const { return place_; }
  const std::optional<ColorScale>& after() const { return after_; }
  bool has(const std::string& name) const { return step_.contains(name) && !step_[name].is_null(); }
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
  /// N numbers.
  std::vector<double> numbers(const std::string& name, std::vector<double> otherwise,
                              double least = -1e300, double most = 1e300);
  /// [low, high].
  Range range(const std::string& name, Range otherwise, double least = -1e300, double most = 1e300);
  /// [low, high], or one number for -number to number.
  Range symmetric(const std::string& name, Range otherwise, double least = -1e300,
                  double most = 1e300);
  /// [low, high], or one number for 0 to number.
  Range up_to(const std::string& name, Range otherwise, double most = 1e300);
  /// A colour: one number for all three, or three; also under albumentations' older name `value`.
  std::array<uint8_t, 3> fill(const std::string& name);

  /// Throws Error(usage) for parameters that nobody took.
  void finish() const;
  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const;

 private:
  const nlohmann::json& step_;
  std::string place_;
  std::optional<ColorScale> after_;
  std::set<std::string> taken_ = {"p"};
};

/// How a kind of step is made, and how often it is applied unless `p` says otherwise.
struct StepKind {
  std::function<std::unique_ptr<Transform>(StepParameters&)> make;
  double p = 1;
};
/// All kinds by their names.
using StepTable = std::map<std::string, StepKind>;

template <class T>
StepKind kind_of(double p = 1) {
  return {[](StepParameters& parameters) { return std::make_unique<T>(parameters); }, p};
}

void add_size_steps(StepTable& table);    ///< steps_size.cpp
void add_pad_steps(StepTable& table);     ///< steps_pad.cpp
void add_affine_steps(StepTable& table);  ///< steps_affine.cpp
void add_color_steps(StepTable& table);   ///< steps_color.cpp
void add_damage_steps(StepTable& table);  ///< steps_damage.cpp

/// Throws Error(usage) for names and parameters that do not exist.
MadeStep make_step(const nlohmann::json& step, const std::string& place,
                   const std::optional<ColorScale>& after = {});

}  // namespace lathe
