#include "data/transforms/transform.h"

#include "data/transforms/step_parameters.h"
#include "data/transforms/steps_sizing.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

const StepTable& step_table() {
  static const StepTable table = [] {
    StepTable all;
    add_size_steps(all);
    add_pad_steps(all);
    add_affine_steps(all);
    add_color_steps(all);
    add_damage_steps(all);
    return all;
  }();
  return table;
}

std::vector<std::string> step_names() {
  std::vector<std::string> names = {"Normalize"};
  for (const auto& [name, kind] : step_table()) names.push_back(name);
  return names;
}

std::string name_of(const nlohmann::json& step, const std::string& place) {
  if (!step.is_object() || !step.contains("name") || !step["name"].is_string())
    fail(ErrorKind::usage, place, "expects a table with a name: ", list_text(step_names()));
  return step["name"];
}

ColorScale take_colors(StepParameters& parameters) {
  const auto three = [&](const char* name, double otherwise, double least) {
    const std::vector<double> values =
        parameters.numbers(name, std::vector<double>(3, otherwise), least, 1e30);
    return std::array<double, 3>{values[0], values[1], values[2]};
  };
  return {three("mean", 0, -1e30), three("std", 1, 1e-30)};
}

Draws draws_of(const SampleKey& key, size_t step) {
  return Draws(RandomStream(key.seed, Purpose::augment, key.epoch, key.sample, uint32_t(step)));
}

}  // namespace

MadeStep make_step(const nlohmann::json& step, const std::string& place,
                   const std::optional<ColorScale>& after) {
  const std::string name = name_of(step, place);
  const auto kind = step_table().find(name);
  if (kind == step_table().end())
    fail(ErrorKind::usage, place,
         name == "Normalize" ? concat("Normalize expects to stand in the list itself, once")
                             : concat("there is no step '", name, "'; expects ",
                                      list_text(step_names()), suggestion(name, step_names())));
  StepParameters parameters(step, concat(place, name, ": "), after);
  const double p = parameters.number("p", kind->second.p, 0, 1);
  MadeStep made = {kind->second.make(parameters), p};
  parameters.finish();
  return made;
}

Pipeline::Pipeline(const std::vector<std::string>& steps, const std::string& place)
    : scale_({0, 0, 0}, {1, 1, 1}) {
  std::optional<ColorScale> colors;
  for (size_t i = 0; i < steps.size(); ++i) {
    const nlohmann::json step = nlohmann::json::parse(steps[i]);
    const std::string where = concat(place, "[", i, "]: "), name = name_of(step, where);
    if (name == "Normalize" && !colors) {
      StepParameters parameters(step, concat(where, name, ": "));
      colors = take_colors(parameters);
      parameters.finish();
      scale_ = PixelScale(colors->mean, colors->deviation);
      continue;
    }
    LATHE_CHECK(!colors || name == "RandomErasing", where, name,
                " expects to stand in front of Normalize: it works on pixels. RandomErasing alone "
                "may follow");
    steps_.push_back(make_step(step, where, colors));
  }
}

bool Pipeline::fused(size_t step) const {
  return step + 1 < steps_.size() && steps_[step + 1].p == 1 &&
         dynamic_cast<const SizeStep*>(steps_[step].transform.get()) &&
         dynamic_cast<const CutStep*>(steps_[step + 1].transform.get());
}

Image Pipeline::pixels(Image image, const SampleKey& key) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    Draws draws = draws_of(key, i);
    if (steps_[i].p < 1 && !draws.chance(steps_[i].p)) continue;
    if (fused(i)) {
      const auto [width, height, interpolation] =
          static_cast<const SizeStep&>(*steps_[i].transform).target(image.width, image.height);
      Draws next = draws_of(key, i + 1);
      const auto part =
          static_cast<const CutStep&>(*steps_[i + 1].transform).window(width, height, next);
      if (part) {
        image = resize(image, width, height, interpolation, *part);
        ++i;
        continue;
      }
    }
    image = steps_[i].transform->apply(std::move(image), draws);
  }
  return image;
}

}  // namespace lathe
