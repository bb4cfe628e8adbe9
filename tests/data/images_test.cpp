#include "data/images.h"

#include "data/loader.h"
#include "tests/data/picture.h"

using namespace lathe;
using tests::message_of;
using tests::picture;
using tests::write_bytes;
using tests::write_picture;

namespace {

const std::vector<std::string> random_crop = {R"({"name": "RandomCrop", "size": 8})",
                                              R"({"name": "HorizontalFlip", "p": 0.5})"};

/// Six images of 12 x 10 pixels, of two classes in turn.
ImageList six_pictures(const tests::ScratchFolder& folder) {
  ImageList list;
  list.classes = {"a", "b"};
  for (int i = 0; i < 6; ++i) {
    const auto file = folder / ("p" + std::to_string(i) + ".png");
    write_picture(file, picture(12, 10, i));
    list.items.push_back({file.string(), i % 2, "g" + std::to_string(i / 2)});
  }
  return list;
}

/// All batches of an epoch, one after another.
std::vector<float> epoch_of(const std::shared_ptr<const Dataset>& data, uint32_t epoch,
                            int workers) {
  LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = true;
  options.workers = workers;
  Loader loader(data, options);
  loader.begin(epoch);
  std::vector<float> values;
  while (const Batch* batch = loader.next())
    for (float value : batch->inputs.to_vector<float>()) values.push_back(value);
  return values;
}

}  // namespace

TEST_CASE("images as samples: pixels, labels, groups") {
  const tests::ScratchFolder folder;
  const ImageDataset data(six_pictures(folder), Pipeline());
  CHECK(data.sample_shape() == Shape({10, 12, 3}));
  CHECK(data.size() == 6);
  CHECK(data.label(3) == 1);
  CHECK(data.group(3) == "g1");
  CHECK(data.source(3).ends_with("p3.png"));
  std::vector<float> values(360);
  data.fill(4, 0, values.data());
  const Image fourth = picture(12, 10, 4);
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == float(fourth.pixels[i]) / 255.0f);
  ImageDatasetOptions f64;
  f64.dtype = DType::f64;
  const ImageDataset doubles(six_pictures(folder), Pipeline(), f64);
  std::vector<double> more(360);
  doubles.fill(4, 0, more.data());
  CHECK(more[7] == doctest::Approx(fourth.pixels[7] / 255.0).epsilon(1e-7));
}

TEST_CASE("random steps depend on seed, epoch and sample alone") {
  const tests::ScratchFolder folder;
  const auto make = [&](uint64_t seed, int64_t cache) {
    ImageDatasetOptions options;
    options.seed = seed;
    options.cache_bytes = cache;
    return std::make_shared<const ImageDataset>(six_pictures(folder), Pipeline(random_crop),
                                                options);
  };
  const auto data = make(3, 0);
  const std::vector<float> first = epoch_of(data, 1, 0);
  CHECK(first.size() == 6 * 8 * 8 * 3);
  CHECK(first == epoch_of(data, 1, 3));
  CHECK(first == epoch_of(make(3, 1000), 1, 2));  // room for two of the six
  CHECK(first == epoch_of(make(3, 100000), 1, 1));
  CHECK(data->pixels(0, 1) == data->pixels(0, 1));
  bool differs = false, seed_differs = false;
  const auto other = make(4, 0);
  for (int64_t i = 0; i < 6; ++i) {
    differs |= !(data->pixels(i, 1) == data->pixels(i, 2));
    seed_differs |= !(data->pixels(i, 1) == other->pixels(i, 1));
  }
  CHECK(differs);
  CHECK(seed_differs);
}

TEST_CASE("balanced: each class as often, small ones several times, the same after a resume") {
  std::vector<std::vector<int64_t>> classes = {{0, 1, 2, 3, 4, 5, 6, 7}, {8, 9}, {}};
  const Sampler sampler(classes, 5);
  std::vector<int64_t> order, again;
  sampler.order(1, order);
  sampler.order(1, again);
  CHECK(order == again);
  REQUIRE(order.size() == 10);
  std::vector<int> counts(10);
  for (int64_t i : order) ++counts[size_t(i)];
  CHECK(counts[8] + counts[9] == 5);
  CHECK(std::abs(counts[8] - counts[9]) == 1);
  for (int i = 0; i < 8; ++i) CHECK(counts[size_t(i)] <= 1);
  sampler.order(2, again);
  CHECK(order != again);
}

TEST_CASE("a damaged file ends the epoch by name, or is left out") {
  const tests::ScratchFolder folder;
  ImageList list = six_pictures(folder);
  write_bytes(list.items[2].path, "not an image");
  write_bytes(list.items[5].path, "");
  const auto data = std::make_shared<const ImageDataset>(list, Pipeline());
  for (int workers : {0, 2}) {
    const std::string message = message_of([&] { epoch_of(data, 1, workers); });
    const bool named = message.starts_with(list.items[2].path + ": ") ||
                       message.starts_with(list.items[5].path + ": ");
    CHECK_MESSAGE(named, message);
    CHECK(message.ends_with("; data.on_error = \"skip\" leaves out what cannot be read"));
  }
  ImageDatasetOptions skip;
  skip.skip_damaged = true;
  const ImageDataset left(list, Pipeline(), skip);
  CHECK(left.size() == 4);
  REQUIRE(left.skipped().size() == 2);
  CHECK(left.skipped()[0].starts_with(list.items[2].path + ": "));
  CHECK(left.source(2).ends_with("p3.png"));
  list.items = {list.items[2]};
  CHECK(message_of([&] {
          ImageDataset(list, Pipeline(), skip);
        }).starts_with("data: there is no image that could be read; the first: "));
}

TEST_CASE("images of different sizes and crops larger than an image are named") {
  const tests::ScratchFolder folder;
  ImageList list = six_pictures(folder);
  write_picture(list.items[1].path, picture(9, 10));
  const ImageDataset data(list, Pipeline());
  CHECK(message_of([&] { data.pixels(1, 0); }) ==
        list.items[1].path +
            ": is 9 x 10 after its transforms, the first image is 12 x 10; end "
            "them with a Resize of [height, width] or a crop");
  CHECK(message_of([&] {
          ImageDataset(list, Pipeline({R"({"name": "CenterCrop", "size": 11})"}));
        }).starts_with(list.items[0].path + ": CenterCrop: expects an image of at least 11 x 11"));
}
