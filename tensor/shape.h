// The extents of a tensor: at most six, kept inline so that shapes never allocate. Row-major and
// dense by decision, so a shape is all that is needed to find an element.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>

#include "tensor/check.h"

namespace lathe {

class Shape {
 public:
  static constexpr int max_rank = 6;
  static constexpr int64_t max_numel = int64_t{1}
                                       << 59;  ///< whose bytes int64_t counts in any type

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents)
      : Shape(std::span(extents.begin(), extents.size())) {}
  /// Throws for more than six dimensions, a negative extent, or a product over max_numel.
  explicit Shape(std::span<const int64_t> extents);

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return extents_[static_cast<size_t>(i)]; }
  /// Extent of dimension i, counted from the end when negative; throws when there is no such
  /// dimension.
  int64_t dim(int i) const;
  /// Number of elements: 1 for rank 0, 0 when an extent is 0.
  int64_t numel() const { return numel_; }
  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }
  /// The shape with dimension i replaced by an extent.
  Shape with(int i, int64_t extent) const;
  /// Extents first (inclusive) to last (exclusive).
  Shape part(int first, int last) const {
    return Shape(std::span(begin() + first, begin() + last));
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  std::array<int64_t, max_rank> extents_{};
  int64_t numel_ = 1;
  int rank_ = 0;
};

/// "(2, 3)", "(5,)" for one dimension, "()" for none, as NumPy writes them.
std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace lathe
