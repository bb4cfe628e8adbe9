// lathe data transform, show, bench: what a recipe's transforms make of images, as an array, as a
// picture, and how fast.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/shared_options.h"
#include "data/loader.h"
#include "tensor/check.h"
#include "tensor/parallel.h"
#include "tensor/serialize/file.h"
#include "tensor/serialize/weights_file.h"
#include "tensor/suggest.h"
#include "train/task.h"

namespace lathe::apps {
namespace {

struct Options {
  std::string recipe, output, stage;
  std::vector<std::string> images, settings;
  int64_t epoch = 1, count = 32, columns = 8;
  bool raw = false;
};

Recipe read(const Options& options, const CommonOptions& common, const char* command) {
  Recipe recipe = read_recipe(options.recipe, recipe_settings(options.settings, common));
  LATHE_CHECK(recipe.data.kind == "images", command, ": expects a recipe of data.kind images, ",
              options.recipe, " has ", recipe.data.kind);
  return recipe;
}

Stage stage_of(const Options& options) {
  LATHE_CHECK(options.stage == "eval" || options.stage == "train", "--stage: has no value '",
              options.stage, "'; expects eval or train",
              suggestion(options.stage, {"eval", "train"}));
  return options.stage == "train" ? Stage::train : Stage::eval;
}

uint32_t epoch_of(const Options& options) {
  LATHE_CHECK(options.epoch >= 0 && options.epoch < (int64_t(1) << 32),
              "--epoch: expects a number from 0 to 4294967295, got ", options.epoch);
  return uint32_t(options.epoch);
}

int transform(const Options& options, const CommonOptions& common) {
  const Recipe recipe = read(options, common, "data transform");
  LATHE_CHECK(options.output.ends_with(".npy"), "--output: expects a file OUT.npy, got '",
              options.output, "'");
  std::vector<std::string> left_out;
  const auto data =
      image_dataset(recipe, list_inputs(options.images), stage_of(options), &left_out);
  print_notes("left out", left_out, common);
  const uint32_t epoch = epoch_of(options);
  const Shape sample = data->sample_shape();
  const DType dtype = options.raw ? DType::u8 : data->dtype();
  Tensor all = Tensor::empty({data->size(), sample[0], sample[1], 3}, dtype);
  const int64_t bytes = sample.numel() * size_of(dtype);
  parallel_for(0, data->size(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::byte* const to = all.raw() + i * bytes;
      if (!options.raw) {
        data->fill(i, epoch, to);
        continue;
      }
      const Image image = data->pixels(i, epoch);
      std::copy(image.pixels.begin(), image.pixels.end(), reinterpret_cast<uint8_t*>(to));
    }
  });
  write_weights(options.output, {{"array", all}});
  return 0;
}

/// Images of one size side by side on a grey ground.
Image contact_sheet(const std::vector<Image>& images, int64_t columns) {
  constexpr int64_t gap = 4;
  constexpr uint8_t ground = 128;
  const int64_t width = images[0].width, height = images[0].height;
  columns = std::min(columns, int64_t(images.size()));
  const int64_t rows = (int64_t(images.size()) + columns - 1) / columns;
  Image sheet(columns * (width + gap) + gap, rows * (height + gap) + gap);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), ground);
  for (size_t i = 0; i < images.size(); ++i) {
    const int64_t left = gap + int64_t(i) % columns * (width + gap);
    const int64_t top = gap + int64_t(i) / columns * (height + gap);
    for (int64_t y = 0; y < height; ++y)
      std::copy_n(images[i].row(y), width * 3, sheet.row(top + y) + left * 3);
  }
  return sheet;
}

int show(const Options& options, const CommonOptions& common) {
  const Recipe recipe = read(options, common, "data show");
  LATHE_CHECK(options.count >= 1 && options.count <= 4096 && options.columns >= 1,
              "data show: expects --count from 1 to 4096 and --columns of 1 or more, got ",
              options.count, " and ", options.columns);
  const Stage stage = stage_of(options);
  std::vector<std::string> left_out;
  const auto data = image_dataset(
      recipe, options.images.empty() ? list_split(recipe, "train") : list_inputs(options.images),
      stage, &left_out);
  print_notes("left out", left_out, common);
  // Samples from all of the data; where there are few, each several times, as in later epochs.
  std::vector<Image> images;
  for (int64_t i = 0; i < options.count; ++i) {
    const int64_t index =
        options.count <= data->size() ? i * data->size() / options.count : i % data->size();
    images.push_back(data->pixels(index, epoch_of(options) + uint32_t(i / data->size())));
  }
  const Image sheet = contact_sheet(images, options.columns);
  const auto png = encode_png(sheet);
  atomic_write(options.output, {reinterpret_cast<const char*>(png.data()), png.size()});
  if (!common.quiet)
    std::cerr << options.output << ": " << images.size() << " samples of " << images[0].width
              << " x " << images[0].height << " pixels\n";
  return 0;
}

int bench(const Options& options, const CommonOptions& common) {
  const Recipe recipe = read(options, common, "data bench");
  const auto data = load_split(recipe, "train", Stage::train);
  LoaderOptions loading;
  loading.batch_size = recipe.train.batch_size;
  loading.shuffle = true;
  loading.workers = num_threads();
  Loader loader(data, loading);
  double best = 0;
  const auto seconds_of_epoch = [&](uint32_t epoch) {
    const auto start = std::chrono::steady_clock::now();
    loader.begin(epoch);
    while (loader.next()) {
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (uint32_t epoch = 1; epoch <= 3; ++epoch)
    best = std::max(best, double(data->size()) / seconds_of_epoch(epoch));
  if (common.json)
    print_json({{"samples_per_second", best}, {"threads", loading.workers}});
  else
    std::cout << fmt::format("{:.1f} samples/s with {} threads\n", best, loading.workers);
  return 0;
}

}  // namespace

void add_data_transform(Program& program) {
  auto options = std::make_shared<Options>();
  options->stage = "eval";
  program.add("transform", "what a model sees of images, as an array (N, H, W, 3)", "data")
      .argument("RECIPE", options->recipe, "the recipe whose transforms are applied")
      .argument("IMAGE", options->images, "images, or folders of them")
      .option("-o,--output", options->output, "the file OUT.npy")
      .option("--stage", options->stage, "whose transforms: eval or train")
      .option("--epoch", options->epoch, "what is random depends on it")
      .flag("--raw", options->raw, "the pixels, u8, before they become numbers")
      .settings(options->settings)
      .run([&program, options] { return transform(*options, program.common); });
}

void add_data_show(Program& program) {
  auto options = std::make_shared<Options>();
  options->stage = "train";
  options->output = "sheet.png";
  program.add("show", "a sheet of transformed samples, as PNG", "data")
      .argument("RECIPE", options->recipe, "the recipe whose transforms are applied")
      .argument("IMAGE", options->images, "images or folders; none: the training data", false)
      .option("-o,--output", options->output, "the file to write")
      .option("--stage", options->stage, "whose transforms: train or eval")
      .option("--epoch", options->epoch, "what is random depends on it")
      .option("--count", options->count, "how many samples")
      .option("--columns", options->columns, "how many side by side")
      .settings(options->settings)
      .run([&program, options] { return show(*options, program.common); });
}

void add_data_bench(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("bench", "samples a second of reading, decoding and transforming alone", "data")
      .argument("RECIPE", options->recipe, "the recipe whose training data is read")
      .settings(options->settings)
      .run([&program, options] { return bench(*options, program.common); });
}

}  // namespace lathe::apps
