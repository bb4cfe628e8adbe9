// A Linear's backward and update on the GPU, in two launches: dx = dy w by the matmul table, then
// one pass over the weights that forms each element of dw = dyᵀ x in a register and updates weight
// and moments at once. dw is never written: for Adam in f32 that leaves 28 bytes a weight instead
// of 36, and a launch less. Layout: dy (B, N), x (B, K), w and its moments (N, K), row-major.
// Formulas: kernels/update_rules.h.
//   element  one thread a weight, which reads a column of dy and of x: 2 B loads from cache each
//   tile     a block takes 4 rows, a thread 16 bytes of a row's columns in all four: x is loaded
//            once for 4 rows with 16-byte accesses, dy comes from shared memory, weights and
//            moments move 16 bytes at a time
// The bias's part is small; the first block of each group of rows does it.
#include "kernels/linear_update.h"

#include "kernels/device.cuh"
#include "kernels/matmul.h"
#include "kernels/update_rules.h"

namespace lathe::kernels {
namespace {

constexpr int block_size = 256, tile_rows = 4;

template <class T>
struct Operands {
  T *w, *w_m, *w_v, *bias, *bias_m, *bias_v;  // moments and bias may be null
  const T *dy, *x;
  int64_t batch, n, k;
};

/// The rule's functor, from hyper-parameters that lie on the device.
template <class T, UpdateRule rule, bool has_m>
__device__ auto make_rule(const Hyper& h) {
  if constexpr (rule != UpdateRule::sgd)
    return ScalarAdam<T>{AdamCoefficients<T>(h, rule, h.inverse_loss_scale)};
  else
    return ScalarSgd < T, has_m ? 1 : 0 > {SgdCoefficients<T>(h, h.inverse_loss_scale)};
}

/// Updates the bias of one row from the sum of its column of dy.
template <class T, class Rule>
__device__ void update_bias(const Operands<T>& o, const Rule& update, int64_t row) {
  T g = 0, none = 0;
  for (int64_t b = 0; b < o.batch; ++b) g += o.dy[b * o.n + row];
  update(g, o.bias[row], o.bias_m ? o.bias_m[row] : none, o.bias_v ? o.bias_v[row] : none);
}

/// A block takes up to block_size columns of one row; `column_blocks` neighbours share a row.
template <class T, UpdateRule rule, bool has_m>
__global__ void update_element(Operands<T> o, const Hyper* hyper, int64_t column_blocks) {
  if (gradient_scale(*hyper, nullptr).skip) return;
  const auto update = make_rule<T, rule, has_m>(*hyper);
  const int64_t row = blockIdx.x / column_blocks;
  const int64_t column = blockIdx.x % column_blocks * block_size + threadIdx.x;
  if (o.bias && column == 0) update_bias(o, update, row);
  if (column >= o.k) return;
  T g = 0, none = 0;
  for (int64_t b = 0; b < o.batch; ++b) g += o.dy[b * o.n + row] * o.x[b * o.k + column];
  const int64_t i = row * o.k + column;
  update(g, o.w[i], has_m ? o.w_m[i] : none, rule != UpdateRule::sgd ? o.w_v[i] : none);
}

/// Grid: (columns / (block_size * width), rows / tile_rows). Shared: dy's values of the tile's
/// rows, for the whole batch.
template <class T, UpdateRule rule, bool has_m>
__global__ void update_tile(Operands<T> o, const Hyper* hyper) {
  constexpr int width = 16 / sizeof(T);
  constexpr bool has_v = rule != UpdateRule::sgd;
  if (gradient_scale(*hyper, nullptr).skip) return;
  T* const dy = dynamic_shared<T>();  // [batch][tile_rows]
  const int64_t first = int64_t(blockIdx.y) * tile_rows;
  for (int64_t i = threadIdx.x; i < o.batch * tile_rows; i += block_size) {
    const int64_t row = first + i % tile_rows;
    dy[i] = row < o.n ? o.dy[i / tile_rows * o.n + row] : T(0);
  }
  __syncthreads();
  const auto update = make_rule<T, rule, has_m>(*hyper);
  if (o.bias && blockIdx.x == 0 && threadIdx.x < tile_rows && first + threadIdx.x < o.n)
    update_bias(o, update, first + threadIdx.x);
  const int64_t column = (int64_t(blockIdx.x) * block_size + threadIdx.x) * width;
  if (column >= o.k) return;
  T g[tile_rows][width] = {};
  for (int64_t b = 0; b < o.batch; ++b) {
    const auto x = load_vector<width>(o.x + b * o.k + column);
    UNROLL
    for (int r = 0; r < tile_rows; ++r) {
      UNROLL
      for (int c = 0; c < width; ++c) g[r][c] += dy[b * tile_rows + r] * x[c];
    }
  }
  UNROLL
  for (int r = 0; r < tile_rows; ++r) {
    if (first + r >= o.n) break;
    const int64_t i = (first + r) * o.k + column;
    auto w = load_vector<width>(o.w + i);
    Vector<T, width> m = w, v = w;
    if (has_m) m = load_vector<width>(o.w_m + i);
    if (has_v) v = load_vector<width>(o.w_v + i);
    UNROLL
    for (int c = 0; c < width; ++c) update(g[r][c], w[c], m[c], v[c]);
    store_vector(o.w + i, w);
    if (has_m) store_vector(o.w_m + i, m);
    if (has_v) store_vector(o.w_v + i, v);
  }
}

template <class T>
T* data_or_null(const Tensor& x) {
  return x ? x.data<T>() : nullptr;
}

/// dx by matmul, then f.template operator()<T, rule, has_m>(operands, hyper).
template <class F>
void run(Tensor& w, Tensor& bias, Tensor& w_m, Tensor& w_v, Tensor& bias_m, Tensor& bias_v,
         Tensor& dx, Tensor& scratch, const Tensor& dy, const Tensor& x, const Tensor& hyper,
         UpdateRule rule, const F& f) {
  check_linear_update(w, bias, w_m, w_v, bias_m, bias_v, dx, scratch, dy, x, hyper, rule);
  if (dx) matmul(dx, dy, w, Tensor(), {});
  if (w.numel() == 0) return;
  const auto* const values = reinterpret_cast<const Hyper*>(hyper.data<double>());
  dispatch_float("linear_backward_update", w.dtype(), [&]<class T>() {
    const Operands<T> o{w.data<T>(),
                        data_or_null<T>(w_m),
                        data_or_null<T>(w_v),
                        data_or_null<T>(bias),
                        data_or_null<T>(bias_m),
                        data_or_null<T>(bias_v),
                        dy.data<T>(),
                        x.data<T>(),
                        x.dim(0),
                        w.dim(0),
                        w.dim(1)};
    if (rule == UpdateRule::adam)
      f.template operator()<T, UpdateRule::adam, true>(o, values);
    else if (rule == UpdateRule::adamw)
      f.template operator()<T, UpdateRule::adamw, true>(o, values);
    else if (w_m)
      f.template operator()<T, UpdateRule::sgd, true>(o, values);
    else
      f.template operator()<T, UpdateRule::sgd, false>(o, values);
  });
}

void element(Tensor& w, Tensor& bias, Tensor& w_m, Tensor& w_v, Tensor& bias_m, Tensor& bias_v,
             Tensor& dx, Tensor& scratch, const Tensor& dy, const Tensor& x, const Tensor& hyper,
             UpdateRule rule) {
  run(w, bias, w_m, w_v, bias_m, bias_v, dx, scratch, dy, x, hyper, rule,
      [&]<class T, UpdateRule r, bool has_m>(const Operands<T>& o, const Hyper* h) {
        const int64_t column_blocks = ceil_div(o.k, block_size);
        launch(update_element<T, r, has_m>, column_blocks * o.n, block_size, 0, o, h,
               column_blocks);
      });
}

constexpr int64_t max_shared = 48 << 10;

Fit fits_tile(Tensor& w, Tensor&, Tensor& w_m, Tensor& w_v, Tensor&, Tensor&, Tensor&, Tensor&,
              const Tensor&, const Tensor& x, const Tensor&, UpdateRule) {
  if (w.dim(1) * size_of(w.dtype()) % 16 != 0) return "needs rows of a multiple of 16 bytes";
  for (const Tensor* t : {&static_cast<const Tensor&>(w), &static_cast<const Tensor&>(w_m),
                          &static_cast<const Tensor&>(w_v), &x})
    if (*t && reinterpret_cast<uintptr_t>(t->raw()) % 16 != 0)
      return "needs arrays that begin at multiples of 16 bytes";
  if (x.dim(0) == 0 || x.dim(0) * tile_rows * size_of(w.dtype()) > max_shared)
    return "needs a batch, and one whose dy fits in 48 KB";
  return w.dim(0) <= 65535 * tile_rows ? Fit() : "needs at most 262140 outputs";
}

void tile(Tensor& w, Tensor& bias, Tensor& w_m, Tensor& w_v, Tensor& bias_m, Tensor& bias_v,
          Tensor& dx, Tensor& scratch, const Tensor& dy, const Tensor& x, const Tensor& hyper,
          UpdateRule rule) {
  run(w, bias, w_m, w_v, bias_m, bias_v, dx, scratch, dy, x, hyper, rule,
      [&]<class T, UpdateRule r, bool has_m>(const Operands<T>& o, const Hyper* h) {
        const int64_t columns = block_size * int64_t(16 / sizeof(T));
        launch(update_tile<T, r, has_m>,
               dim3(unsigned(ceil_div(o.k, columns)), unsigned(ceil_div(o.n, tile_rows))),
               block_size, size_t(o.batch) * tile_rows * sizeof(T), o, h);
      });
}

}  // namespace

REGISTER_KERNELS(linear_backward_update, cuda, tuned, {"tile", tile, fits_tile},
                 {"element", element});

}  // namespace lathe::kernels
