#include "tensor/plan.h"

#include "tensor/basic_kernels.h"
#include "tests/support.h"

using namespace lathe;

TEST_CASE("a plan repeats a step on new input, without allocating") {
  Tensor x = Tensor::full({1000}, 1), y = Tensor::zeros({1000});
  Plan plan;
  plan.trace([&] {
    Tensor a = empty_like(x);
    kernels::accumulate(a, x, x);
    Tensor b = empty_like(x);
    kernels::accumulate(b, a, x);
    a = Tensor();
    Tensor c = empty_like(x);  // takes over a's memory, and so it does at every replay
    kernels::copy(c, b);
    kernels::accumulate(y, c, b);
  });
  CHECK_EQ(y.to_vector<float>()[999], 0);  // traced, not run
  plan.replay();
  CHECK_EQ(y.to_vector<float>()[999], 6);
  fill_(x, 2);
  const int64_t in_use = allocator(MemoryKind::cpu).stats().bytes_in_use;
  plan.replay();
  CHECK_EQ(y.to_vector<float>()[999], 12);
  CHECK_EQ(allocator(MemoryKind::cpu).stats().bytes_in_use, in_use);
  CHECK_EQ(plan.calls().size(), 4u);
}

TEST_CASE("memory of a plan is nobody else's while it lives") {
  Tensor x = Tensor::full({1 << 16}, 1), y = Tensor::zeros({1 << 16});
  Plan plan;
  plan.trace([&] {
    Tensor a = empty_like(x);
    kernels::copy(a, x);
    kernels::copy(y, a);
  });
  Tensor other = Tensor::full({1 << 16}, 5);
  plan.replay();
  CHECK_EQ(other.to_vector<float>()[7], 5);
}
