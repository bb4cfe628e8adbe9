#include "tensor/tensor.h"

#include "tensor/allocator.h"
#include "tests/support.h"

using namespace lathe;
using tests::message_of;

TEST_CASE("shapes count, print and refuse") {
  CHECK_EQ(concat(Shape{2, 3}), "(2, 3)");
  CHECK_EQ(concat(Shape{5}), "(5,)");
  CHECK_EQ(concat(Shape{}), "()");
  CHECK_EQ(Shape{}.numel(), 1);
  CHECK_EQ(Shape({4, 0, 3}).numel(), 0);
  CHECK_EQ(Shape({4, 7}).dim(-1), 7);
  CHECK_EQ(message_of([] {
             Shape({1, -2});
           }),
           "shape: expects extents of 0 or more, got -2 for dimension 1");
  CHECK_EQ(message_of([] {
             Shape({int64_t{1} << 40, int64_t{1} << 40});
           }),
           "shape: the number of elements passes 2^59 at dimension 1 of extent 1099511627776");
  CHECK_EQ(message_of([] { Shape({2, 3}).dim(2); }), "shape: (2, 3) has no dimension 2");
}

TEST_CASE("views share elements, clones do not") {
  Tensor x = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {3, 2});
  Tensor rows = x.slice(1, 3);
  CHECK_EQ(rows.to_vector<float>(), std::vector<float>{2, 3, 4, 5});
  Tensor copy = x.clone();
  fill_(rows, 9);
  CHECK_EQ(x.reshape({6}).to_vector<int32_t>(), std::vector<int32_t>{0, 1, 9, 9, 9, 9});
  CHECK_EQ(copy.to_vector<float>().back(), 5);
  CHECK_EQ(message_of([&] { x.reshape({4}); }), "reshape: (3, 2) has 6 elements, (4,) has 4");
  CHECK_EQ(message_of([&] { x.slice(2, 4); }),
           "slice: 2 to 4 leaves the first dimension of (3, 2)");
  CHECK_EQ(message_of([&] { x.data<double>(); }), "tensor: its elements are f32, not f64");
  CHECK_EQ(message_of([] { Tensor().shape(); }),
           "tensor: there is none (an empty handle was used)");
}

TEST_CASE("casts convert every pair of types") {
  for (DType from :
       {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i64, DType::i32, DType::u8})
    for (DType to :
         {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i64, DType::i32, DType::u8}) {
      const Tensor x = Tensor::from<int32_t>({0, 1, 2, 127}, {4}).to(from).to(to);
      CHECK_EQ(x.to_vector<int32_t>(), std::vector<int32_t>{0, 1, 2, 127});
    }
}

TEST_CASE("freed memory is handed out again") {
  auto size = Shape{1 << 20};
  { Tensor warm = Tensor::empty(size); }
  if (tests::slow_build && allocator(MemoryKind::cpu).stats().bytes_cached == 0)
    return tests::skip("freed memory is handed out again", "sanitizer builds keep none");
  const int64_t calls = allocator(MemoryKind::cpu).stats().system_calls;
  for (int i = 0; i < 10; ++i) Tensor x = Tensor::empty(size);
  CHECK_EQ(allocator(MemoryKind::cpu).stats().system_calls, calls);
}
