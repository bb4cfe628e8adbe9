#include "data/transforms/transform.h"

#include <cmath>
#include <numbers>

#include "data/transforms/step_parameters.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

const StepTable& step_table() {
  static const StepTable table = [] {
    StepTable all;
    add_size_steps(all);
    return all;
  }();
  return table;
}

std::vector<std::string> step_names() {
  std::vector<std::string> names = {"Normalize"};
  for (const auto& [name, maker] : step_table()) names.push_back(name);
  return names;
}

PixelScale make_scale(StepParameters& parameters) {
  const auto three = [&](const char* name, double otherwise, double least) {
    const std::vector<double> values =
        parameters.numbers(name, std::vector<double>(3, otherwise), least, 1e30);
    return std::array<float, 3>{float(values[0]), float(values[1]), float(values[2])};
  };
  const std::array<float, 3> mean = three("mean", 0, -1e30), deviation = three("std", 1, 1e-30);
  return {mean, deviation};
}

}  // namespace

double Draws::normal() {
  // Box-Muller; 1 - u is never 0.
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

Pipeline::Pipeline(const std::vector<std::string>& steps, const std::string& place)
    : scale_({0, 0, 0}, {1, 1, 1}) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const nlohmann::json step = nlohmann::json::parse(steps[i]);
    const std::string where = concat(place, "[", i, "]: ");
    if (!step.contains("name") || !step["name"].is_string())
      fail(ErrorKind::usage, where, "expects a name: ", list_text(step_names()));
    const std::string name = step["name"];
    StepParameters parameters(step, where + name + ": ");
    if (name == "Normalize") {
      LATHE_CHECK(i + 1 == steps.size(), where, "Normalize expects to be the last step");
      scale_ = make_scale(parameters);
    } else {
      const auto maker = step_table().find(name);
      LATHE_CHECK(maker != step_table().end(), where, "there is no step '", name, "'; expects ",
                  list_text(step_names()), suggestion(name, step_names()));
      const double probability = parameters.number("p", 1, 0, 1);
      steps_.push_back({maker->second(parameters), probability});
    }
    parameters.finish();
  }
}

Image Pipeline::pixels(Image image, const SampleKey& key) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    Draws draws(RandomStream(key.seed, Purpose::augment, key.epoch, key.sample, uint32_t(i)));
    if (steps_[i].probability < 1 && !draws.chance(steps_[i].probability)) continue;
    image = steps_[i].transform->apply(std::move(image), draws);
  }
  return image;
}

}  // namespace lathe
