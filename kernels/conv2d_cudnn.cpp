// The three convolutions by cuDNN: f32 (TF32 only with LATHE_TF32=1), bf16 and f16, all summed in
// f32; bias, residual and activation of the forward in the same graph. What cuDNN declines goes to
// the next row with its reason. Plans are those that its heuristics put first among the engines
// that sum in a fixed order, or the fastest of the first eight with LATHE_CUDNN_TIME=1, whose
// choice may differ from run to run. Each thread keeps the plans of its shapes; workspaces are
// scratch tensors, so that a captured step allocates nothing. docs/cudnn.md says what was checked
// without a GPU, and how.
#include "kernels/conv2d_cudnn.h"

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>

#include "kernels/reduce.h"
#include "tensor/plan.h"
#include "tensor/stream.h"

namespace lathe::kernels {
namespace {

using cudnn::Convolution;
using cudnn::Direction;
using Pointers = std::vector<void*>;

/// The handle of a thread, on the ambient stream, and its GPU.
class Context {
 public:
  static Context& of_thread() {
    static thread_local Context* context = new Context;  // kept: the driver may end before threads
    return *context;
  }
  cudnnHandle_t on_stream() {
    if (cudnnSetStream(handle_, static_cast<cudaStream_t>(current_stream())) !=
        CUDNN_STATUS_SUCCESS)
      fail(ErrorKind::device, "conv2d: cuDNN does not take the stream");
    return handle_;
  }
  const cudnn::DeviceProperties& device() const { return *device_; }

 private:
  Context() {
    const cudnnStatus_t status = cudnnCreate(&handle_);
    if (status != CUDNN_STATUS_SUCCESS)
      fail(ErrorKind::device, "conv2d: cudnnCreate failed: ", cudnnGetErrorString(status));
    device_ = std::make_unique<cudnn::DeviceProperties>(handle_);
  }
  cudnnHandle_t handle_ = nullptr;
  std::unique_ptr<cudnn::DeviceProperties> device_;
};

Tensor scratch(int64_t bytes) { return Tensor::empty({bytes}, DType::u8, Device::cuda); }

void run(const cudnn::Plan& plan, const Pointers& pointers) {
  const Tensor workspace = plan.workspace_bytes > 0 ? scratch(plan.workspace_bytes) : Tensor();
  try {
    plan.run(Context::of_thread().on_stream(), pointers, workspace ? workspace.raw() : nullptr);
  } catch (const cudnn::Declined& declined) {
    fail(ErrorKind::device, "conv2d: ", declined.what());
  }
}

/// Milliseconds of a few runs.
float time(const cudnn::Plan& plan, const Pointers& pointers) {
  const auto stream = static_cast<cudaStream_t>(current_stream());
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  run(plan, pointers);
  cudaEventRecord(begin, stream);
  for (int i = 0; i < 5; ++i) run(plan, pointers);
  cudaEventRecord(end, stream);
  cudaEventSynchronize(end);
  float milliseconds = 0;
  cudaEventElapsedTime(&milliseconds, begin, end);
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return milliseconds;
}

/// The fastest on tensors of zeros of its own, since a call's result may be its operand too.
size_t fastest(const std::vector<cudnn::Plan>& plans, const Convolution& c) {
  const OutsidePlan outside;
  std::vector<Tensor> tensors;
  Pointers pointers;
  for (const cudnn::Extents& e : {c.x, c.w, c.y, {1, 1, 1, c.y[3]}, c.y})
    pointers.push_back(
        tensors.emplace_back(Tensor::zeros({e[0], e[1], e[2], e[3]}, c.dtype, Device::cuda)).raw());
  size_t best = 0;
  float least = 0;
  for (size_t i = 0; i < plans.size(); ++i)
    if (const float ms = time(plans[i], pointers); i == 0 || ms < least) {
      best = i;
      least = ms;
    }
  return best;
}

bool timing_wanted() {
  const char* const value = std::getenv("LATHE_CUDNN_TIME");
  if (!value || std::strcmp(value, "1") != 0) return false;
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(static_cast<cudaStream_t>(current_stream()), &capturing);
  return capturing == cudaStreamCaptureStatusNone;
}

/// The same words at an address that stays.
const char* kept(const std::string& words) {
  static std::mutex mutex;
  static auto* const all = new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return all->insert(words).first->c_str();
}

/// A convolution with its plan, or with the reason why there is none.
struct Chosen {
  explicit Chosen(const Convolution& wanted) : key(wanted) {
    try {
      const bool timed = timing_wanted();
      auto plans = cudnn::plans(key, Context::of_thread().device(), timed ? 8 : 1);
      plan.push_back(std::move(plans[timed ? fastest(plans, key) : 0]));
    } catch (const cudnn::Declined& declined) {
      reason = kept(concat("needs a convolution that cuDNN takes; it has ", declined.what()));
    }
  }
  Convolution key;
  std::vector<cudnn::Plan> plan;  // one, or none
  const char* reason = nullptr;
};

/// The choice for a key, from those that this thread used last.
Chosen& chosen(const Convolution& key) {
  constexpr size_t most = 1024;  // more than one training step of a large network has
  static thread_local std::vector<std::unique_ptr<Chosen>> all;
  for (const auto& one : all)
    if (one->key == key) return *one;
  if (all.size() == most) all.erase(all.begin());
  all.push_back(std::make_unique<Chosen>(key));
  return *all.back();
}

Convolution convolution(Direction direction, const Tensor& x, const Tensor& w, const Tensor& y,
                        const Conv2dShape& shape) {
  const auto extents = [](const Tensor& t) {
    return cudnn::Extents{t.dim(0), t.dim(1), t.dim(2), t.dim(3)};
  };
  conv2d_extents(y, x, w, shape);
  static const bool tf32 = cudnn::tf32_allowed();
  return {.direction = direction,
          .dtype = y.dtype(),
          .x = extents(x),
          .w = extents(w),
          .y = extents(y),
          .shape = shape,
          .tf32 = tf32};
}

Convolution forward_convolution(const Tensor& y, const Tensor& x, const Tensor& w,
                                const Tensor& bias, const Tensor& residual, Nonlinearity f,
                                const Conv2dShape& shape) {
  Convolution c = convolution(Direction::forward, x, w, y, shape);
  c.bias = bool(bias);
  c.residual = bool(residual);
  c.f = f;
  return c;
}

Fit fits(const Convolution& c, std::initializer_list<Tensor> tensors) {
  if (c.dtype == DType::f64) return "needs f32, bf16 or f16";
  for (const Tensor& x : tensors) {
    if (!x) continue;
    if (x.numel() == 0) return "needs at least one element everywhere";
    if (reinterpret_cast<uintptr_t>(x.raw()) % 16 != 0)
      return "needs tensors that begin at multiples of 16 bytes";
  }
  const char* const reason = chosen(c).reason;
  return reason ? Fit(reason) : Fit();
}

void* raw(const Tensor& x) { return x ? x.raw() : nullptr; }

// The residual may be the result: cuDNN reads each of its elements before it writes that place.
void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape shape) {
  run(chosen(forward_convolution(y, x, w, bias, residual, f, shape)).plan.at(0),
      {raw(x), raw(w), raw(y), raw(bias), raw(residual)});
}
Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                 const Tensor& residual, Nonlinearity f, Conv2dShape shape) {
  return fits(forward_convolution(y, x, w, bias, residual, f, shape), {y, x, w, bias, residual});
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape shape) {
  run(chosen(convolution(Direction::backward_input, dx, w, dy, shape)).plan.at(0),
      {raw(dx), raw(w), raw(dy)});
}
Fit fits_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape shape) {
  return fits(convolution(Direction::backward_input, dx, w, dy, shape), {dx, w, dy});
}

void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                     Conv2dShape shape) {
  run(chosen(convolution(Direction::backward_weight, x, dw, dy, shape)).plan.at(0),
      {raw(x), raw(dw), raw(dy)});
  if (dbias) sum_rows(dbias, dy);
}
Fit fits_weight(Tensor& dw, Tensor&, const Tensor& dy, const Tensor& x, Conv2dShape shape) {
  return fits(convolution(Direction::backward_weight, x, dw, dy, shape), {x, dw, dy});
}

}  // namespace

REGISTER_KERNELS(conv2d_forward, cuda, vendor, {"cudnn", forward, fits_forward});
REGISTER_KERNELS(conv2d_backward_input, cuda, vendor, {"cudnn", backward_input, fits_input});
REGISTER_KERNELS(conv2d_backward_weight, cuda, vendor, {"cudnn", backward_weight, fits_weight});

}  // namespace lathe::kernels
