#include "tensor/random.h"

#include <set>

#include "tests/support.h"

using namespace lathe;

// Known answers of Random123's kat_vectors for philox4x32-10.
TEST_CASE("Philox gives the published words") {
  const Philox4 zero = philox4x32({0, 0, 0, 0}, 0);
  CHECK_EQ(zero.x, 0x6627e8d5u);
  CHECK_EQ(zero.y, 0xe169c58du);
  CHECK_EQ(zero.z, 0xbc57ac4cu);
  CHECK_EQ(zero.w, 0x9b00dbd8u);
  const Philox4 ones = philox4x32({~0u, ~0u, ~0u, ~0u}, ~0ull);
  CHECK_EQ(ones.x, 0x408f276du);
  CHECK_EQ(ones.y, 0x41c83b0eu);
  CHECK_EQ(ones.z, 0xa20bc7c6u);
  CHECK_EQ(ones.w, 0x6d5451fdu);
}

TEST_CASE("streams differ by every part of their key") {
  std::set<uint64_t> keys;
  for (uint64_t seed : {0, 1})
    for (Purpose purpose : {Purpose::shuffle, Purpose::dropout})
      for (uint32_t epoch : {0, 1})
        for (uint32_t index : {0, 1})
          for (uint32_t op : {0, 1})
            keys.insert(RandomStream(seed, purpose, epoch, index, op).key());
  CHECK_EQ(keys.size(), 32u);
}

TEST_CASE("uniform and normal have their moments, a permutation has every index once") {
  Tensor u = Tensor::empty({100000}, DType::f64), n = Tensor::empty({100000}, DType::f64);
  uniform_(u, -1, 3, RandomStream(7, Purpose::test));
  normal_(n, 2, 0.5, RandomStream(7, Purpose::test, 1));
  double mean_u = 0, mean_n = 0, square_n = 0;
  for (double v : u.to_vector<double>()) mean_u += v / 100000;
  for (double v : n.to_vector<double>())
    mean_n += v / 100000, square_n += (v - 2) * (v - 2) / 100000;
  CHECK(std::abs(mean_u - 1) < 0.02);
  CHECK(std::abs(mean_n - 2) < 0.01);
  CHECK(std::abs(square_n - 0.25) < 0.01);
  const auto order = permutation(1000, RandomStream(7, Purpose::shuffle));
  CHECK_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
  CHECK_NE(order[0] * 1000 + order[1], 1);
}
