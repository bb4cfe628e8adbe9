#include "data/loader.h"

#include <atomic>
#include <chrono>
#include <set>

#include "tests/support.h"

using namespace lathe;

namespace {

/// Sample i is (i, epoch), its label i. May fail at one index, and counts what was asked of it.
class CountingDataset : public Dataset {
 public:
  explicit CountingDataset(int64_t size, int64_t fails_at = -1)
      : size_(size), fails_at_(fails_at) {}
  int64_t size() const override { return size_; }
  Shape sample_shape() const override { return {2}; }
  DType dtype() const override { return DType::f32; }
  int64_t channels() const override { return 2; }
  void fill(int64_t index, uint32_t epoch, void* to) const override {
    ++filled;
    if (index == fails_at_) fail(ErrorKind::data, "sample ", index, " is damaged");
    if (index % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    float* values = static_cast<float*>(to);
    values[0] = float(index);
    values[1] = float(epoch);
  }
  int64_t label(int64_t index) const override { return index; }
  const std::vector<std::string>& class_names() const override { return names_; }
  mutable std::atomic<int> filled = 0;

 private:
  int64_t size_, fails_at_;
  std::vector<std::string> names_;
};

/// Everything an epoch hands out from its position on, in order.
std::vector<float> epoch_of(Loader& loader, uint32_t epoch, int64_t skip = 0) {
  std::vector<float> seen;
  loader.begin(epoch, skip);
  while (const Batch* batch = loader.next()) {
    for (float v : batch->inputs.to_vector<float>()) seen.push_back(v);
    for (float v : batch->labels.to_vector<float>()) seen.push_back(v);
  }
  CHECK_EQ(loader.next(), nullptr);
  return seen;
}

}  // namespace

TEST_CASE("batches are the same for any number of workers") {
  const auto data = std::make_shared<CountingDataset>(103);
  Loader alone(data, {.batch_size = 10, .shuffle = true, .seed = 5, .workers = 0});
  CHECK_EQ(alone.batches(), 11);
  for (int workers : {1, 2, 4}) {
    Loader loader(data, {.batch_size = 10, .shuffle = true, .seed = 5, .workers = workers});
    for (uint32_t epoch : {0u, 1u, 7u}) CHECK_EQ(epoch_of(loader, epoch), epoch_of(alone, epoch));
  }
  CHECK_NE(epoch_of(alone, 0), epoch_of(alone, 1));
}

TEST_CASE("an epoch has every sample once, the last batch is the rest") {
  const auto data = std::make_shared<CountingDataset>(7);
  Loader loader(data, {.batch_size = 3, .shuffle = true, .label_dtype = DType::f64});
  loader.begin(0);
  std::set<double> labels;
  std::vector<int64_t> sizes;
  while (const Batch* batch = loader.next()) {
    sizes.push_back(batch->inputs.dim(0));
    for (double v : batch->labels.to_vector<double>()) labels.insert(v);
    CHECK_EQ(batch->labels.dtype(), DType::f64);
  }
  CHECK_EQ(sizes, std::vector<int64_t>{3, 3, 1});
  CHECK_EQ(labels.size(), 7u);
  Loader whole(data, {.batch_size = 100});
  whole.begin(0);
  CHECK_EQ(whole.next()->inputs.shape(), Shape({7, 2}));
  Loader none(std::make_shared<CountingDataset>(0), {});
  none.begin(0);
  CHECK_EQ(none.next(), nullptr);
}

TEST_CASE("an epoch resumed in its middle goes on as the whole one did") {
  const auto data = std::make_shared<CountingDataset>(50);
  for (int workers : {0, 2}) {
    Loader loader(data, {.batch_size = 8, .shuffle = true, .seed = 1, .workers = workers});
    const auto whole = epoch_of(loader, 3), rest = epoch_of(loader, 3, 4);
    CHECK(std::equal(rest.rbegin(), rest.rend(), whole.rbegin()));
    CHECK_EQ(rest.size(), (50 - 4 * 8) * 3);
    CHECK(epoch_of(loader, 3, 7).empty());
  }
}

TEST_CASE("a batch stays as it is until the next is asked for, and workers run no further ahead") {
  const auto data = std::make_shared<CountingDataset>(1000);
  Loader loader(data, {.batch_size = 10, .workers = 3});
  loader.begin(0);
  const Batch* batch = loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(data->filled <= 40);
  for (int64_t i = 0; i < 10; ++i) CHECK_EQ(batch->inputs.data<float>()[2 * i], float(i));
}

TEST_CASE("an error of a worker comes out where its batch would, and the loader goes on") {
  const auto data = std::make_shared<CountingDataset>(100, 55);
  for (int workers : {0, 1, 3}) {
    Loader loader(data, {.batch_size = 10, .workers = workers});
    for (int attempt = 0; attempt < 2; ++attempt) {
      loader.begin(0);
      for (int i = 0; i < 5; ++i) REQUIRE(loader.next());
      CHECK_EQ(tests::message_of([&] { loader.next(); }), "sample 55 is damaged");
      CHECK_EQ(loader.next(), nullptr);
    }
    loader.begin(0, 6);
    CHECK_EQ(loader.next()->labels.data<int64_t>()[0], 60);
  }
}

TEST_CASE("a loader may be given up at any time") {
  const auto data = std::make_shared<CountingDataset>(1000);
  for (int i = 0; i < 50; ++i) {
    Loader loader(data, {.batch_size = 7, .workers = 1 + i % 4});
    for (int epoch = 0; epoch < 3; ++epoch) {
      loader.begin(uint32_t(epoch));
      for (int k = 0; k < i % 5; ++k) loader.next();
    }
    if (i % 2) loader.cancel();
    if (i % 2) CHECK_EQ(loader.next(), nullptr);
  }
  CHECK_EQ(tests::message_of([&] { Loader(data, {.batch_size = 0}); }),
           "loader: expects batch_size of 1 or more, got 0");
}

TEST_CASE("batches reuse their memory") {
  const auto data = std::make_shared<CountingDataset>(95);
  Loader loader(data, {.batch_size = 10, .workers = 2});
  std::set<const void*> places;
  for (uint32_t epoch = 0; epoch < 3; ++epoch) {
    loader.begin(epoch);
    while (const Batch* batch = loader.next()) places.insert(batch->inputs.raw());
  }
  CHECK(places.size() <= 3);
}
