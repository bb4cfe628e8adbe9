// The matrix product by cuBLASLt, all floating types, with the bias in its epilogue; ReLU is a pass
// of our own, which keeps NaN. Only in builds with nvcc. cuBLASLt is column-major, where a
// row-major c = a b is c^T = b^T a^T: so its first operand is b, its second a, and a bias for each
// column of c is one for each row, as its epilogues want. Sums are in f32 (f64 for f64), without
// TF32. What cuBLASLt recommends for a shape is kept, as are a handle and a workspace for each
// thread, so that a captured step allocates nothing.
#include <cublasLt.h>

#include <memory>
#include <vector>

#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "tensor/stream.h"

namespace lathe::kernels {
namespace {

void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail(ErrorKind::device, "matmul: ", call, " failed: ", cublasLtGetStatusString(status));
}

/// Where tensors must begin; slices of a parameter arena do.
constexpr uint32_t vector_bytes = 16;

cudaDataType_t data_type(DType dtype) {
  return dtype == DType::f64    ? CUDA_R_64F
         : dtype == DType::f32  ? CUDA_R_32F
         : dtype == DType::bf16 ? CUDA_R_16BF
                                : CUDA_R_16F;
}

/// What an algorithm is chosen for.
struct Key {
  MatmulShape shape;
  DType dtype;
  bool transpose_a, transpose_b, bias;

  bool operator==(const Key& o) const {
    return shape.batch == o.shape.batch && shape.m == o.shape.m && shape.n == o.shape.n &&
           shape.k == o.shape.k && dtype == o.dtype && transpose_a == o.transpose_a &&
           transpose_b == o.transpose_b && bias == o.bias;
  }
};

/// The handle and the scratch memory of a thread.
struct Context {
  static constexpr size_t workspace_bytes = size_t(32) << 20;
  cublasLtHandle_t handle = nullptr;
  void* workspace = nullptr;

  Context() {
    check(cublasLtCreate(&handle), "cublasLtCreate");
    workspace = device_api(Device::cuda).allocate(workspace_bytes);
    if (!workspace) fail(ErrorKind::device, "matmul: no memory for cuBLASLt's workspace");
  }
  static Context& of_thread() {
    static thread_local Context* context = new Context;  // kept: the driver may end before threads
    return *context;
  }
};

/// A stored matrix or a batch of them: row-major (rows, columns) is column-major (columns, rows).
struct Layout {
  cublasLtMatrixLayout_t layout = nullptr;

  Layout(const Key& key, int64_t rows, int64_t columns) {
    check(cublasLtMatrixLayoutCreate(&layout, data_type(key.dtype), uint64_t(columns),
                                     uint64_t(rows), columns),
          "cublasLtMatrixLayoutCreate");
    const int32_t batch = int32_t(key.shape.batch);
    const int64_t stride = rows * columns;
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, batch);
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
  }
  ~Layout() { cublasLtMatrixLayoutDestroy(layout); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

 private:
  template <class T>
  void set(cublasLtMatrixLayoutAttribute_t attribute, const T& value) {
    check(cublasLtMatrixLayoutSetAttribute(layout, attribute, &value, sizeof value),
          "cublasLtMatrixLayoutSetAttribute");
  }
};

/// A product as cuBLASLt is asked for it, and the algorithm that it recommends; `found` is false
/// where it has none.
class Chosen {
 public:
  explicit Chosen(const Key& wanted)
      : key(wanted),
        a_(wanted, wanted.transpose_a ? wanted.shape.k : wanted.shape.m,
           wanted.transpose_a ? wanted.shape.m : wanted.shape.k),
        b_(wanted, wanted.transpose_b ? wanted.shape.n : wanted.shape.k,
           wanted.transpose_b ? wanted.shape.k : wanted.shape.n),
        c_(wanted, wanted.shape.m, wanted.shape.n) {
    const bool f64 = key.dtype == DType::f64;
    check(cublasLtMatmulDescCreate(&operation_, f64 ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F,
                                   f64 ? CUDA_R_64F : CUDA_R_32F),
          "cublasLtMatmulDescCreate");
    set(CUBLASLT_MATMUL_DESC_TRANSA, key.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, key.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE,
        key.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT);
    if (key.bias) set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, data_type(key.dtype));
    choose();
  }
  ~Chosen() { cublasLtMatmulDescDestroy(operation_); }
  Chosen(const Chosen&) = delete;
  Chosen& operator=(const Chosen&) = delete;

  void run(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias) {
    if (bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.raw()));
    const double one = 1, zero = 0;
    const float one_f32 = 1, zero_f32 = 0;
    const bool f64 = key.dtype == DType::f64;
    const void* const alpha = f64 ? static_cast<const void*>(&one) : &one_f32;
    const void* const beta = f64 ? static_cast<const void*>(&zero) : &zero_f32;
    Context& context = Context::of_thread();
    check(
        cublasLtMatmul(context.handle, operation_, alpha, b.raw(), b_.layout, a.raw(), a_.layout,
                       beta, c.raw(), c_.layout, c.raw(), c_.layout, &algorithm_, context.workspace,
                       Context::workspace_bytes, static_cast<cudaStream_t>(current_stream())),
        "cublasLtMatmul");
  }

  const Key key;
  bool found = false;

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    check(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  }

  void choose() {
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    const size_t bytes = Context::workspace_bytes;
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                         &bytes, sizeof bytes);
    const uint32_t alignment = vector_bytes;
    for (auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      cublasLtMatmulPreferenceSetAttribute(preference, attribute, &alignment, sizeof alignment);
    cublasLtMatmulHeuristicResult_t best;
    int count = 0;
    const auto status = cublasLtMatmulAlgoGetHeuristic(Context::of_thread().handle, operation_,
                                                       b_.layout, a_.layout, c_.layout, c_.layout,
                                                       preference, 1, &best, &count);
    cublasLtMatmulPreferenceDestroy(preference);
    found = status == CUBLAS_STATUS_SUCCESS && count > 0;
    if (found) algorithm_ = best.algo;
  }

  Layout a_, b_, c_;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_ = {};
};

/// The choice for a key, from the few that this thread used last.
Chosen& chosen(const Key& key) {
  constexpr size_t most = 256;
  static thread_local std::vector<std::unique_ptr<Chosen>> all;
  for (const auto& one : all)
    if (one->key == key) return *one;
  if (all.size() == most) all.erase(all.begin());
  all.push_back(std::make_unique<Chosen>(key));
  return *all.back();
}

Key key_of(const Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
           MatmulOptions options) {
  return {matmul_shape(c, a, b, bias, options), c.dtype(), options.transpose_a, options.transpose_b,
          bool(bias)};
}

void matmul_cublaslt(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                     MatmulOptions options) {
  chosen(key_of(c, a, b, bias, options)).run(c, a, b, bias);
  if (options.epilogue == Epilogue::bias_relu) unary_forward<Relu>(c, c, Relu{});
}

Fit fits(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias, MatmulOptions options) {
  const Key key = key_of(c, a, b, bias, options);
  if (c.numel() == 0 || key.shape.k == 0) return "needs at least one element everywhere";
  if (key.shape.batch > 65535) return "needs at most 65535 matrices";
  for (const Tensor& x : {c, a, b})
    if (reinterpret_cast<uintptr_t>(x.raw()) % vector_bytes != 0)
      return "needs tensors that begin at multiples of 16 bytes";
  return chosen(key).found ? Fit() : "needs a product that cuBLASLt has";
}

}  // namespace

REGISTER_KERNELS(matmul, cuda, vendor, {"cublaslt", matmul_cublaslt, fits});

}  // namespace lathe::kernels
