#include "data/idx.h"

#include <zlib.h>

#include "data/normalize.h"
#include "tensor/random.h"
#include "tests/support.h"
#include "train/task.h"

using namespace lathe;
using tests::write_bytes;

namespace {

std::string idx_bytes(const std::vector<uint8_t>& extents, const std::string& elements) {
  std::string bytes{0, 0, 8, char(extents.size())};
  for (uint8_t extent : extents) bytes += std::string(3, '\0') + char(extent);
  return bytes + elements;
}

std::string gzipped(const std::string& bytes) {
  const tests::ScratchFolder folder;
  gzFile file = gzopen((folder / "x.gz").c_str(), "wb");
  gzwrite(file, bytes.data(), unsigned(bytes.size()));
  gzclose(file);
  return tests::bytes_of(folder / "x.gz");
}

std::string refusal(const std::string& bytes) {
  const tests::ScratchFolder folder;
  const auto file = write_bytes(folder / "x", bytes);
  const std::string message = tests::message_of([&] { read_idx(file); });
  return message == "no error" ? message : message.substr(file.string().size() + 2);
}

}  // namespace

TEST_CASE("IDX files are read plain and gzipped") {
  const tests::ScratchFolder folder;
  const std::string images = idx_bytes({2, 1, 3}, std::string("\0\x33\xff\1\2\3", 6));
  write_bytes(folder / "labels", idx_bytes({2}, std::string("\2\0", 2)));
  for (const std::string& bytes : {images, gzipped(images)}) {
    write_bytes(folder / "images", bytes);
    const IdxDataset data(folder / "images", folder / "labels", DType::f64);
    CHECK_EQ(data.size(), 2);
    CHECK_EQ(data.sample_shape(), Shape({1, 3, 1}));
    double sample[3];
    data.fill(0, 0, sample);
    CHECK_EQ(std::vector<double>(sample, sample + 3), std::vector<double>{0, 0.2, 1});
    CHECK_EQ(data.label(0), 2);
    CHECK_EQ(data.class_names().size(), 3u);
    CHECK_EQ(IdxDataset(folder / "images", {}).label(1), -1);
  }
  write_bytes(folder / "labels", idx_bytes({3}, "abc"));
  CHECK(tests::message_of([&] {
          IdxDataset(folder / "images", folder / "labels");
        }).find("labels: has 3 labels for the 2 images of ") != std::string::npos);
}

TEST_CASE("damaged IDX files are refused") {
  const std::string good = idx_bytes({2, 2}, "abcd"), packed = gzipped(good);
  CHECK_EQ(refusal(good), "no error");
  CHECK_EQ(refusal(""), "byte 0: this is not an IDX file, which begins with two zero bytes");
  CHECK_EQ(refusal("IDX,label\n"),
           "byte 0: this is not an IDX file, which begins with two zero bytes");
  CHECK_EQ(refusal(std::string("\0\0\x0d\1\0\0\0\1abcd", 12)),
           "byte 2: expects the type 8 (unsigned bytes), has 13");
  CHECK_EQ(refusal(std::string("\0\0\x08\7", 4)), "byte 3: expects 1 to 4 dimensions, has 7");
  CHECK_EQ(refusal(good.substr(0, 6)), "the file ends inside its header");
  CHECK_EQ(refusal(good.substr(0, 15)),
           "expects 4 bytes for the shape (2, 2), the file ends after 3");
  CHECK_EQ(refusal(good + "e"), "bytes follow behind the 4 of the shape (2, 2)");
  CHECK_EQ(refusal(std::string("\0\0\x08\2\xff\xff\xff\xff\xff\xff\xff\xff", 12)),
           "byte 4: the extents of the header ask for more bytes than the file can hold");
  CHECK(refusal(packed.substr(0, packed.size() - 9)).find("damaged or cut gzip data") == 0);
  std::string flipped = packed;
  flipped[flipped.size() - 6] ^= 1;  // the checksum
  CHECK(refusal(flipped).find("damaged or cut gzip data") == 0);
  const RandomStream random(4, Purpose::test);
  for (uint64_t i = 0; i < 1000; ++i) {
    std::string bytes = i % 2 ? good : packed;
    bytes[random.below(3 * i, bytes.size())] ^= char(1 << random.below(3 * i + 1, 8));
    if (i % 3 == 0) bytes.resize(random.below(3 * i + 2, bytes.size()));
    refusal(bytes);
  }
}

TEST_CASE("a list of files is joined: samples after one another, the classes of all") {
  const tests::ScratchFolder folder;
  const std::string one = idx_bytes({2, 1, 2}, "abcd"), two = idx_bytes({1, 1, 2}, "ef");
  Recipe recipe;
  recipe.data.kind = "idx";
  for (const auto& [name, images, labels] :
       {std::tuple("1", one, idx_bytes({2}, std::string("\1\0", 2))),
        {"2", two, idx_bytes({1}, "\2")}}) {
    const std::string path = (folder / name).string();
    write_bytes(path + "i", images);
    write_bytes(path + "l", labels);
    recipe.data.train.push_back({.images = path + "i", .labels = path + "l"});
  }
  const auto data = load_split(recipe, "train");
  CHECK_EQ(data->size(), 3);
  CHECK_EQ(data->class_names(), std::vector<std::string>{"0", "1", "2"});
  for (auto [index, label, pixel] : {std::tuple(0, 1, 'a'), {1, 0, 'c'}, {2, 2, 'e'}}) {
    CHECK_EQ(data->label(index), label);
    float sample[2];
    data->fill(index, 0, sample);
    CHECK_EQ(sample[0], float(pixel) / 255);
  }
  write_bytes(recipe.data.train[1].images, idx_bytes({1, 2, 1}, "ef"));
  CHECK_EQ(tests::message_of([&] { load_split(recipe, "train"); }),
           "data: part 2 of the list has samples of (2, 1, 1) f32, the first has (1, 2, 1) f32");
}

TEST_CASE("the real MNIST files are read, with their published mean and deviation") {
  const auto images = tests::real_data("mnist/t10k-images-idx3-ubyte.gz");
  if (images.empty()) return tests::skip("real MNIST", "mnist is not here");
  const IdxDataset data(images, tests::real_data("mnist/t10k-labels-idx1-ubyte.gz"));
  CHECK_EQ(data.size(), 10000);
  CHECK_EQ(data.sample_shape(), Shape({28, 28, 1}));
  CHECK_EQ(data.label(0), 7);
  CHECK_EQ(class_counts(data)[0], 980);
  const Normalization n = measure_normalization(data);
  CHECK(std::abs(n.mean.item() - 0.1325) < 1e-4);
  CHECK(std::abs(n.std.item() - 0.3105) < 1e-4);
}
