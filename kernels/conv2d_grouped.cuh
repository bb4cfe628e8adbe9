// What the kernels for convolutions in groups share (conv2d_grouped.cu): a block's positions, the
// patch of the image that they see, and how a lane's filter meets it.
#pragma once

#include "kernels/conv2d_products.cuh"

namespace lathe::kernels {

constexpr int lanes = 32, warps = 8, side = 8;

/// What both kernels see of a convolution: the patch, and how filters, a lane each, meet it.
template <class T>
struct GroupedWindow {
  Patches<T> image;  // elements of all groups
  int positions_h, positions_w, images;
  int taps_h, taps_w;
  int ins, outs, filters;         // channels and filters of a group; filters of all
  int patch_h, patch_w, patch_c;  // extents of a block's patch
  __host__ __device__ int patch_size() const { return patch_h * patch_w * patch_c; }
  __host__ __device__ int patches_h() const { return ceil_div(positions_h, side); }
  __host__ __device__ int patches_w() const { return ceil_div(positions_w, side); }
};

/// A block's positions.
struct Patch {
  int image, i0, j0;
};
template <class T>
__device__ Patch patch_at(const GroupedWindow<T>& s, int number) {
  const int across = s.patches_w(), each = across * s.patches_h();
  return {number / each, number % each / across * side, number % across * side};
}

/// The least coordinate that positions from i0 on and any tap meet.
__device__ __forceinline__ int first_seen(const Axis& axis, int i0, int taps) {
  return i0 * axis.stride + axis.offset + min(0, (taps - 1) * axis.step);
}

/// to[row][column][channel] of the source, zeros outside.
template <class T>
__device__ void load_patch(acc_t<T>* to, const GroupedWindow<T>& s, const Patch& patch,
                           int channel0) {
  const int h0 = first_seen(s.image.vertical, patch.i0, s.taps_h),
            w0 = first_seen(s.image.horizontal, patch.j0, s.taps_w);
  const int lane = int(threadIdx.x), warp = int(threadIdx.y);
  for (int pixel = warp; pixel < s.patch_h * s.patch_w; pixel += warps) {
    const int h = h0 + pixel / s.patch_w, w = w0 + pixel % s.patch_w;
    const bool inside = unsigned(h) < unsigned(s.image.vertical.extent) &&
                        unsigned(w) < unsigned(s.image.horizontal.extent);
    const T* const from =
        s.image.elements +
        ((patch.image * s.image.vertical.extent + h) * s.image.horizontal.extent + w) *
            s.image.pixel +
        channel0;
    for (int c = lane; c < s.patch_c; c += lanes)
      to[pixel * s.patch_c + c] =
          inside && channel0 + c < s.image.pixel ? acc_t<T>(from[c]) : acc_t<T>(0);
  }
}

/// Where in the patch the block's first position and tap (r, s) meet.
template <class T>
__device__ __forceinline__ int meeting(const GroupedWindow<T>& s, int r, int t) {
  const Axis &v = s.image.vertical, &h = s.image.horizontal;
  return ((r * v.step - min(0, (s.taps_h - 1) * v.step)) * s.patch_w + t * h.step -
          min(0, (s.taps_w - 1) * h.step)) *
         s.patch_c;
}

/// With the patch's extents, which follow from the rest.
template <class T>
GroupedWindow<T> grouped_window(const Patches<T>& image, int images, int positions_h,
                                int positions_w, int taps_h, int taps_w, int ins, int outs,
                                int filters) {
  const auto extent = [](const Axis& axis, int taps) {
    return (side - 1) * axis.stride + std::max(0, taps - 1) * std::abs(axis.step) + 1;
  };
  return {image,
          positions_h,
          positions_w,
          images,
          taps_h,
          taps_w,
          ins,
          outs,
          filters,
          extent(image.vertical, taps_h),
          extent(image.horizontal, taps_w),
          lanes / outs * ins};
}

/// Groups of few channels, whose patch and filters fit into shared memory twice on a
/// multiprocessor.
Fit fits_grouped(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k);

/// The gradient of the weight, which has a file of its own.
void grouped_backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                             Conv2dShape k);
Fit fits_grouped_backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                                 Conv2dShape k);

}  // namespace lathe::kernels
