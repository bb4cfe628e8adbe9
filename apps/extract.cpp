// lathe extract: what a layer makes of images, kept in a file to train heads on.
#include <fmt/format.h>
#include <zlib.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/shared_options.h"
#include "data/feature_file.h"
#include "data/features.h"
#include "data/forwarding.h"
#include "data/loader.h"
#include "layers/layer_output.h"
#include "tensor/check.h"
#include "train/progress.h"
#include "train/used_weights.h"

namespace lathe::apps {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string what, layer, output, split;
  std::vector<std::string> inputs;
  int64_t augment = 0;
  UseOptions use;
};

/// A model to take features from, and the recipe that says how it sees images.
struct Source {
  Recipe recipe;
  std::unique_ptr<Module> model;
};

/// Of a recipe, its model with init.weights; of a run or weights, these.
Source source_of(const Options& options, const CommonOptions& common, Device device) {
  UseOptions use = options.use;
  use.settings = recipe_settings(use.settings, common);
  if (!options.what.ends_with(".toml")) {
    UsedWeights used = use_weights(options.what, use, device);
    print_notes(used.file.string(), used.notes, common);
    return {used.recipe, std::move(used.model)};
  }
  Source source{read_recipe(options.what, use.settings), nullptr};
  LATHE_CHECK(!source.recipe.init.weights.files.empty(), options.what,
              ": names no init.weights; features of fresh weights say nothing. Set it by --set "
              "init.weights=FILE");
  source.model = make_model(source.recipe, device);
  load_initial_weights(source.recipe, *source.model);
  source.model->inference();
  return source;
}

/// Folders of classes, JSON and CSV give labels and groups; images and other folders do not. Where
/// the recipe names its classes, a folder of classes has no other subfolders.
bool is_labelled(const std::string& input, const Recipe& recipe) {
  if (!fs::is_directory(input)) return input.ends_with(".csv") || input.ends_with(".json");
  if (!recipe.data.class_patterns.empty()) return true;
  const std::vector<std::string>& classes = recipe.data.classes;
  bool found = false;
  for (const fs::path& image : images_below(input)) {
    if (!image.has_parent_path()) continue;
    const std::string folder = image.begin()->string();
    if (!classes.empty() && std::find(classes.begin(), classes.end(), folder) == classes.end())
      return false;
    found = true;
  }
  return found;
}

ImageList list_of(const Options& options, const Recipe& recipe) {
  for (const std::string& input : options.inputs)
    if (!is_labelled(input, recipe)) return list_inputs(options.inputs);
  const std::vector<fs::path> sources(options.inputs.begin(), options.inputs.end());
  return list_images(sources, {.class_patterns = recipe.data.class_patterns,
                               .group = recipe.data.group,
                               .split = options.split,
                               .must_exist = recipe.data.on_error == "stop"});
}

/// Each image several times, as it looks in epochs 1, 2, …
class CopiesDataset final : public ForwardingDataset {
 public:
  CopiesDataset(std::shared_ptr<const Dataset> data, int64_t copies)
      : ForwardingDataset(std::move(data)), copies_(copies) {}
  int64_t size() const override { return data().size() * copies_; }
  void fill(int64_t index, uint32_t, void* to) const override {
    data().fill(origin(index), uint32_t(1 + index % copies_), to);
  }

 protected:
  int64_t origin(int64_t index) const override { return index / copies_; }

 private:
  int64_t copies_;
};

std::string fingerprint(Module& model) {
  uLong crc = 0;
  for (const NamedTensor& t : model.state_dict()) {
    const Tensor host = t.tensor.to(Device::cpu);
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(host.raw()),
                  size_t(host.numel() * size_of(host.dtype())));
  }
  return fmt::format("{:08x}", crc);
}

FeatureFileLayout layout_of(const Options& options, Source& source, const Dataset& data,
                            const Tensor& example, DType dtype) {
  const Steps& steps =
      options.augment > 0 ? source.recipe.transform.train : source.recipe.transform.eval;
  FeatureFileLayout layout;
  layout.rows = data.size();
  layout.dtype = dtype;
  const Shape& y = example.shape();
  layout.row = y.rank() == 4 ? Shape({y[3], y[1], y[2]}) : Shape({example.numel()});
  std::vector<std::string> paths, groups;
  for (int64_t i = 0; i < data.size(); ++i) {
    layout.labels.push_back(data.label(i));
    paths.push_back(data.source(i));
    groups.push_back(data.group(i).empty() ? data.source(i) : data.group(i));
  }
  layout.metadata = {{"model", source.recipe.model.name},
                     {"layer", options.layer},
                     {"weights", fingerprint(*source.model)},
                     {"copies", std::to_string(options.augment)},
                     {"transforms", nlohmann::json(steps.json).dump()},
                     {"arithmetic", source.recipe.train.dtype},
                     {"seed", std::to_string(source.recipe.train.seed)},
                     {FeatureNames::classes, nlohmann::json(data.class_names()).dump()},
                     {FeatureNames::paths, nlohmann::json(paths).dump()},
                     {FeatureNames::groups, nlohmann::json(groups).dump()}};
  return layout;
}

/// "10 fake, 12 real", or that nobody said.
std::string labels_text(const Dataset& data) {
  std::string text;
  const std::vector<int64_t> counts = class_counts(data);
  for (size_t i = 0; i < counts.size(); ++i)
    text += fmt::format("{}{} {}", i ? ", " : "", counts[i], data.class_names()[i]);
  return text.empty() ? "no labels" : text;
}

int extract(const Options& options, const CommonOptions& common) {
  LATHE_CHECK(options.augment >= 0 && options.augment <= 100'000,
              "--augment: expects 0 to 100000 copies, got ", options.augment);
  LATHE_CHECK(!options.layer.empty(),
              "extract: expects --layer NAME, such as fc.input; `lathe summary` lists a model's");
  const fs::path target = options.output, folder = fs::absolute(target).parent_path();
  LATHE_CHECK(fs::is_directory(folder), "--output: there is no folder ", folder.string());
  const Device device = resolve_device(common);
  Source source = source_of(options, common, device);
  const Stage stage = options.augment > 0 ? Stage::train : Stage::eval;
  const Recipe& recipe = source.recipe;
  LATHE_CHECK(recipe.data.kind == "images", "extract: expects what sees images, ", options.what,
              " has data.kind ", recipe.data.kind,
              "; say --set data.kind=images where that is wrong");
  std::vector<std::string> left_out;
  std::shared_ptr<const Dataset> data =
      image_dataset(recipe, list_of(options, recipe), stage, &left_out);
  print_notes("left out", left_out, common);
  if (!recipe.data.classes.empty() && !data->class_names().empty())
    data = with_classes(data, recipe.data.classes);
  if (options.augment > 0) data = std::make_shared<CopiesDataset>(data, options.augment);

  LoaderOptions loading;
  loading.batch_size = recipe.train.batch_size;
  loading.workers = int(recipe.data.workers);
  Loader loader(data, loading);
  loader.begin(0);
  const Batch* batch = loader.next();
  const Tensor first = batch->inputs.slice(0, 1).to(device);
  const DType dtype = common.dtype == "f16" ? DType::f16 : data->dtype();
  const FeatureFileLayout layout =
      layout_of(options, source, *data, layer_output(*source.model, options.layer, first), dtype);
  FeatureWriter writer(target, layout);
  check_disk(folder, writer.remaining_bytes());
  const int64_t done = writer.rows() / loading.batch_size;
  if (writer.rows() < layout.rows) writer.keep(done * loading.batch_size);
  if (!common.quiet)
    std::cerr << fmt::format("{} features of {} numbers, {}, {:.1f} MB in {}; {}{}\n", layout.rows,
                             layout.row.numel(), name(dtype), double(layout.bytes()) / 1e6,
                             target.string(), labels_text(*data),
                             writer.rows() > 0 ? fmt::format("; {} are there", writer.rows()) : "");
  Progress progress(progress_style(common.progress, common.quiet), common.quiet);
  progress.begin("extract", layout.rows, writer.rows());
  loader.begin(0, writer.rows() == layout.rows ? loader.batches() : done);
  while ((batch = loader.next())) {
    writer.append(layer_output(*source.model, options.layer, batch->inputs.to(device)));
    progress.update(writer.rows(), 0);
  }
  progress.end();
  writer.finish();
  if (common.json)
    print_json(
        {{"file", target.string()}, {"shape", shape_json(layout.row)}, {"rows", layout.rows}});
  return 0;
}

}  // namespace

void add_extract(Program& program) {
  auto options = std::make_shared<Options>();
  options->output = "features.safetensors";
  Command& command =
      program.add("extract", "what a layer makes of images, as a file of features")
          .argument("RUN|WEIGHTS|RECIPE", options->what,
                    "a run's folder, a weights file, or a recipe with init.weights")
          .argument("INPUT", options->inputs,
                    "images, folders, or with classes: folders of these, JSON, CSV")
          .option("--layer", options->layer,
                  "a layer's name, for its output, or NAME.input for what it is given")
          .option("-o,--output", options->output, "the file, .safetensors or .npy")
          .option("--augment", options->augment,
                  "copies of each image by transform.train; 0: once, by transform.eval")
          .option("--split", options->split, "of a CSV with such a column: train, valid or test",
                  "all")
          .option("--weights", options->use.weights, "of a run: best, last, epoch_N, or a file")
          .writes_f16();
  add_use_options(command, options->use).run([&program, options] {
    return extract(*options, program.common);
  });
}

}  // namespace lathe::apps
