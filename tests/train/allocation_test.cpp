// After its first step, training allocates nothing: operator new is counted while a plan is
// replayed, and over runs that differ only in their number of steps, so that all of the trainer's
// loop is seen (loader and its threads, sums, progress). Validation does allocate: it keeps each
// sample's probabilities.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "data/make_landmarks.h"
#include "layers/loss.h"
#include "layers/random_state.h"
#include "models/landmark_mlp.h"
#include "optim/optimizer.h"
#include "tensor/allocator.h"
#include "tests/support.h"
#include "train/trainer.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};
}  // namespace

#if !defined(LATHE_SANITIZED)  // whose library has its own
[[gnu::noinline]] void* operator new(size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  if (void* block = std::malloc(bytes ? bytes : 1)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t bytes, std::align_val_t alignment) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  const size_t unit = std::max(size_t(alignment), sizeof(void*));
  if (void* block = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t, std::align_val_t) noexcept {
  std::free(block);
}
#endif

using namespace lathe;

namespace {

/// On a thread of its own: on the others, tests may have drawn masks on an emulated device, to
/// which each step's number is then copied too, and the emulator's copies allocate.
template <class F>
void on_fresh_thread(const F& f) {
  std::thread([&] {
    random_step(Device::cpu);  // as a model with dropout does: then each step writes its number
    f();
  }).join();
}

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

/// Allocations of a run of one epoch, a step for each four samples.
int64_t allocations_of_run(int64_t samples) {
  const tests::ScratchFolder scratch;
  make_landmarks(scratch / "data", {.train = samples, .valid = 1, .test = 1});
  Recipe recipe;
  recipe.data.train = {{.features = (scratch / "data/train.csv").string(),
                        .images = "",
                        .labels = (scratch / "data/train_labels.csv").string()}};
  recipe.data.classes = {"fake", "real"};
  recipe.model.options = {{"hidden", "[8]"}};
  recipe.train.batch_size = 4;
  recipe.train.epochs = 1;
  recipe.log.plots = false;
  Trainer trainer(recipe, Device::cpu);
  trainer.start(RunFolder::create(scratch.path(), "run", false), "");
  Progress progress(ProgressStyle::off, true);
  allocations = 0;
  counting = true;
  CHECK_EQ(trainer.run(progress, [](const EpochResult&) { counting = false; }), 0);
  return allocations;
}

}  // namespace

TEST_CASE("the trainer's loop allocates nothing a step") {
  int64_t few = 0, many = 0;
  on_fresh_thread([&] {
    few = allocations_of_run(40);
    many = allocations_of_run(400);
  });
  MESSAGE(few, " allocations in a run of 10 steps, ", many, " in one of 100");
  CHECK_LT(std::abs(many - few), 10);  // texts of other lengths
}

TEST_CASE("a replayed step allocates nothing and asks the system for nothing") {
  on_fresh_thread(count_allocations);
}
