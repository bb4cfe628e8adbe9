#include "apps/model_argument.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "apps/shared_options.h"
#include "models/registry.h"
#include "tensor/check.h"
#include "tensor/random.h"
#include "tensor/suggest.h"
#include "train/no_calls.h"

namespace lathe::apps {

Recipe recipe_of(const std::string& what, const std::vector<std::string>& given,
                 const CommonOptions& common) {
  std::vector<std::string> settings = recipe_settings(given, common);
  const std::vector<std::string> models = model_names();
  if (std::find(models.begin(), models.end(), model_name(what)) != models.end()) {
    settings.insert(settings.begin(), "model.name=" + what);
    return parse_recipe({"", what, std::filesystem::current_path()}, settings);
  }
  if (std::filesystem::exists(what)) return read_recipe(what, settings);
  fail(what.ends_with(".toml") ? ErrorKind::data : ErrorKind::usage, what,
       ": there is neither such a model nor such a recipe", suggestion(what, models),
       " (models: ", list_text(models), ")");
}

int64_t image_channels(Module& model) {
  const auto parameters = model.named_parameters();
  const bool convolution = !parameters.empty() && parameters[0].layout == Layout::filters;
  return convolution ? parameters[0].tensor.dim(3) : 0;
}

Shape batch_shape(Module& model, int64_t batch_size, const std::string& input) {
  std::vector<int64_t> extents = {batch_size};
  if (input.empty()) {
    const auto parameters = model.named_parameters();
    LATHE_CHECK(!parameters.empty() && parameters[0].tensor.rank() == 2,
                "--input: this model needs it, such as 3x224x224");
    extents.push_back(parameters[0].tensor.dim(1));
  }
  std::istringstream parts(input.ends_with('x') ? input + "?" : input);
  for (std::string part; std::getline(parts, part, 'x');) {
    LATHE_CHECK(!part.empty() && part.size() < 9 &&
                    part.find_first_not_of("0123456789") == std::string::npos &&
                    std::stoll(part) > 0,
                "--input: expects extents such as 3x224x224, got '", input, "'");
    extents.push_back(std::stoll(part));
  }
  const int64_t channels = image_channels(model);
  if (channels > 0 && extents.size() == 4) {
    LATHE_CHECK(extents[1] == channels || extents[3] == channels, "--input: this model takes ",
                channels, " channels, expects ", channels, "xHEIGHTxWIDTH, got '", input, "'");
    if (extents[1] == channels)
      std::rotate(extents.begin() + 1, extents.begin() + 2, extents.end());
  }
  return Shape(extents);
}

namespace {
/// What comes out for one sample, without its elements.
Tensor shape_of_one(Module& model, const Tensor& inputs) {
  const NoCalls shapes_alone;
  return model(inputs.slice(0, 1));
}
}  // namespace

RandomBatch random_batch(Module& model, const Recipe& recipe, const Shape& shape, Device device) {
  const DType dtype = dtype_from_name(recipe.train.dtype);
  Tensor inputs = Tensor::empty(shape, dtype);
  normal_(inputs, 0, 1, RandomStream(uint64_t(recipe.train.seed), Purpose::test));
  inputs = inputs.to(device);
  const Tensor outputs = shape_of_one(model.eval(), inputs);
  const int64_t width = outputs.rank() == 1 ? 1 : outputs.dim(1);
  const int64_t classes = width == 1 ? 2 : width;
  const RandomStream random(uint64_t(recipe.train.seed), Purpose::test, 1);
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < shape[0]; ++i)
    labels.push_back(int64_t(random.below(uint64_t(i), uint64_t(classes))));
  return {inputs, Tensor::from(labels, {shape[0]}).to(device), width, classes};
}

}  // namespace lathe::apps
