#include "train/check_data.h"

#include <algorithm>

#include "data/csv.h"
#include "tensor/check.h"
#include "train/no_calls.h"

namespace lathe {
namespace {

/// Puts a model back into training.
struct Restore {
  Module& model;
  bool training;
  ~Restore() {
    if (training) model.train();
  }
};

}  // namespace

void check_channels(const Dataset& data, const std::vector<std::string>& training_names,
                    const std::string& file) {
  const std::vector<std::string> names = data.channel_names();
  if (!names.empty() && !training_names.empty())
    check_columns(file, names, training_names, "the training data");
}

void check_classes(const Dataset& train, const std::string& file) {
  for (int64_t i = 0; i < train.size(); ++i)
    if (train.label(i) < 0)
      fail(ErrorKind::data, file, ": sample ", i, " ", train.source(i),
           train.source(i).empty() ? "" : " ", "has no class to train on");
  const std::vector<int64_t> counts = class_counts(train);
  const auto present = std::count_if(counts.begin(), counts.end(), [](int64_t n) { return n > 0; });
  if (present >= 2) return;
  const auto only = std::find_if(counts.begin(), counts.end(), [](int64_t n) { return n > 0; });
  fail(ErrorKind::data, file, ": expects samples of two classes to train on, ",
       present == 0 ? "got none"
                    : "all are of the class " + train.class_names()[size_t(only - counts.begin())]);
}

int64_t check_model_takes(Module& model, const Dataset& data, const std::string& file) {
  const auto parameters = model.named_parameters();
  const Device device = parameters.empty() ? Device::cpu : parameters[0].tensor.device();
  const Shape sample = data.sample_shape();
  std::vector<int64_t> extents = {1};
  extents.insert(extents.end(), sample.begin(), sample.end());
  const NoCalls traced;
  // One sample, as in evaluation: a batch norm in training wants more where an image has shrunk to
  // a pixel.
  const bool training = model.training();
  if (training) model.eval();
  const Restore restore{model, training};
  try {
    return model(Tensor::empty(Shape(extents), data.dtype(), device)).numel();
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::usage) throw;
    fail(ErrorKind::data, file, ": the model does not take its samples of shape ", sample, ": ",
         e.what());
  }
}

}  // namespace lathe
