// What a network made of images, kept in files by `lathe extract`, as samples to train a head on.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace lathe {

/// The metadata of a file of features, all as text: JSON arrays where there is a value a row.
struct FeatureNames {
  static constexpr const char* classes = "classes";
  static constexpr const char* paths = "paths";
  static constexpr const char* groups = "groups";
};

/// Rows (F) or maps (C, H, W) as files have them; samples are (F) or (H, W, C). They stay in the
/// mapped file, whatever its size, and are read when they are asked for.
class FeatureDataset final : public Dataset {
 public:
  /// `file`: .safetensors with `features` (N, …) of f16, f32 or f64 and `labels` (N) i64, -1 where
  /// not known; or any array of a file, such as .npy, and `labels` another. Classes, paths and
  /// groups are in the metadata; classes are "0" and up where they are not. Throws Error(data).
  FeatureDataset(const std::filesystem::path& file, const std::filesystem::path& labels,
                 DType dtype = DType::f32);
  int64_t size() const override { return features_.dim(0); }
  Shape sample_shape() const override { return shape_; }
  DType dtype() const override { return dtype_; }
  int64_t channels() const override { return shape_[shape_.rank() - 1]; }
  void fill(int64_t index, uint32_t epoch, void* to) const override;
  int64_t label(int64_t index) const override {
    return labels_ ? labels_.data<int64_t>()[index] : -1;
  }
  const std::vector<std::string>& class_names() const override { return classes_; }
  std::string group(int64_t index) const override { return entry(groups_, index); }
  std::string source(int64_t index) const override { return entry(paths_, index); }

 private:
  static std::string entry(const std::vector<std::string>& list, int64_t index) {
    return list.empty() ? "" : list[size_t(index)];
  }
  void read_labels(const std::string& name, const Tensor& labels);

  Tensor features_, labels_;
  Shape shape_;
  DType dtype_;
  std::vector<std::string> classes_, paths_, groups_;
};

}  // namespace lathe
