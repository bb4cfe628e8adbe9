#include "data/make_faces.h"

#include <zlib.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/image/image.h"
#include "tensor/parallel.h"
#include "tests/support.h"

using namespace lathe;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// CRC-32 of all names and pixels, or bytes, below a folder.
uint32_t checksum(const fs::path& folder, bool pixels) {
  uLong crc = 0;
  const auto add = [&](const auto& data) {
    crc = crc32(crc, reinterpret_cast<const Bytef*>(data.data()), uInt(data.size()));
  };
  for (const fs::path& file : files_of(folder)) {
    add(fs::relative(file, folder).string());
    if (pixels)
      add(read_image(file).pixels);
    else
      add(tests::bytes_of(file));
  }
  return uint32_t(crc);
}

const MakeFacesOptions few{.train = 14, .valid = 2, .test = 4, .size = 64, .seed = 5};

/// The mean difference of two pictures where the square distance from the middle, in half sides, is
/// between two bounds.
double difference(const Image& a, const Image& b, double from, double to) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t y = 0; y < a.height; ++y)
    for (int64_t x = 0; x < a.width; ++x) {
      const double u = 2 * double(x) / double(a.width) - 1,
                   v = 2 * double(y) / double(a.height) - 1;
      if (u * u + v * v < from || u * u + v * v > to) continue;
      for (int c = 0; c < 3; ++c, ++count)
        sum += std::abs(int(a.row(y)[3 * x + c]) - int(b.row(y)[3 * x + c]));
    }
  return sum / double(count);
}

}  // namespace

TEST_CASE("made faces have the same bytes for the same seed, and for any number of threads") {
  const tests::ScratchFolder one, two, other;
  const int threads = num_threads();
  set_num_threads(1);
  make_faces(one.path(), few);
  set_num_threads(2);
  make_faces(two.path(), few);
  set_num_threads(threads);
  CHECK_EQ(checksum(one.path(), false), checksum(two.path(), false));
  // The same on every machine. Files are compressed by the system's libjpeg-turbo.
  CHECK_EQ(checksum(one.path(), true), 503730775u);
  MakeFacesOptions another = few;
  another.seed = 6;
  make_faces(other.path(), another);
  CHECK_NE(checksum(one.path(), false), checksum(other.path(), false));
}

TEST_CASE("made faces: a fake is its real picture with another inner face; a person has one part") {
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "new/faces";
  make_faces(folder, few);
  std::map<std::string, std::set<std::string>> parts;  // of a person
  for (const auto& [part, count] : {std::pair("train", 7), {"valid", 1}, {"test", 2}}) {
    const auto fakes = files_of(folder / part / "fake"), reals = files_of(folder / part / "real");
    CHECK_EQ(fakes.size(), count);
    REQUIRE_EQ(reals.size(), count);
    for (size_t i = 0; i < fakes.size(); ++i) {
      INFO(fakes[i].string());
      const std::string name = fakes[i].filename().string();
      CHECK_EQ(reals[i].filename(), name);
      parts[name.substr(0, name.find('_'))].insert(part);
      const Image fake = read_image(fakes[i]), real = read_image(reals[i]);
      CHECK_EQ(fake.width, few.size);
      CHECK_EQ(fake.height, few.size);
      CHECK(difference(fake, real, 0, 0.16) > 0.3);
      CHECK(difference(fake, real, 0, 0.5) > 2 * difference(fake, real, 1.2, 2));
    }
  }
  CHECK_EQ(parts.size(), 5);
  for (const auto& [person, of] : parts) CHECK_EQ(of.size(), 1);

  // More of one part leaves the others' pictures as they are.
  MakeFacesOptions more = few;
  more.train = 20;
  make_faces(scratch / "more", more);
  CHECK(read_image(files_of(scratch / "more/test/fake")[0]) ==
        read_image(files_of(folder / "test/fake")[0]));
}

TEST_CASE("made faces replace the same set, and nothing is left among them") {
  const tests::ScratchFolder folder;
  make_faces(folder.path(), few);
  make_faces(folder.path(), few);
  MakeFacesOptions fewer = few;
  fewer.train = 8;
  const auto message = tests::message_of([&] { make_faces(folder.path(), fewer); });
  CHECK(message.find("is there already and would be left among the new images; remove ") !=
        std::string::npos);
  CHECK(tests::message_of([&] { make_faces(folder / "a", {.size = 8}); }) ==
        "make faces: expects a size of 32 to 2048 pixels, got 8");
  CHECK(tests::message_of([&] {
          make_faces(folder / "b", {.test = 1});
        }).find("make faces: expects at least two samples") == 0);
  tests::write_bytes(folder / "file", "");
  CHECK(tests::message_of([&] { make_faces(folder / "file", few); }).find("cannot be made") !=
        std::string::npos);
}
