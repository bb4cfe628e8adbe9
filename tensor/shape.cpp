#include "tensor/shape.h"

#include <ostream>
#include <string>

namespace lathe {

Shape::Shape(std::span<const int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  LATHE_CHECK(extents.size() <= size_t(max_rank), "shape: expects at most ", max_rank,
              " dimensions, got ", extents.size());
  bool empty = false;
  for (int i = 0; i < rank_; ++i) {
    const int64_t extent = extents_[size_t(i)] = extents[size_t(i)];
    LATHE_CHECK(extent >= 0, "shape: expects extents of 0 or more, got ", extent, " for dimension ",
                i);
    empty |= extent == 0;
    LATHE_CHECK(extent == 0 || numel_ <= max_numel / extent,
                "shape: the number of elements passes 2^59 at dimension ", i, " of extent ",
                extent);
    if (extent > 0) numel_ *= extent;
  }
  if (empty) numel_ = 0;
}

int64_t Shape::dim(int i) const {
  const int at = i < 0 ? i + rank_ : i;
  LATHE_CHECK(at >= 0 && at < rank_, "shape: ", *this, " has no dimension ", i);
  return extents_[size_t(at)];
}

Shape Shape::with(int i, int64_t extent) const {
  auto extents = extents_;
  extents[size_t(i < 0 ? i + rank_ : i)] = extent;
  return Shape(std::span<const int64_t>(extents.data(), size_t(rank_)));
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? ", " : "") << shape[i];
  return out << (shape.rank() == 1 ? ",)" : ")");
}

}  // namespace lathe
