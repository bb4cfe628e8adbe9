// After its first step, training allocates nothing: operator new is counted while a plan is
// replayed.
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "layers/loss.h"
#include "models/landmark_mlp.h"
#include "optim/optimizer.h"
#include "tensor/allocator.h"
#include "tests/support.h"
#include "train/step.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};
}  // namespace

#if !defined(__SANITIZE_ADDRESS__)  // which has its own
void* operator new(size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  if (void* block = std::malloc(bytes ? bytes : 1)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
#endif

using namespace lathe;

namespace {

/// On a thread of its own, whose random state no other test has touched.
void count_allocations() {
  for (DType dtype : {DType::f32, DType::f64}) {
    LandmarkMlp model;
    model.to(dtype);
    ParameterArena arena(model.named_parameters());
    Optimizer optimizer(arena, {.lr = 1e-5});
    TrainStep step(
        model, [](const Tensor& x, const Tensor& y) { return bce_with_logits(x, y); }, optimizer);
    const Tensor inputs = Tensor::full({4, 2176}, 0.5, dtype), labels = Tensor::zeros({4}, dtype);
    CHECK_EQ(step.plan_for(inputs, labels).fused_layers, 5);
    step(inputs, labels);
    const int64_t calls = allocator(MemoryKind::cpu).stats().system_calls;
    allocations = 0;
    counting = true;
    for (int i = 0; i < 3; ++i) step(inputs, labels);
    counting = false;
    CHECK_EQ(allocations.load(), 0);
    CHECK_EQ(allocator(MemoryKind::cpu).stats().system_calls, calls);
  }
}

}  // namespace

TEST_CASE("a replayed step allocates nothing and asks the system for nothing") {
  std::thread(count_allocations).join();
}
