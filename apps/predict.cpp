// lathe predict: a line for each sample of each input.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/commands.h"
#include "apps/model_argument.h"
#include "apps/shared_options.h"
#include "data/csv.h"
#include "data/features.h"
#include "data/idx.h"
#include "data/landmarks.h"
#include "data/loader.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "tensor/serialize/weights_file.h"
#include "train/metrics.h"
#include "train/used_weights.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string what, output;
  std::vector<std::string> inputs;
  UseOptions use;
};

bool is_npy(const std::string& file) {
  if (!std::filesystem::is_regular_file(file)) return false;  // a pipe would be waited for
  char start[6] = {};
  return std::ifstream(file, std::ios::binary).read(start, 6) &&
         std::string_view(start, 6) == "\x93NUMPY";
}

/// (N, C, H, W) as (N, H, W, C), which is how models here have images.
Tensor channels_last(const Tensor& x) {
  const int64_t c = x.dim(1), h = x.dim(2), w = x.dim(3);
  return tensor_of({x.storage(),
                    x.raw() - x.storage()->data(),
                    element_type(x.dtype()),
                    {x.dim(0), h, w, c},
                    {c * h * w, w, 1, h * w},
                    false});
}

/// Pixels as a decoded file has them, (H, W, 3) or (N, H, W, 3) of u8.
std::shared_ptr<const Dataset> read_pixels(UsedWeights& weights, const std::string& file,
                                           Tensor x) {
  const Shape shape = x.shape();
  if (x.rank() == 3) x = x.reshape({1, shape[0], shape[1], shape[2]});
  if (x.rank() != 4 || x.dim(3) != 3 || x.numel() == 0)
    fail(ErrorKind::data, file, ": expects pixels (H, W, 3) or (N, H, W, 3), RGB, got the shape ",
         shape, x.rank() == 4 && x.dim(1) == 3 ? "; its colours are to be last" : "");
  return prepared(weights, pixel_dataset(weights.recipe, x, Stage::eval, file), file);
}

/// An array of floats is what PyTorch's model would be given: rows (F) or (N, F); for models of
/// images (C, H, W) or (N, C, H, W). It is transformed and normalised already.
std::shared_ptr<const Dataset> read_array(UsedWeights& weights, const std::string& file,
                                          DType dtype) {
  Tensor x = read_weights(file).tensors.at(0).tensor;
  const bool sees_images = weights.recipe.data.kind == "images";
  if (x.dtype() == DType::u8 && sees_images) return read_pixels(weights, file, x);
  if (!is_floating(x.dtype()))
    fail(ErrorKind::data, file,
         ": expects floats (f32 or f64), as PyTorch's model would be given "
         "them",
         sees_images ? ", or pixels (u8)" : "", ", got ", x.dtype());
  // What is no image has another rank, such as the rows (N, 28, 28) of an IDX file.
  const int64_t channels = image_channels(*weights.model);
  const bool one_image = x.rank() == 3 && channels > 0 && (channels > 1 || x.dim(0) == 1);
  if (x.rank() == 1 || one_image) {
    std::vector<int64_t> extents = {1};
    extents.insert(extents.end(), x.shape().begin(), x.shape().end());
    x = x.reshape(Shape(extents));
  }
  if (x.rank() < 2 || x.dim(0) == 0)
    fail(ErrorKind::data, file,
         ": expects rows (F) or (N, F), or images (C, H, W) or "
         "(N, C, H, W), got the shape ",
         x.shape());
  if (x.rank() == 4) x = channels_last(x);
  const auto normalization = std::exchange(weights.normalization, std::nullopt);
  const auto data = prepared(
      weights,
      std::make_shared<TensorDataset>(x.to(dtype), Tensor::full({x.dim(0)}, -1, DType::i64),
                                      std::vector<std::string>{}, x.dim(x.rank() - 1)),
      file);
  weights.normalization = normalization;
  return data;
}

/// Inputs that are read together: images are one set, all else is read file by file.
std::vector<std::vector<std::string>> input_sets(const Options& options, const Recipe& recipe) {
  std::vector<std::vector<std::string>> sets;
  bool images = false;  // whether the last set is of images
  for (const std::string& input : options.inputs) {
    const bool is_image = recipe.data.kind == "images" && !is_npy(input);
    if (!is_image || !images) sets.emplace_back();
    sets.back().push_back(input);
    images = is_image;
  }
  return sets;
}

/// The samples of a file, without labels, as the weights' recipe reads its data.
std::shared_ptr<const Dataset> read_inputs(UsedWeights& weights,
                                           const std::vector<std::string>& files) {
  const std::string& file = files[0];
  const Recipe& recipe = weights.recipe;
  const DType dtype = dtype_from_name(recipe.train.dtype);
  if (is_npy(file)) return read_array(weights, file, dtype);
  if (recipe.data.kind == "images")
    return prepared(
        weights, image_dataset(recipe, list_inputs(files), Stage::eval, &weights.left_out), file);
  if (recipe.data.kind == "features")
    return prepared(weights, std::make_shared<FeatureDataset>(file, "", dtype), file);
  if (recipe.data.kind == "landmarks") {
    LandmarkOptions options;
    options.rows_per_sample = recipe.data.rows_per_sample;
    options.dtype = dtype;
    return prepared(weights, read_landmarks({{file}}, options), file);
  }
  return prepared(weights, std::make_shared<IdxDataset>(file, "", dtype), file);
}

std::string line_of(bool json, const UsedWeights& weights, const std::string& input, int64_t index,
                    const std::vector<double>& logits, const std::vector<double>& p) {
  const int64_t c = class_of(p);
  const std::string name = weights.classes.at(size_t(c));
  if (!json)
    return fmt::format("{},{},{:.9g},{}\n", csv_cell(input), index,
                       p.size() == 1 ? p[0] : p[size_t(c)], csv_cell(name));
  const Json line = {{"input", input},
                     {"index", index},
                     {"logits", logits},
                     {"probabilities", p},
                     {"class", name}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

int predict(const Options& options, const CommonOptions& common) {
  UseOptions use = options.use;
  use.settings = recipe_settings(use.settings, common);
  const Device device = resolve_device(common);
  UsedWeights weights = use_weights(options.what, use, device);
  print_notes(weights.file.string(), weights.notes, common);
  LoaderOptions loading;
  loading.batch_size = weights.recipe.train.batch_size;
  loading.workers = 0;
  std::optional<AtomicFile> file;
  if (!options.output.empty() && options.output != "-") file.emplace(options.output);
  auto put = [&](const std::string& text) { file ? file->write(text) : void(std::cout << text); };
  if (!common.json) put("input,index,probability,class\n");
  for (const std::vector<std::string>& inputs : input_sets(options, weights.recipe)) {
    const std::string& input = inputs[0];
    Loader loader(read_inputs(weights, inputs), loading);
    print_notes("left out", std::exchange(weights.left_out, {}), common);
    loader.begin(0);
    const bool is_images = weights.recipe.data.kind == "images" && !is_npy(input);
    int64_t index = 0;
    while (const Batch* batch = loader.next()) {
      const Tensor outputs = (*weights.model)(batch->inputs.to(device));
      check_finite(weights, outputs, input, index);
      const std::vector<double> logits = outputs.to_vector<double>();
      const auto rows = probabilities(outputs);
      for (size_t i = 0; i < rows.size(); ++i) {
        const size_t width = rows[i].size();
        const std::vector<double> own(logits.begin() + long(i * width),
                                      logits.begin() + long((i + 1) * width));
        const std::string source = is_images ? loader.data().source(index) : "";
        put(line_of(common.json, weights, is_images ? source : input, is_images ? 0 : index, own,
                    rows[i]));
        ++index;
      }
      if (!file) check_stdout();  // not only at the end of a million samples
    }
  }
  if (file) file->commit();
  return 0;
}

}  // namespace

void add_predict(Program& program) {
  auto options = std::make_shared<Options>();
  Command& command =
      program
          .add("predict",
               "a line per sample: input, index, P(class 1) or the class's probability, class")
          .argument("RUN|WEIGHTS", options->what, "a run's folder, or a weights file")
          .argument(
              "INPUT", options->inputs,
              "files of the kind that the weights were trained on: images or folders of them, "
              "landmark CSV, IDX images, features; or .npy: floats as PyTorch's model is given "
              "them, or pixels, u8 (N, H, W, 3), which transform.eval is applied to")
          .option("--output", options->output, "a CSV file", "- is stdout")
          .option("--weights", options->use.weights, "of a run: best, last, epoch_N, or a file");
  add_use_options(command, options->use).run([&program, options] {
    return predict(*options, program.common);
  });
}

}  // namespace lathe::apps
