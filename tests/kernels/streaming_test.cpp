#include "kernels/streaming.h"

#include <numeric>

#include "tests/support.h"

using namespace lathe;

TEST_CASE("stream_copy: any alignment and length") {
  std::vector<char> from(5000), to(5000);
  std::iota(from.begin(), from.end(), char(1));
  for (size_t offset : {0, 1, 15, 16, 17})
    for (size_t bytes : {0, 1, 15, 16, 31, 100, 4096}) {
      std::fill(to.begin(), to.end(), char(-1));
      kernels::stream_copy(to.data() + offset, from.data() + 3, int64_t(bytes));
      kernels::stream_fence();
      for (size_t i = 0; i < to.size(); ++i) {
        const bool written = i >= offset && i < offset + bytes;
        REQUIRE(to[i] == (written ? from[i - offset + 3] : char(-1)));
      }
    }
}

TEST_CASE("write_elements: streamed or not, the same elements and no others") {
  for (bool stream : {false, true})
    for (int64_t begin : {0, 1, 3})
      for (int64_t end : {3, 1023, 1024, 1027, 5000}) {
        std::vector<float> y(6000, -1);
        kernels::write_elements(y.data(), begin, end, stream, [](int64_t i) { return float(i); });
        for (int64_t i = 0; i < int64_t(y.size()); ++i)
          REQUIRE(y[size_t(i)] == (i >= begin && i < end ? float(i) : -1));
      }
}
