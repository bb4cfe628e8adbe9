// The weight's gradient of convolutions in groups of few channels (conv2d_grouped.cu):
//   dw[o, r, s, c] = sum over n, p, q of dy[n, p, q, o] x[n, p u + r d - top, q v + s e - left, c]
// A block takes 32 neighbouring filters, a lane each, 16 elements of each filter, and a part of the
// image's patches of 8 x 8 positions; a warp a row of positions and a sum for each element. The 8
// warps' sums meet in shared memory, and a second launch adds the parts, all in a fixed order.
#include "kernels/conv2d_grouped.cuh"

namespace lathe::kernels {
namespace {

constexpr int most_taps = 16;

/// Blocks: x parts of the patches, y 32 filters, z 16 of a filter's elements.
template <class T>
__global__ void __launch_bounds__(lanes* warps, 1)
    grouped_weight(GroupedWindow<T> s, acc_t<T>* parts, const T* dy, int patches, int part) {
  using Acc = acc_t<T>;
  const int lane = int(threadIdx.x), warp = int(threadIdx.y);
  const int filter0 = int(blockIdx.y) * lanes, filter = filter0 + lane;
  const int elements = s.taps_h * s.taps_w * s.ins, first = int(blockIdx.z) * most_taps;
  const int count = min(most_taps, elements - first);
  Acc* const image = dynamic_shared<Acc>();
  int seen[most_taps];
  Acc sums[most_taps] = {};
  UNROLL
  for (int e = 0; e < most_taps; ++e) {
    const int tap = (first + e) / s.ins;
    seen[e] = meeting(s, tap / s.taps_w, tap % s.taps_w) + (first + e) % s.ins +
              lane / s.outs * s.ins + warp * s.image.vertical.stride * s.patch_w * s.patch_c;
  }
  const int end = min(patches, (int(blockIdx.x) + 1) * part);
  for (int number = int(blockIdx.x) * part; number < end; ++number) {
    const Patch patch = patch_at(s, number);
    load_patch(image, s, patch, filter0 / s.outs * s.ins);
    __syncthreads();
    const int i = patch.i0 + warp, columns = min(side, s.positions_w - patch.j0);
    const T* const grads =
        dy + ((patch.image * s.positions_h + i) * s.positions_w + patch.j0) * s.filters + filter;
    if (i < s.positions_h && filter < s.filters)
      for (int j = 0; j < columns; ++j) {
        const Acc grad = Acc(grads[j * s.filters]);
        const int step = j * s.image.horizontal.stride * s.patch_c;
        UNROLL
        for (int e = 0; e < most_taps; ++e)
          if (e < count) sums[e] += grad * image[seen[e] + step];
      }
    __syncthreads();
  }
  Acc* const of_warps = image;  // [warps][most_taps][lanes]
  UNROLL
  for (int e = 0; e < most_taps; ++e) of_warps[(warp * most_taps + e) * lanes + lane] = sums[e];
  __syncthreads();
  if (filter >= s.filters) return;
  for (int e = warp; e < count; e += warps) {
    Acc sum = 0;
    for (int from = 0; from < warps; ++from) sum += of_warps[(from * most_taps + e) * lanes + lane];
    parts[(int64_t(blockIdx.x) * s.filters + filter) * elements + first + e] = sum;
  }
}

}  // namespace

void grouped_backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                             Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, x, dw, k);
  bias_gradient(dbias, dy);
  dispatch_floating("conv2d_backward_weight", dw.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const auto s =
        grouped_window(patches_of(static_cast<const T*>(x.data<T>()), e, k), int(e.n), int(e.p),
                       int(e.q), int(e.r), int(e.s), int(e.c), int(e.o), int(e.filters()));
    const int64_t elements = e.r * e.s * e.c, across = ceil_div(e.filters(), lanes),
                  chunks = ceil_div(elements, most_taps);
    const int64_t patches = e.n * s.patches_h() * s.patches_w();
    const int64_t part = ceil_div(patches, std::max<int64_t>(1, 512 / (across * chunks)));
    const int64_t count = ceil_div(patches, part);
    const Tensor parts = Tensor::empty({count, dw.numel()}, dtype_of<Acc>, dw.device());
    const size_t shared = sizeof(Acc) * size_t(std::max(s.patch_size(), warps * most_taps * lanes));
    launch(grouped_weight<T>, dim3(unsigned(count), unsigned(across), unsigned(chunks)),
           dim3(lanes, warps), shared, s, parts.data<Acc>(), dy.data<T>(), int(patches), int(part));
    add_parts(dw, parts);
  });
}

Fit fits_grouped_backward_weight(Tensor& dw, Tensor&, const Tensor& dy, const Tensor& x,
                                 Conv2dShape k) {
  return fits_grouped(dy, x, dw, k);
}

}  // namespace lathe::kernels
