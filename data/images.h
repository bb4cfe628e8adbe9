// Photos as samples: read, decoded and transformed when they are asked for, by any number of
// threads at once.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "data/dataset.h"
#include "data/image_list.h"
#include "data/transforms/transform.h"
#include "tensor/tensor.h"

namespace lathe {

struct ImageDatasetOptions {
  DType dtype = DType::f32;
  uint64_t seed = 0;
  int64_t cache_bytes = 0;    ///< decoded images kept in memory, the first ones asked for
  bool skip_damaged = false;  ///< decode all once at the beginning, leave out what cannot be read
};

/// Samples are (height, width, 3) numbers, of one size, which the first image shows.
class ImageDataset final : public Dataset {
 public:
  /// Throws Error(data) when the first image cannot be read; later ones throw when they are
  /// fetched.
  ImageDataset(ImageList list, Pipeline pipeline, const ImageDatasetOptions& options = {});
  int64_t size() const override { return int64_t(list_.items.size()); }
  Shape sample_shape() const override { return shape_; }
  DType dtype() const override { return options_.dtype; }
  int64_t channels() const override { return 3; }
  void fill(int64_t index, uint32_t epoch, void* to) const override;
  int64_t label(int64_t index) const override { return item(index).label; }
  const std::vector<std::string>& class_names() const override { return list_.classes; }
  std::string group(int64_t index) const override { return item(index).group; }
  std::string source(int64_t index) const override { return item(index).path; }

  /// The pixels of a sample as the model is going to see them, before they become numbers. Throws
  /// Error(data), which begins with the file's name.
  Image pixels(int64_t index, uint32_t epoch) const;
  /// What was left out, each with the reason.
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  const ImageItem& item(int64_t index) const { return list_.items[size_t(index)]; }
  Image read(int64_t index) const;
  Image decoded(int64_t index) const;
  void leave_out_damaged();

  ImageList list_;
  Pipeline pipeline_;
  ImageDatasetOptions options_;
  Shape shape_;
  std::vector<std::string> skipped_;
  mutable std::mutex mutex_;  // of the cache
  mutable std::vector<std::shared_ptr<const Image>> cache_;
  mutable int64_t cached_bytes_ = 0;
};

/// Pixels that lie in memory as samples, transformed as those of a file are. They have no labels.
class PixelDataset final : public Dataset {
 public:
  /// `pixels`: (N, H, W, 3) of u8, RGB, on the CPU. Errors begin with `name`. Of the options, dtype
  /// and seed count.
  PixelDataset(Tensor pixels, Pipeline pipeline, std::string name,
               const ImageDatasetOptions& options);
  int64_t size() const override { return pixels_.dim(0); }
  Shape sample_shape() const override { return shape_; }
  DType dtype() const override { return dtype_; }
  int64_t channels() const override { return 3; }
  void fill(int64_t index, uint32_t epoch, void* to) const override;
  int64_t label(int64_t) const override { return -1; }
  const std::vector<std::string>& class_names() const override { return no_classes_; }

 private:
  Image transformed(int64_t index, uint32_t epoch) const;

  Tensor pixels_;
  Pipeline pipeline_;
  std::string name_;
  DType dtype_;
  uint64_t seed_;
  Shape shape_;
  std::vector<std::string> no_classes_;
};

}  // namespace lathe
