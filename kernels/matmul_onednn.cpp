// The matrix product by oneDNN: large ones in f32 by its BLAS-like call, and bf16 by a matmul
// primitive. One adapter for its interfaces of versions 2 and 3. A primitive is compiled for
// one shape, which takes a while, so each thread keeps those that it used, with their memory
// objects; a call only sets pointers (inside, oneDNN allocates a few small things each time,
// which our rows do not). Its
// ReLU turns NaN into 0, which would hide a failed training, so that is a pass of ours.
#include <array>
#include <dnnl.hpp>
#include <memory>
#include <vector>

#include "kernels/epilogue.h"
#include "kernels/matmul.h"

namespace lathe::kernels {
namespace {

using dnnl::memory;

/// What a primitive is compiled for.
struct Key {
  MatmulShape shape;
  bool batched, transpose_a, transpose_b, bias;

  bool operator==(const Key& o) const {
    return shape.batch == o.shape.batch && shape.m == o.shape.m && shape.n == o.shape.n &&
           shape.k == o.shape.k && batched == o.batched && transpose_a == o.transpose_a &&
           transpose_b == o.transpose_b && bias == o.bias;
  }
};

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// Row-major (batch, rows, columns), or (rows, columns); `transposed` when it is stored the other
/// way round.
memory::desc matrix(const Key& key, int64_t batch, int64_t rows, int64_t columns, bool transposed) {
  const int64_t row_step = transposed ? 1 : columns, column_step = transposed ? rows : 1;
  constexpr auto type = memory::data_type::bf16;
  if (!key.batched) return {{rows, columns}, type, {row_step, column_step}};
  return {{batch, rows, columns}, type, {rows * columns, row_step, column_step}};
}

dnnl::matmul::primitive_desc describe(const Key& key) {
  const MatmulShape& s = key.shape;
  const memory::desc a = matrix(key, s.batch, s.m, s.k, key.transpose_a),
                     b = matrix(key, s.batch, s.k, s.n, key.transpose_b),
                     c = matrix(key, s.batch, s.m, s.n, false),
                     bias = key.bias ? matrix(key, 1, 1, s.n, false) : memory::desc();
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, b, bias, c};
#else
  return {dnnl::matmul::desc(a, b, bias, c), engine()};
#endif
}

/// A compiled product and the arguments with which it is called; no primitive when oneDNN has none
/// for this processor.
struct Compiled {
  Key key;
  dnnl::primitive primitive;
  memory a, b, c, bias;
  std::array<dnnl_exec_arg_t, 4> arguments;

  explicit Compiled(const Key& wanted) : key(wanted) {
    try {
      const auto description = describe(key);
      primitive = dnnl::matmul(description);
      const auto object = [](const memory::desc& d) { return memory(d, engine(), nullptr); };
      a = object(description.src_desc());
      b = object(description.weights_desc());
      c = object(description.dst_desc());
      if (key.bias) bias = object(matrix(key, 1, 1, key.shape.n, false));
      arguments = {{{DNNL_ARG_SRC, a.get()},
                    {DNNL_ARG_WEIGHTS, b.get()},
                    {DNNL_ARG_DST, c.get()},
                    {DNNL_ARG_BIAS, key.bias ? bias.get() : nullptr}}};
    } catch (const dnnl::error&) {
      primitive = dnnl::primitive();
    }
  }
};

/// The compiled product for a key, from the few that this thread used last.
Compiled& compiled(const Key& key) {
  constexpr size_t most = 64;
  static thread_local std::vector<std::unique_ptr<Compiled>> all;
  for (const auto& one : all)
    if (one->key == key) return *one;
  if (all.size() == most) all.erase(all.begin());
  all.push_back(std::make_unique<Compiled>(key));
  return *all.back();
}

Key key_of(const Tensor& c, const MatmulShape& shape, bool bias, MatmulOptions options) {
  return {shape, c.rank() == 3, options.transpose_a, options.transpose_b, bias};
}

void check(dnnl_status_t status) {
  if (status != dnnl_success)
    fail(ErrorKind::device, "matmul: oneDNN refused the call with status ", int(status));
}

void multiply_bf16(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                   const MatmulShape& s, MatmulOptions options) {
  static thread_local const dnnl::stream stream(engine());
  Compiled& product = compiled(key_of(c, s, bool(bias), options));
  product.a.set_data_handle(a.raw());
  product.b.set_data_handle(b.raw());
  product.c.set_data_handle(c.raw());
  if (bias) product.bias.set_data_handle(bias.raw());
  check(dnnl_primitive_execute(product.primitive.get(), stream.get(), bias ? 4 : 3,
                               product.arguments.data()));
  apply_epilogue<bf16>(c.data<bf16>(), nullptr, s.batch * s.m, s.n,
                       options.epilogue == Epilogue::bias_relu);
}

void multiply_f32(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                  const MatmulShape& s, MatmulOptions options) {
  const bool ta = options.transpose_a, tb = options.transpose_b;
  for (int64_t i = 0; i < s.batch; ++i)
    check(dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', s.m, s.n, s.k, 1,
                     a.data<float>() + i * s.m * s.k, ta ? s.m : s.k,
                     b.data<float>() + i * s.k * s.n, tb ? s.k : s.n, 0,
                     c.data<float>() + i * s.m * s.n, s.n));
  apply_epilogue(c.data<float>(), bias ? bias.data<float>() : nullptr, s.batch * s.m, s.n,
                 options.epilogue == Epilogue::bias_relu);
}

void matmul_onednn(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                   MatmulOptions options) {
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  (c.dtype() == DType::f32 ? multiply_f32 : multiply_bf16)(c, a, b, bias, s, options);
}

Fit fits(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias, MatmulOptions options) {
  if (c.dtype() != DType::f32 && c.dtype() != DType::bf16) return "needs f32 or bf16";
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  if (c.numel() == 0 || s.k == 0) return "needs at least one element everywhere";
  if (c.dtype() == DType::f32) {
    const bool large = double(s.batch * s.m) * double(s.n) * double(s.k) >= 1 << 28;
    return large && !options.transpose_b
               ? Fit()
               : "needs 2^28 multiplications and b not transposed to be faster than our rows";
  }
  if (compiled(key_of(c, s, bool(bias), options)).primitive) return {};
  return "needs a processor for which oneDNN has a product in bf16";
}

}  // namespace

REGISTER_KERNELS(matmul, cpu, vendor, {"onednn", matmul_onednn, fits});

}  // namespace lathe::kernels
