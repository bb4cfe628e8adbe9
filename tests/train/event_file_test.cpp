#include "train/event_file.h"

#include "tests/train/event_reader.h"
#include "train/confusion_image.h"

using namespace lathe;
using tests::EventRead;
using tests::read_events;

namespace fs = std::filesystem;

TEST_CASE("events: CRC-32C of the check string, and its mask") {
  CHECK_EQ(tests::crc32c("123456789"), 0xE3069283);  // the value of RFC 3720's polynomial
  CHECK_EQ(masked_crc("123456789"), uint32_t((0xE3069283u >> 15 | 0xE3069283u << 17) + 0xa282ead8));
}

TEST_CASE("events: scalars, images and histograms read back") {
  const tests::ScratchFolder scratch;
  EventFile file(scratch / "tb");
  file.scalar("loss/step", 3, 0.25);
  file.scalar("lr", 1, std::nan(""));  // was not measured
  file.image("picture", 2, draw_confusion({{3, 1}, {0, 2}}));
  file.histogram("weights", 4, {-1, 0, 0.01, 2});
  file.histogram("none", 4, {});
  file.histogram("one", 5, {7, 7});
  const std::vector<fs::path> files = tests::files_of(scratch / "tb");
  REQUIRE_EQ(files.size(), 1);
  const std::vector<EventRead> events = read_events(files[0]);  // while it is still open
  REQUIRE_EQ(events.size(), 5);
  CHECK_EQ(events[0].version, "brain.Event:2");
  CHECK_GT(events[0].wall_time, 1.6e9);
  CHECK_EQ(events[1].tag, "loss/step");
  CHECK_EQ(events[1].step, 3);
  CHECK_EQ(events[1].value, 0.25);

  const auto image = tests::fields(events[2].image);
  REQUIRE_EQ(image.size(), 4);
  CHECK_EQ(tests::number_of<int64_t>(image[0].second), 112);
  CHECK_EQ(tests::number_of<int64_t>(image[1].second), 112);
  const auto* png = reinterpret_cast<const std::byte*>(image[3].second.data());
  CHECK(decode_image({png, image[3].second.size()}, "picture") == draw_confusion({{3, 1}, {0, 2}}));

  const auto histogram = tests::fields(events[3].histogram);
  REQUIRE_EQ(histogram.size(), 7);
  const std::vector<double> facts = {-1, 2, 4, 1.01, 5.0001};
  for (size_t i = 0; i < facts.size(); ++i)
    CHECK_EQ(tests::number_of<double>(histogram[i].second), doctest::Approx(facts[i]));
  REQUIRE_EQ(histogram[6].second.size(), 30 * 8);
  auto bucket = [&](size_t i) {
    return tests::number_of<double>(histogram[6].second.substr(8 * i, 8));
  };
  CHECK_EQ(bucket(0), 1);
  CHECK_EQ(bucket(10), 2);
  CHECK_EQ(bucket(29), 1);
  CHECK_EQ(events[4].tag, "one");
}

TEST_CASE("events: a later file sorts behind, and cutting leaves what came before a moment") {
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "tb";
  {
    EventFile first(folder);
    for (int64_t step : {1, 2, 3}) first.scalar("loss/step", step, double(step));
    first.scalar("loss/train", 1, 10);
    first.scalar("loss/step", 4, 4);
  }
  EventFile(folder).scalar("loss/step", 5, 5);
  const std::vector<fs::path> files = tests::files_of(folder);
  REQUIRE_EQ(files.size(), 2);
  CHECK_EQ(read_events(files[0]).size(), 6);
  CHECK_EQ(read_events(files[1]).at(1).step, 5);

  std::ofstream(files[1], std::ios::app) << "cut off";
  cut_events(folder, 5, 1);
  CHECK_EQ(tests::read_scalars(folder)["loss/step"].size(), 5);
  CHECK_EQ(tests::bytes_of(files[1]).find("cut off"), std::string::npos);
  cut_events(folder, 4, 1);
  CHECK_EQ(tests::read_scalars(folder)["loss/step"].size(), 4);
  CHECK_EQ(tests::read_scalars(folder)["loss/train"].size(), 1);
  cut_events(folder, 3, 0);  // stopped between the last step of an epoch and its end
  CHECK_EQ(tests::read_scalars(folder)["loss/step"].size(), 3);
  CHECK_EQ(tests::read_scalars(folder).count("loss/train"), 0);

  tests::write_bytes(folder / "notes.txt", "mine");
  tests::write_bytes(folder / "events.out.tfevents.1.other", "what somebody else put there");
  cut_events(folder, 0, 0);
  cut_events(scratch / "none", 0, 0);
  CHECK_EQ(tests::bytes_of(folder / "events.out.tfevents.1.other").size(), 28);
  remove_events(folder);
  CHECK_EQ(tests::files_of(folder).size(), 1);
}

TEST_CASE("events: a file that TensorFlow wrote") {
  const fs::path folder = tests::real_data("tensorboard");
  if (folder.empty()) return tests::skip("TensorFlow's events", "there is no such file here");
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::vector<EventRead> events = read_events(entry.path());
    CHECK_EQ(events.at(0).version.substr(0, 12), "brain.Event:");
    CHECK_GT(events.size(), 40);
    const tests::ScratchFolder scratch;  // our own reader, too, goes through to its end
    fs::copy(entry.path(), scratch.path());
    cut_events(scratch.path(), INT64_MAX, INT64_MAX);
    CHECK_EQ(fs::file_size(scratch / entry.path().filename().string()), entry.file_size());
  }
}

TEST_CASE("a confusion matrix as a picture: shades by row, digits where there is room") {
  const Image image = draw_confusion({{90, 10}, {0, 0}});
  CHECK_EQ(image.width, 112);
  CHECK_LT(image.row(2)[3 * 2], 60);    // nine tenths of the row
  CHECK_GT(image.row(2)[3 * 60], 220);  // one tenth
  CHECK_EQ(image.row(60)[3 * 2], 255);  // a row without samples
  CHECK_EQ(draw_confusion(Confusion(200, std::vector<int64_t>(200, 1234))).width, 400);
}
