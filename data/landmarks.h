// Face landmarks over time, as CSV: a feature file (`IDX`, then the coordinates of a frame) of
// which `rows_per_sample` consecutive rows are a sample, and a label file (`IDX`, `Label`) that
// names each sample by the IDX of its first row. Names in any case, coordinates in any order.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace lathe {

struct LandmarkFiles {
  std::filesystem::path features;
  std::filesystem::path labels = {};  ///< empty: no labels are known, all are -1
};

struct LandmarkOptions {
  int64_t rows_per_sample = 16;
  DType dtype = DType::f32;
};

/// Reads and joins one or several pairs of files. Samples have shape (rows_per_sample * columns), a
/// row after the other; the channels are the columns, under their names in small letters; the
/// classes are the labels "0" and "1". Throws Error(data) naming file, line and column: see
/// read_indexed_csv, and for rows that do not make whole samples, samples without label, labels
/// without sample, labels given twice or other than 0 and 1.
std::shared_ptr<TensorDataset> read_landmarks(const std::vector<LandmarkFiles>& files,
                                              const LandmarkOptions& options = {});

}  // namespace lathe
