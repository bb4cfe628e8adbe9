#include "layers/image.h"

#include <ostream>

namespace lathe {

std::ostream& operator<<(std::ostream& out, Size2 size) {
  return size.height == size.width ? out << size.height
                                   : out << '(' << size.height << ", " << size.width << ')';
}

void check_image(const char* op, const Tensor& x) {
  LATHE_CHECK(x.rank() == 4, op, ": expects an image (N, H, W, C), got ", x.shape());
  LATHE_CHECK(is_floating(x.dtype()), op, ": expects a floating type, got ", x.dtype());
}

}  // namespace lathe
