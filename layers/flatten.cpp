#include "layers/flatten.h"

#include "layers/channels.h"
#include "tensor/tape.h"

namespace lathe {

Tensor reshape(const Tensor& x, const Shape& shape) {
  return record(
      "reshape", x.reshape(shape), {x},
      [shape = x.shape()](const Tensor& dy, const Needs&) -> Grads { return {dy.reshape(shape)}; });
}

Tensor flatten(const Tensor& x, int start, int end) {
  const int rank = x.rank();
  const int first = start < 0 ? start + rank : start, last = end < 0 ? end + rank : end;
  if (rank == 0 && (start == 0 || start == -1) && (end == 0 || end == -1)) return reshape(x, {1});
  LATHE_CHECK(first >= 0 && first <= last && last < rank, "flatten: dimensions ", start, " to ",
              end, " expect a tensor that has them, got shape ", x.shape());
  if (rank == 4 && first == 1 && last == 3 && x.dim(1) * x.dim(2) > 1 && x.dim(3) > 1)
    return reshape(to_channels_first(x), {x.dim(0), x.dim(1) * x.dim(2) * x.dim(3)});
  std::vector<int64_t> extents(x.shape().begin(), x.shape().begin() + first);
  int64_t product = 1;
  for (int i = first; i <= last; ++i) product *= x.dim(i);
  extents.push_back(product);
  extents.insert(extents.end(), x.shape().begin() + last + 1, x.shape().end());
  return reshape(x, Shape(extents));
}

}  // namespace lathe
