// A factor for each channel of each image, on the device. Formulas: kernels/scale_channels.h.
// Layout: (N, H, W, C); neighbouring threads take neighbouring channels: coalesced. No atomics.
// Forward:
//   element  a channel of a pixel a thread
//   vector   16 bytes of channels a thread
// Backward, dx and ds in one pass:
//   thread   a thread for each sum: coalesced, but few threads, each waiting for its loads
//   parts    the pixels of an image are cut into parts until there are blocks for the whole device,
//            whose threads share them; a second launch adds the parts
#include "kernels/scale_channels.h"

#include "kernels/channel_team.cuh"
#include "kernels/image_rows.cuh"

namespace lathe::kernels {
namespace {

template <int width, class T>
__global__ void scale_piece(T* y, const T* x, const T* s, int rows, int columns, int channels) {
  using Acc = acc_t<T>;
  ImagePiece to;
  if (!find_piece<width>(rows, columns, channels, to)) return;
  auto piece = load_vector<width>(x + to.at);
  const auto factors = load_vector<width>(s + to.n * channels + to.c);
  UNROLL
  for (int k = 0; k < width; ++k) piece[k] = T(Acc(piece[k]) * Acc(factors[k]));
  store_vector<width>(y + to.at, piece);
}

template <class T>
__global__ void backward_thread(T* dx, T* ds, const T* dy, const T* x, const T* s, int64_t sums,
                                int64_t pixels, int64_t channels) {
  using Acc = acc_t<T>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= sums) return;
  const Acc factor = Acc(s[i]);
  Acc sum = 0;
  int64_t at = i / channels * pixels * channels + i % channels;
  for (int64_t j = 0; j < pixels; ++j, at += channels) {
    const Acc above = Acc(dy[at]);
    sum += above * Acc(x[at]);
    dx[at] = T(above * factor);
  }
  ds[i] = T(sum);
}

/// Grid: (images times parts, tiles of channels). sums (images, parts, channels).
template <int width, class T, class To>
__global__ void backward_part(T* dx, To* sums, const T* dy, const T* x, const T* s, int parts,
                              int64_t pixels, int channels, ChannelTeam team) {
  using Acc = acc_t<T>;
  const int64_t n = int(blockIdx.x) / parts, part = int(blockIdx.x) % parts;
  const int c = (int(blockIdx.y) * team.lanes + team.lane()) * width;
  const int64_t begin = pixels * part / parts, end = pixels * (part + 1) / parts;
  Acc mine[width] = {};
  if (c < channels) {
    const auto factors = load_vector<width>(s + n * channels + c);
    for (int64_t j = begin + team.rank(); j < end; j += team.size()) {
      const int64_t at = (n * pixels + j) * channels + c;
      auto above = load_vector<width>(dy + at);
      const auto in = load_vector<width>(x + at);
      UNROLL
      for (int k = 0; k < width; ++k) {
        mine[k] += Acc(above[k]) * Acc(in[k]);
        above[k] = T(Acc(above[k]) * Acc(factors[k]));
      }
      store_vector<width>(dx + at, above);
    }
  }
  team.add(mine);
  if (team.rank() != 0 || c >= channels) return;
  UNROLL
  for (int k = 0; k < width; ++k) sums[int64_t(blockIdx.x) * channels + c + k] = To(mine[k]);
}

template <class T, class Acc>
__global__ void add_parts(T* ds, const Acc* sums, int64_t count, int parts, int64_t channels) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const Acc* const from = sums + i / channels * parts * channels + i % channels;
  Acc sum = 0;
  for (int part = 0; part < parts; ++part) sum += from[part * channels];
  ds[i] = T(sum);
}

template <bool vector>
void forward(Tensor& y, const Tensor& x, const Tensor& s) {
  if (y.numel() == 0) return;
  dispatch_floating("scale_channels", x.dtype(), [&]<class T>() {
    constexpr int width = vector ? int(16 / sizeof(T)) : 1;
    launch_pieces(scale_piece<width, T>, y, width, y.data<T>(), x.data<T>(), s.data<T>(),
                  int(x.dim(1)), int(x.dim(2)), int(x.dim(3)));
  });
}

void thread(Tensor& dx, Tensor& ds, const Tensor& dy, const Tensor& x, const Tensor& s) {
  if (ds.numel() == 0) return;
  dispatch_floating("scale_channels", x.dtype(), [&]<class T>() {
    launch(backward_thread<T>, ceil_div(ds.numel(), 128), 128, 0, dx.data<T>(), ds.data<T>(),
           dy.data<T>(), x.data<T>(), s.data<T>(), ds.numel(), x.dim(1) * x.dim(2), x.dim(3));
  });
}

template <int width, class T, class To>
void launch_parts(Tensor& dx, Tensor& sums, const Tensor& dy, const Tensor& x, const Tensor& s,
                  int parts) {
  const int64_t channels = x.dim(3);
  const ChannelTeam team{team_lanes(channels, width)};
  const dim3 grid(unsigned(x.dim(0) * parts), unsigned(ceil_div(channels, team.lanes * width)));
  launch(backward_part<width, T, To>, grid, team_threads, 0, dx.data<T>(), sums.data<To>(),
         dy.data<T>(), x.data<T>(), s.data<T>(), parts, x.dim(1) * x.dim(2), int(channels), team);
}

void parts(Tensor& dx, Tensor& ds, const Tensor& dy, const Tensor& x, const Tensor& s) {
  constexpr int64_t many_blocks = 1024, least_pixels = 64;
  if (ds.numel() == 0) return;
  const int64_t channels = x.dim(3), pixels = x.dim(1) * x.dim(2);
  dispatch_floating("scale_channels", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    constexpr int widest = int(16 / sizeof(T));
    const int width = channel_width<T>(channels, dx, dy, x, s);
    const int64_t tile = team_lanes(channels, width) * width;
    const int64_t wanted = many_blocks / (x.dim(0) * ceil_div(channels, tile));
    const int count = int(std::clamp<int64_t>(pixels / least_pixels, 1, wanted + 1));
    if (count == 1)
      return width > 1 ? launch_parts<widest, T, T>(dx, ds, dy, x, s, 1)
                       : launch_parts<1, T, T>(dx, ds, dy, x, s, 1);
    Tensor sums = Tensor::empty({x.dim(0), count, channels}, dtype_of<Acc>, x.device());
    width > 1 ? launch_parts<widest, T, Acc>(dx, sums, dy, x, s, count)
              : launch_parts<1, T, Acc>(dx, sums, dy, x, s, count);
    launch(add_parts<T, Acc>, ceil_div(ds.numel(), 128), 128, 0, ds.data<T>(), sums.data<Acc>(),
           ds.numel(), count, channels);
  });
}

Fit fits(Tensor& y, const Tensor& x, const Tensor& s) { return fits_channels(y, x, s); }

}  // namespace

REGISTER_KERNELS(scale_channels_forward, cuda, tuned, {"vector", forward<true>, fits},
                 {"element", forward<false>});
REGISTER_KERNELS(scale_channels_backward, cuda, tuned, {"parts", parts}, {"thread", thread});

}  // namespace lathe::kernels
