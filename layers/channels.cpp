#include "layers/channels.h"

#include "kernels/columns.h"
#include "kernels/scale_channels.h"
#include "layers/image.h"
#include "tensor/basic_kernels.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

/// The shape of the parts side by side.
Shape joined_shape(const std::vector<Tensor>& parts) {
  LATHE_CHECK(!parts.empty() && parts[0].rank() >= 1,
              "concat_channels: expects tensors of at least one dimension");
  const Tensor& first = parts[0];
  int64_t channels = 0;
  for (const Tensor& part : parts) {
    LATHE_CHECK(
        part.rank() == first.rank() && part.shape().with(-1, 1) == first.shape().with(-1, 1),
        "concat_channels: expects equal shapes but for the last dimension, got ", first.shape(),
        " and ", part.shape());
    LATHE_CHECK(part.dtype() == first.dtype(), "concat_channels: expects one type, got ",
                first.dtype(), " and ", part.dtype());
    channels += part.dim(-1);
  }
  return first.shape().with(-1, channels);
}

/// (N, A, B) with the last two swapped, under a shape of as many elements.
Tensor swapped(const char* op, const Tensor& x, int64_t a, int64_t b, const Shape& shape) {
  Tensor y = Tensor::empty({x.dim(0), b, a}, x.dtype(), x.device());
  kernels::swap_last(y, x.detach().reshape({x.dim(0), a, b}));
  return record(op, y.reshape(shape), {x},
                [a, b, like = x.shape()](const Tensor& dy, const Needs&) -> Grads {
                  Tensor dx = Tensor::empty({like.dim(0), a, b}, dy.dtype(), dy.device());
                  kernels::swap_last(dx, dy.reshape({like.dim(0), b, a}));
                  return {dx.reshape(like)};
                });
}

}  // namespace

Tensor concat_channels(const std::vector<Tensor>& parts) {
  const Shape shape = joined_shape(parts);
  Tensor y = Tensor::empty(shape, parts[0].dtype(), parts[0].device());
  std::vector<int64_t> counts;
  int64_t at = 0;
  for (const Tensor& part : parts) {
    kernels::copy_columns(y, at, part, 0, part.dim(-1));
    at += part.dim(-1);
    counts.push_back(part.dim(-1));
  }
  return record("concat_channels", y, parts, [counts](const Tensor& dy, const Needs& needs) {
    Grads grads(counts.size());
    int64_t begin = 0;
    for (size_t i = 0; i < counts.size(); begin += counts[i++]) {
      if (!needs[int(i)]) continue;
      grads[i] = needs.out(int(i));
      kernels::copy_columns(grads[i], 0, dy, begin, counts[i]);
    }
    return grads;
  });
}

Tensor slice_channels(const Tensor& x, int64_t begin, int64_t end) {
  LATHE_CHECK(x.rank() >= 1 && begin >= 0 && begin <= end && end <= x.dim(-1),
              "slice_channels: channels ", begin, " to ", end,
              " expect a tensor that has them, got shape ", x.shape());
  Tensor y = Tensor::empty(x.shape().with(-1, end - begin), x.dtype(), x.device());
  kernels::copy_columns(y, 0, x, begin, end - begin);
  return record("slice_channels", y, {x},
                [begin, end](const Tensor& dy, const Needs& needs) -> Grads {
                  Tensor dx = needs.out(0);
                  kernels::fill(dx, 0);
                  kernels::copy_columns(dx, begin, dy, 0, end - begin);
                  return {dx};
                });
}

Tensor scale_channels(const Tensor& x, const Tensor& s) {
  check_image("scale_channels", x);
  const Shape wanted{x.dim(0), x.dim(3)};
  LATHE_CHECK(s.shape() == wanted, "scale_channels: the image ", x.shape(), " expects factors ",
              wanted, ", got ", s.shape());
  LATHE_CHECK(s.dtype() == x.dtype(), "scale_channels: x is ", x.dtype(), ", but the factors are ",
              s.dtype());
  Tensor y = empty_like(x);
  kernels::scale_channels_forward(y, x, s);
  return record("scale_channels", y, {x, s},
                [x = x.detach(), s = s.detach()](const Tensor& dy, const Needs& needs) -> Grads {
                  Tensor dx = needs[0] ? needs.out(0) : empty_like(x);
                  Tensor ds = needs[1] ? needs.out(1) : empty_like(s);
                  kernels::scale_channels_backward(dx, ds, dy, x, s);
                  return {needs[0] ? dx : Tensor(), needs[1] ? ds : Tensor()};
                });
}

Tensor to_channels_last(const Tensor& x) {
  LATHE_CHECK(x.rank() == 4, "to_channels_last: expects (N, C, H, W), got ", x.shape());
  return swapped("to_channels_last", x, x.dim(1), x.dim(2) * x.dim(3),
                 {x.dim(0), x.dim(2), x.dim(3), x.dim(1)});
}

Tensor to_channels_first(const Tensor& x) {
  LATHE_CHECK(x.rank() == 4, "to_channels_first: expects (N, H, W, C), got ", x.shape());
  return swapped("to_channels_first", x, x.dim(1) * x.dim(2), x.dim(3),
                 {x.dim(0), x.dim(3), x.dim(1), x.dim(2)});
}

}  // namespace lathe
