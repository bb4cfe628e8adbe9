#include "layers/random_state.h"

#include "tensor/plan.h"

namespace lathe {
namespace {

struct RandomState {
  uint64_t seed = 0;
  uint32_t next_index = 0, next_op = 0;
  int64_t step = 0;
  Tensor steps[device_count];  // made when first asked for
};
thread_local RandomState state;

}  // namespace

void manual_seed(uint64_t seed) {
  state.seed = seed;
  state.next_index = state.next_op = 0;
}

uint64_t random_seed() { return state.seed; }
uint32_t next_random_index() { return state.next_index++; }
uint32_t next_random_op() { return state.next_op++; }

void set_random_step(int64_t step) {
  LATHE_CHECK(!CallRecorder::current, "set_random_step: expects to be called outside a plan");
  state.step = step;
  for (Tensor& there : state.steps)
    if (there) device_api(there.device()).copy(there.raw(), &step, sizeof step);
}

const Tensor& random_step(Device device) {
  Tensor& there = state.steps[int(device)];
  if (!there) {
    const OutsidePlan outside;
    there = Tensor::full({1}, double(state.step), DType::i64, device);
  }
  return there;
}

}  // namespace lathe
