#include "data/make_landmarks.h"

#include "data/csv.h"
#include "data/landmarks.h"
#include "tests/support.h"

using namespace lathe;

namespace {

/// How far the nose moves to and fro against the outline between frames, in pixels: the mean over
/// frames of the difference with alternating signs.
double flicker(const double* sample) {
  double x = 0, y = 0;
  for (int frame = 0; frame < 16; ++frame) {
    const double* row = sample + 136 * frame;
    const double sign = frame % 2 ? -1 : 1;
    x += sign * (row[30] - (row[0] + row[16]) / 2) / 16;
    y += sign * (row[68 + 30] - (row[68] + row[68 + 16]) / 2) / 16;
  }
  return std::hypot(x, y);
}

}  // namespace

TEST_CASE("made landmarks are balanced, and the flicker between frames tells the classes apart") {
  const tests::ScratchFolder folder;
  make_landmarks(folder / "new/made", {.train = 60, .valid = 6, .test = 4, .seed = 3});
  const auto made = folder / "new/made";
  const auto data =
      read_landmarks({{made / "train.csv", made / "train_labels.csv"}}, {.dtype = DType::f64});
  CHECK_EQ(data->size(), 60);
  CHECK_EQ(data->sample_shape(), Shape({2176}));
  CHECK_EQ(class_counts(*data), std::vector<int64_t>{30, 30});
  int right = 0;
  std::vector<double> sample(2176);
  for (int64_t i = 0; i < data->size(); ++i) {
    data->fill(i, 0, sample.data());
    right += (flicker(sample.data()) < 1.5) == (data->label(i) == 1);
    for (double v : sample) REQUIRE(std::abs(v) < 128);
  }
  CHECK(right >= 58);

  CsvReader reader(made / "valid.csv");
  CsvRow row;
  reader.next(row);
  CHECK_EQ(row.cells[0], "IDX");
  CHECK_EQ(row.cells[1], "ldmk1_x");
  CHECK_EQ(row.cells[136], "ldmk68_y");
  CHECK_EQ(read_landmarks({{made / "valid.csv", made / "valid_labels.csv"}})->size(), 6);
  CHECK_EQ(read_landmarks({{made / "test.csv", made / "test_labels.csv"}})->size(), 4);
}

TEST_CASE("the same seed makes the same bytes, another seed others") {
  const tests::ScratchFolder a, b, c;
  const MakeLandmarksOptions few{.train = 4, .valid = 2, .test = 2};
  make_landmarks(a.path(), few);
  make_landmarks(b.path(), few);
  make_landmarks(c.path(), {.train = 4, .valid = 2, .test = 2, .seed = 1});
  for (const char* file : {"train.csv", "train_labels.csv", "valid.csv", "test.csv"})
    CHECK_EQ(tests::bytes_of(a / file), tests::bytes_of(b / file));
  CHECK_NE(tests::bytes_of(a / "train.csv"), tests::bytes_of(c / "train.csv"));
  CHECK(tests::message_of([&] {
          make_landmarks(a.path(), {.train = 0});
        }).find("make landmarks: expects at least one sample") == 0);
}
