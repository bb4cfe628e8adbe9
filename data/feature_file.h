// Writing features row by row to a file that may be larger than memory, so that what was stopped
// can go on: the rows gather in NAME.partial, which gets its name when the last one is there.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lathe {

struct FeatureFileLayout {
  int64_t rows = 0;
  Shape row;                         ///< of one row as files have it: (F) or (C, H, W)
  DType dtype = DType::f32;          ///< f32, f64 or f16
  std::vector<int64_t> labels = {};  ///< (rows), -1 where not known
  std::map<std::string, std::string> metadata = {};
  int64_t bytes() const { return rows * row.numel() * size_of(dtype); }
};

class FeatureWriter {
 public:
  /// `target` ends with .safetensors (tensors `labels` and `features`, metadata): then it goes on
  /// with what an earlier writer of the same layout and metadata left; or with .npy (the features
  /// alone, which do not say whose they are): that begins anew. Throws Error(usage) for another
  /// ending, Error(data) when NAME.partial is of something else, Error(device) when it cannot be
  /// written.
  FeatureWriter(const std::filesystem::path& target, const FeatureFileLayout& layout);
  ~FeatureWriter();
  FeatureWriter(const FeatureWriter&) = delete;
  FeatureWriter& operator=(const FeatureWriter&) = delete;

  /// Rows that are there.
  int64_t rows() const { return rows_; }
  /// Bytes that are still to be written.
  int64_t remaining_bytes() const { return (layout_.rows - rows_) * row_bytes(); }
  /// Leaves only the first rows: those of whole batches.
  void keep(int64_t rows);
  /// Appends rows (B, F) or (B, H, W, C) of f32 or f64. Throws Error(numeric) for a number that is
  /// not finite, or too large for f16; Error(device) on a full disk: what was written stays, to go
  /// on from.
  void append(const Tensor& rows);
  /// Gives the file its name; all rows must be there.
  void finish();

 private:
  int64_t row_bytes() const { return layout_.row.numel() * size_of(layout_.dtype); }
  void write(const void* data, int64_t bytes, int64_t at);
  std::string beginning() const;

  std::filesystem::path target_, partial_;
  FeatureFileLayout layout_;
  int file_ = -1;
  int64_t begin_ = 0, rows_ = 0;  // byte of the first row; rows that are there
};

}  // namespace lathe
