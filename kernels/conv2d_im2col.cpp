// Convolution on the CPU as matrix products over stored patches (im2col), f32 and f64, for where no
// library has a row. For some images at a time, a row of the matrix for each position of the
// window, a column for each tap and channel:
//   y = patches(x) w',   dw = dy' patches(x),   dx = the elements of dy w, each added to its pixel
// Groups are a batch of such products. The matrix is R S times the images, so that a few images are
// taken at a time; their number depends on the shape alone, and so does the order of all sums.
#include <cstring>

#include "kernels/conv2d_rows.h"
#include "kernels/epilogue.h"
#include "kernels/matmul.h"
#include "kernels/reduce.h"

namespace lathe::kernels {
namespace {

constexpr int64_t patch_bytes = 16 << 20;

/// The matrices of some images: patches (groups, positions, taps), results (groups, positions, o).
struct Chunk {
  Conv2dExtents e;
  Conv2dShape k;
  int64_t images;

  int64_t positions() const { return images * e.p * e.q; }
  int64_t taps() const { return e.r * e.s * e.c; }
  int64_t grain() const { return std::max<int64_t>(1, (1 << 13) / (e.q * taps() * e.groups)); }
  /// A pixel is its own patch.
  bool pointwise() const {
    return e.r * e.s == 1 && e.groups == 1 && k.stride_h == 1 && k.stride_w == 1 && e.p == e.h &&
           e.q == e.w && k.pad_top == 0 && k.pad_left == 0;
  }
  Shape matrix(int64_t columns) const {
    return e.groups == 1 ? Shape{positions(), columns} : Shape{e.groups, positions(), columns};
  }
  Shape weight() const { return e.groups == 1 ? Shape{e.o, taps()} : Shape{e.groups, e.o, taps()}; }
};

/// Calls body(chunk, first image, last image) for all images.
template <class Body>
void for_each_chunk(const Conv2dExtents& e, const Conv2dShape& k, DType dtype, const Body& body) {
  const int64_t bytes = e.p * e.q * e.r * e.s * e.channels() * size_of(dtype);
  const int64_t most = std::max<int64_t>(1, patch_bytes / bytes);
  for (int64_t n = 0; n < e.n; n += most) {
    const int64_t last = std::min(e.n, n + most);
    body(Chunk{e, k, last - n}, n, last);
  }
}

template <class T>
void gather(T* patches, const T* x, const Chunk& chunk) {
  const auto& [e, k, images] = chunk;
  parallel_for(0, images * e.p, chunk.grain(), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      for (int64_t t = 0; t < e.q * e.r * e.s; ++t) {
        const int64_t q = t / (e.r * e.s), r = t / e.s % e.r, s = t % e.s;
        const int64_t row = place_seen(i % e.p, r, k.stride_h, k.dilation_h, k.pad_top),
                      column = place_seen(q, s, k.stride_w, k.dilation_w, k.pad_left);
        const bool there = inside(row, e.h) && inside(column, e.w);
        const T* const pixel = x + ((i / e.p * e.h + row) * e.w + column) * e.channels();
        for (int64_t g = 0; g < e.groups; ++g) {
          T* const to =
              patches + (g * chunk.positions() + i * e.q + q) * chunk.taps() + (r * e.s + s) * e.c;
          if (there)
            std::memcpy(to, pixel + g * e.c, size_t(e.c) * sizeof(T));
          else
            std::fill_n(to, e.c, T(0));
        }
      }
  });
}

/// Each pixel of dx is the sum of the patches' elements that came from it.
template <class T>
void add_to_pixels(T* dx, const T* patches, const Chunk& chunk) {
  const auto& [e, k, images] = chunk;
  parallel_for(0, images * e.h, chunk.grain(), [&](int64_t first, int64_t last) {
    for (int64_t i = first * e.w; i < last * e.w; ++i) {
      const int64_t n = i / (e.h * e.w), row = i / e.w % e.h, column = i % e.w;
      T* const pixel = dx + i * e.channels();
      std::fill_n(pixel, e.channels(), T(0));
      for (int64_t tap = 0; tap < e.r * e.s; ++tap) {
        const int64_t p = place_seeing(row, tap / e.s, k.stride_h, k.dilation_h, k.pad_top, e.p),
                      q = place_seeing(column, tap % e.s, k.stride_w, k.dilation_w, k.pad_left,
                                       e.q);
        if (p < 0 || q < 0) continue;
        for (int64_t g = 0; g < e.groups; ++g) {
          const T* const from = patches +
                                (g * chunk.positions() + (n * e.p + p) * e.q + q) * chunk.taps() +
                                tap * e.c;
          for (int64_t c = 0; c < e.c; ++c) pixel[g * e.c + c] += from[c];
        }
      }
    }
  });
}

/// Copies between (positions, groups, o), as images lie in memory, and (groups, positions, o).
template <class T, class Copy>
void regroup(const Chunk& chunk, T* image, T* groups, const Copy& copy) {
  const Conv2dExtents& e = chunk.e;
  parallel_for(0, chunk.positions(), 1 + (1 << 13) / e.filters(), [&](int64_t i, int64_t last) {
    for (; i < last; ++i)
      for (int64_t g = 0; g < e.groups; ++g)
        copy(image + i * e.filters() + g * e.o, groups + (g * chunk.positions() + i) * e.o);
  });
}

template <class T>
Tensor patches_of(const Tensor& images, const Chunk& chunk) {
  if (chunk.pointwise()) return images.reshape(chunk.matrix(chunk.taps()));
  Tensor patches = Tensor::empty(chunk.matrix(chunk.taps()), images.dtype());
  gather(patches.data<T>(), images.data<T>(), chunk);
  return patches;
}

template <class T>
Tensor groups_of(const Tensor& images, const Chunk& chunk) {
  if (chunk.e.groups == 1) return images.reshape(chunk.matrix(chunk.e.o));
  Tensor groups = Tensor::empty(chunk.matrix(chunk.e.o), images.dtype());
  regroup(chunk, images.data<T>(), groups.data<T>(),
          [&](const T* image, T* to) { std::copy_n(image, chunk.e.o, to); });
  return groups;
}

template <class T>
void forward_typed(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                   const Conv2dShape& k) {
  for_each_chunk(conv2d_extents(y, x, w, k), k, y.dtype(),
                 [&](const Chunk& chunk, int64_t first, int64_t last) {
                   const Tensor patches = patches_of<T>(x.slice(first, last), chunk);
                   const Tensor images = y.slice(first, last);
                   const Shape shape = chunk.matrix(chunk.e.o);
                   const bool grouped = chunk.e.groups > 1;
                   Tensor to = grouped ? Tensor::empty(shape, y.dtype()) : images.reshape(shape);
                   matmul(to, patches, w.reshape(chunk.weight()), {}, {.transpose_b = true});
                   if (grouped)
                     regroup(chunk, images.data<T>(), to.data<T>(),
                             [&](T* image, const T* from) { std::copy_n(from, chunk.e.o, image); });
                 });
  if (bias) {
    const int64_t filters = bias.numel();
    apply_epilogue(y.data<T>(), bias.data<T>(), y.numel() / filters, filters, false);
  }
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  const Tensor added = kept_residual(y, residual);
  const auto run = [&]<class T>() {
    forward_typed<T>(y, x, w, bias, k);
    add_and_apply<T>(y, added, f);
  };
  y.dtype() == DType::f64 ? run.template operator()<double>() : run.template operator()<float>();
}

template <class T>
void backward_input_typed(Tensor& dx, const Tensor& dy, const Tensor& w, const Conv2dShape& k) {
  for_each_chunk(conv2d_extents(dy, dx, w, k), k, dx.dtype(),
                 [&](const Chunk& chunk, int64_t first, int64_t last) {
                   const Tensor images = dx.slice(first, last);
                   const Shape shape = chunk.matrix(chunk.taps());
                   const bool same = chunk.pointwise();
                   Tensor patches = same ? images.reshape(shape) : Tensor::empty(shape, dx.dtype());
                   matmul(patches, groups_of<T>(dy.slice(first, last), chunk),
                          w.reshape(chunk.weight()), {}, {});
                   if (!same) add_to_pixels(images.data<T>(), patches.data<T>(), chunk);
                 });
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  (dx.dtype() == DType::f64 ? backward_input_typed<double> : backward_input_typed<float>)(dx, dy, w,
                                                                                          k);
}

template <class T>
void backward_weight_typed(Tensor& dw, const Tensor& dy, const Tensor& x, const Conv2dShape& k) {
  Tensor part;
  for_each_chunk(conv2d_extents(dy, x, dw, k), k, dw.dtype(),
                 [&](const Chunk& chunk, int64_t first, int64_t last) {
                   if (first > 0 && !part) part = empty_like(dw);
                   Tensor to = (first > 0 ? part : dw).reshape(chunk.weight());
                   matmul(to, groups_of<T>(dy.slice(first, last), chunk),
                          patches_of<T>(x.slice(first, last), chunk), {}, {.transpose_a = true});
                   if (first == 0) return;
                   T* const sum = dw.data<T>();
                   for (int64_t i = 0; i < dw.numel(); ++i) sum[i] += part.data<T>()[i];
                 });
}

void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  (dw.dtype() == DType::f64 ? backward_weight_typed<double> : backward_weight_typed<float>)(dw, dy,
                                                                                            x, k);
  if (dbias) sum_rows(dbias, dy);
}

Fit fits(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
  if (y.dtype() != DType::f32 && y.dtype() != DType::f64) return "needs f32 or f64";
  if (y.numel() == 0 || x.numel() == 0) return "needs at least one element everywhere";
  return k.groups == 1 || w.dim(3) >= 4 ? Fit() : "needs 4 channels a group";
}
Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor&, const Tensor&,
                 Nonlinearity, Conv2dShape k) {
  return fits(y, x, w, k);
}
Fit fits_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  return fits(dy, dx, w, k);
}
Fit fits_weight(Tensor& dw, Tensor&, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  return fits(dy, x, dw, k);
}

}  // namespace

REGISTER_KERNELS(conv2d_forward, cpu, tuned, {"im2col", forward, fits_forward});
REGISTER_KERNELS(conv2d_backward_input, cpu, tuned, {"im2col", backward_input, fits_input});
REGISTER_KERNELS(conv2d_backward_weight, cpu, tuned, {"im2col", backward_weight, fits_weight});

}  // namespace lathe::kernels
