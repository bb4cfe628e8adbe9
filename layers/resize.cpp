#include "layers/resize.h"

#include "layers/resample2d.h"

namespace lathe {

Tensor resize(const Tensor& x, Size2 size, ResizeMode mode, bool align_corners) {
  check_image("resize", x);
  LATHE_CHECK(x.dim(1) >= 1 && x.dim(2) >= 1 && size.height >= 1 && size.width >= 1,
              "resize: expects sizes of at least 1, got an image ", x.shape(), " and a size of ",
              size);
  LATHE_CHECK(!align_corners || mode == ResizeMode::bilinear,
              "resize: align_corners is for bilinear resizing");
  const auto axis = [&](int64_t in, int64_t out) {
    kernels::ResampleAxis a;
    a.kind = mode == ResizeMode::nearest ? kernels::ResampleKind::nearest
                                         : kernels::ResampleKind::linear;
    a.align_corners = align_corners;
    a.in = int(in);
    a.out = int(out);
    return a;
  };
  return resample2d("resize", x, {axis(x.dim(1), size.height), axis(x.dim(2), size.width)});
}

}  // namespace lathe
