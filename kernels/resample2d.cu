// Average pooling and resizing on the device. Formula: kernels/resample2d.h. Sums of rectangles of
// weighted pixels, gathered: no atomics, one order.
// Layout: (N, H, W, C); neighbouring threads take neighbouring channels: coalesced.
//   element  a channel of a pixel a thread
//   vector   16 bytes of channels a thread, which computes each weight once for them
//   block    a block for each pixel of the result and tile of channels, where the pixel is the mean
//            of many: with a thread each, a whole image would keep few threads busy for long
#include "kernels/resample2d.h"

#include "kernels/channel_team.cuh"
#include "kernels/image_rows.cuh"

namespace lathe::kernels {
namespace {

template <int width, class T>
__global__ void sum_piece(T* y, const T* x, Resample2d map, int channels) {
  using Acc = acc_t<T>;
  ImagePiece to;
  if (!find_piece<width>(map.rows_out(), map.columns_out(), channels, to)) return;
  const int64_t row_size = int64_t(map.columns_in()) * channels;
  const T* const image = x + to.n * map.rows_in() * row_size + to.c;
  const int bottom = map.end(map.rows, to.row);
  const int left = map.begin(map.columns, to.column), right = map.end(map.columns, to.column);
  Acc sums[width] = {};
  for (int h = map.begin(map.rows, to.row); h < bottom; ++h) {
    Acc of_row[width] = {};
    for (int w = left; w < right; ++w) {
      const auto piece = load_vector<width>(image + h * row_size + int64_t(w) * channels);
      const Acc weight = map.weight<Acc>(map.columns, to.column, w);
      UNROLL
      for (int k = 0; k < width; ++k) of_row[k] += weight * Acc(piece[k]);
    }
    const Acc weight = map.weight<Acc>(map.rows, to.row, h);
    UNROLL
    for (int k = 0; k < width; ++k) sums[k] += weight * of_row[k];
  }
  Vector<T, width> out;
  UNROLL
  for (int k = 0; k < width; ++k) out[k] = T(sums[k]);
  store_vector<width>(y + to.at, out);
}

/// Grid: (pixels of the result, tiles of channels). The window's elements have equal weights.
template <int width, class T>
__global__ void mean_block(T* y, const T* x, Resample2d map, int channels, ChannelTeam team) {
  using Acc = acc_t<T>;
  const int column = int(blockIdx.x) % map.columns_out(), r = int(blockIdx.x) / map.columns_out();
  const int row = r % map.rows_out();
  const int c = (int(blockIdx.y) * team.lanes + team.lane()) * width;
  const int top = map.begin(map.rows, row), left = map.begin(map.columns, column);
  const int wide = map.end(map.columns, column) - left;
  const int count = (map.end(map.rows, row) - top) * wide;
  const T* const corner =
      x +
      ((int64_t(r / map.rows_out()) * map.rows_in() + top) * map.columns_in() + left) * channels;
  Acc sums[width] = {};
  if (c < channels)
    for (int i = team.rank(); i < count; i += team.size()) {
      const int64_t pixel = int64_t(i / wide) * map.columns_in() + i % wide;
      const auto piece = load_vector<width>(corner + pixel * channels + c);
      UNROLL
      for (int k = 0; k < width; ++k) sums[k] += Acc(piece[k]);
    }
  team.add(sums);
  if (team.rank() != 0 || c >= channels) return;
  const Acc weight =
      map.weight<Acc>(map.rows, row, top) * map.weight<Acc>(map.columns, column, left);
  Vector<T, width> out;
  UNROLL
  for (int k = 0; k < width; ++k) out[k] = T(weight * sums[k]);
  store_vector<width>(y + int64_t(blockIdx.x) * channels + c, out);
}

template <bool vector>
void piecewise(Tensor& y, const Tensor& x, Resample2d map) {
  check_resample(y, x, map);
  if (y.numel() == 0) return;
  dispatch_floating("resample2d", x.dtype(), [&]<class T>() {
    constexpr int width = vector ? int(16 / sizeof(T)) : 1;
    launch_pieces(sum_piece<width, T>, y, width, y.data<T>(), x.data<T>(), map, int(x.dim(3)));
  });
}

void block(Tensor& y, const Tensor& x, Resample2d map) {
  check_resample(y, x, map);
  if (y.numel() == 0) return;
  const int64_t channels = x.dim(3), pixels = y.numel() / channels;
  dispatch_floating("resample2d", x.dtype(), [&]<class T>() {
    constexpr int widest = int(16 / sizeof(T));
    const int width = channel_width<T>(channels, y, x);
    const ChannelTeam team{team_lanes(channels, width)};
    const dim3 grid(unsigned(pixels), unsigned(ceil_div(channels, team.lanes * width)));
    launch(width > 1 ? mean_block<widest, T> : mean_block<1, T>, grid, team_threads, 0, y.data<T>(),
           x.data<T>(), map, int(channels), team);
  });
}

Fit fits_vector(Tensor& y, const Tensor& x, Resample2d) { return fits_channels(y, x); }
Fit fits_block(Tensor& y, const Tensor& x, Resample2d map) {
  const ResampleKind kind = map.rows.kind;
  if (map.transposed || (kind != ResampleKind::window && kind != ResampleKind::adaptive))
    return "needs means";
  if (y.numel() > 0x7fffffff) return "needs at most 2147483647 results";
  return x.numel() >= 32 * y.numel() ? Fit() : "needs means of at least 32 elements";
}

}  // namespace

REGISTER_KERNELS(resample2d, cuda, tuned, {"block", block, fits_block},
                 {"vector", piecewise<true>, fits_vector}, {"element", piecewise<false>});

}  // namespace lathe::kernels
