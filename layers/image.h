// What ops on images share. An image tensor is (N, H, W, C): the channels of a pixel stand side by
// side, in memory and in every shape that is printed. Files and PyTorch say (N, C, H, W); the
// readers translate.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

/// Rows and columns: of a window, a stride, a picture. One number means a square.
struct Size2 {
  int64_t height = 1, width = 1;
  constexpr Size2() = default;
  constexpr Size2(int64_t both) : height(both), width(both) {}  // NOLINT: 3 is a size
  constexpr Size2(int64_t height, int64_t width) : height(height), width(width) {}
  friend bool operator==(const Size2&, const Size2&) = default;
};

/// "3" or "(3, 5)", as PyTorch prints it.
std::ostream& operator<<(std::ostream& out, Size2 size);

/// Throws Error(usage) unless x is (N, H, W, C) of a floating type.
void check_image(const char* op, const Tensor& x);

}  // namespace lathe
