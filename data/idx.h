// The files of MNIST and its relatives: a magic number, the extents, then bytes; plain or gzipped,
// which is told by the content. Layout: http://yann.lecun.com/exdb/mnist ("The IDX file format").
#pragma once

#include <array>
#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace lathe {

/// The bytes of a file: u8, 1 to 4 dimensions. Throws Error(data) for another type, another magic
/// number, a file that is shorter or longer than its extents say, damaged gzip data.
Tensor read_idx(const std::filesystem::path& path);

/// Grey images and their classes. Pixels stay bytes in memory; samples are (height, width, 1)
/// numbers from 0 to 1.
class IdxDataset : public Dataset {
 public:
  /// `images` (N, height, width) and `labels` (N), of which the largest says how many classes there
  /// are ("0" and up). Without a file of labels these are not known, and no class is. Throws
  /// Error(data) when their counts differ.
  IdxDataset(const std::filesystem::path& images, const std::filesystem::path& labels,
             DType dtype = DType::f32);
  int64_t size() const override { return images_.dim(0); }
  Shape sample_shape() const override { return {images_.dim(1), images_.dim(2), 1}; }
  DType dtype() const override { return dtype_; }
  int64_t channels() const override { return 1; }
  void fill(int64_t index, uint32_t epoch, void* to) const override;
  int64_t label(int64_t index) const override {
    return labels_ ? labels_.data<uint8_t>()[index] : -1;
  }
  const std::vector<std::string>& class_names() const override { return class_names_; }

 private:
  Tensor images_, labels_;  // u8; the labels may be absent
  std::vector<std::string> class_names_;
  DType dtype_;
};

}  // namespace lathe
