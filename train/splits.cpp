#include "train/splits.h"

#include <filesystem>

#include "data/disjoint.h"
#include "data/features.h"
#include "data/folds.h"
#include "data/idx.h"
#include "data/joined.h"
#include "data/landmarks.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

const std::vector<SplitFiles>& files_of(const Recipe& recipe, const std::string& split) {
  if (split == "train" || (split == "valid" && recipe.data.folds > 0)) return recipe.data.train;
  if (split == "valid") return recipe.data.valid;
  LATHE_CHECK(split == "test", "split: expects train, valid or test, got '", split, "'",
              suggestion(split, {"train", "valid", "test"}));
  return recipe.data.test;
}

std::shared_ptr<const Dataset> load_idx(const Recipe& recipe,
                                        const std::vector<SplitFiles>& files) {
  std::vector<std::shared_ptr<const Dataset>> parts;
  for (const SplitFiles& one : files)
    parts.push_back(
        std::make_shared<IdxDataset>(one.images, one.labels, dtype_from_name(recipe.train.dtype)));
  return parts.size() == 1 ? parts[0] : std::make_shared<JoinedDataset>(std::move(parts));
}

std::shared_ptr<const Dataset> load_features(const Recipe& recipe,
                                             const std::vector<SplitFiles>& files) {
  std::vector<std::shared_ptr<const Dataset>> parts;
  for (const SplitFiles& one : files)
    parts.push_back(std::make_shared<FeatureDataset>(one.path.empty() ? one.features : one.path,
                                                     one.labels,
                                                     dtype_from_name(recipe.train.dtype)));
  return parts.size() == 1 ? parts[0] : std::make_shared<JoinedDataset>(std::move(parts));
}

std::shared_ptr<const Dataset> load_landmarks(const Recipe& recipe,
                                              const std::vector<SplitFiles>& files) {
  std::vector<LandmarkFiles> pairs;
  for (const SplitFiles& one : files) {
    const std::filesystem::path features = one.features;
    const std::string stem = features.stem().string();
    const bool makable = stem == "train" || stem == "valid" || stem == "test";
    if (makable && !std::filesystem::exists(features))
      fail(ErrorKind::data, one.features, ": there is no such file; `lathe data make landmarks ",
           features.parent_path().string(), "` makes synthetic ones");
    pairs.push_back({one.features, one.labels});
  }
  LandmarkOptions options;
  options.rows_per_sample = recipe.data.rows_per_sample;
  options.dtype = dtype_from_name(recipe.train.dtype);
  return read_landmarks(pairs, options);
}

/// The samples of data.fold, or all others; all samples where there are no folds.
std::shared_ptr<const Dataset> fold_of(const Recipe& recipe, std::shared_ptr<const Dataset> data,
                                       bool inside) {
  if (recipe.data.folds == 0) return data;
  const std::vector<int> folds =
      assign_folds(*data, recipe.data.folds, uint64_t(recipe.train.seed));
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < data->size(); ++i)
    if ((folds[size_t(i)] == recipe.data.fold - 1) == inside) indices.push_back(i);
  return std::make_shared<SubsetDataset>(std::move(data), std::move(indices));
}

ImageDatasetOptions image_options(const Recipe& recipe) {
  return {.dtype = dtype_from_name(recipe.train.dtype),
          .seed = uint64_t(recipe.train.seed),
          .cache_bytes = recipe.data.cache_mb * 1'000'000,
          .skip_damaged = recipe.data.on_error == "skip"};
}

Pipeline pipeline_of(const Recipe& recipe, Stage stage) {
  if (stage == Stage::train) return Pipeline(recipe.transform.train.json, "transform.train");
  return Pipeline(recipe.transform.eval.json, "transform.eval");
}

}  // namespace

bool has_split(const Recipe& recipe, const std::string& split) {
  return !files_of(recipe, split).empty();
}

std::vector<std::string> split_names(const Recipe& recipe) {
  std::vector<std::string> names;
  for (const char* split : {"train", "valid", "test"})
    if (has_split(recipe, split)) names.push_back(split);
  return names;
}

std::string first_file(const Recipe& recipe, const std::string& split) {
  const std::vector<SplitFiles>& files = files_of(recipe, split);
  if (files.empty()) return "data." + split;
  if (!files[0].path.empty()) return files[0].path;
  return recipe.data.kind == "idx" ? files[0].images : files[0].features;
}

std::shared_ptr<const Dataset> load_split(const Recipe& recipe, const std::string& split,
                                          Stage stage, std::vector<std::string>* left_out) {
  const std::vector<SplitFiles>& files = files_of(recipe, split);
  LATHE_CHECK(!files.empty(), recipe.file, ": data.", split, " names no files");
  const std::string& kind = recipe.data.kind;
  std::shared_ptr<const Dataset> data;
  if (kind == "images")
    data = image_dataset(recipe, list_split(recipe, split), stage, left_out);
  else
    data = kind == "idx"        ? load_idx(recipe, files)
           : kind == "features" ? load_features(recipe, files)
                                : load_landmarks(recipe, files);
  if (data->size() == 0) fail(ErrorKind::data, first_file(recipe, split), ": has no sample");
  return split == "test" ? data : fold_of(recipe, std::move(data), split == "valid");
}

ImageList list_split(const Recipe& recipe, const std::string& split) {
  std::vector<std::filesystem::path> sources;
  for (const SplitFiles& one : files_of(recipe, split)) sources.emplace_back(one.path);
  ImageListOptions options;
  options.class_patterns = recipe.data.class_patterns;
  options.group = recipe.data.group;
  options.split = split;
  options.must_exist = recipe.data.on_error == "stop";
  return list_images(sources, options);
}

std::shared_ptr<const ImageDataset> image_dataset(const Recipe& recipe, ImageList list, Stage stage,
                                                  std::vector<std::string>* left_out) {
  auto data = std::make_shared<ImageDataset>(std::move(list), pipeline_of(recipe, stage),
                                             image_options(recipe));
  if (left_out) left_out->insert(left_out->end(), data->skipped().begin(), data->skipped().end());
  return data;
}

std::shared_ptr<const Dataset> pixel_dataset(const Recipe& recipe, Tensor pixels, Stage stage,
                                             const std::string& name) {
  return std::make_shared<PixelDataset>(std::move(pixels), pipeline_of(recipe, stage), name,
                                        image_options(recipe));
}

void check_splits(const Recipe& recipe) {
  if (recipe.data.kind != "images") return;
  std::vector<std::pair<std::string, Origins>> seen;
  for (const std::string& split : split_names(recipe)) {
    if (split == "valid" && recipe.data.folds > 0) continue;
    Origins origins = origins_of(list_split(recipe, split));
    for (const auto& [name, other] : seen)
      check_disjoint(other, "data." + name, origins, "data." + split);
    seen.emplace_back(split, std::move(origins));
  }
}

}  // namespace lathe
