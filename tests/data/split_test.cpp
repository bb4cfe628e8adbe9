// Samples to parts, and the files that say so.
#include "data/split.h"

#include <algorithm>
#include <map>
#include <set>

#include "data/write_split.h"
#include "tests/support.h"

using namespace lathe;
using tests::message_of;

namespace {

struct Samples {
  std::vector<int64_t> labels;
  std::vector<std::string> groups, names;

  void add(int64_t label, const std::string& group) {
    labels.push_back(label);
    groups.push_back(group);
    names.push_back("image " + std::to_string(names.size()));
  }
  std::vector<int> split(const std::vector<double>& ratios, uint64_t seed = 0) const {
    return split_samples(labels, groups, names, ratios, seed);
  }
};

/// counts[part][label]
std::vector<std::vector<int64_t>> counts(const Samples& samples, const std::vector<int>& part_of,
                                         size_t parts, size_t classes) {
  std::vector<std::vector<int64_t>> result(parts, std::vector<int64_t>(classes));
  for (size_t i = 0; i < part_of.size(); ++i)
    ++result[size_t(part_of[i])][size_t(samples.labels[i])];
  return result;
}

/// No group in two parts.
bool whole(const Samples& samples, const std::vector<int>& part_of) {
  std::map<std::string, int> part_of_group;
  for (size_t i = 0; i < part_of.size(); ++i)
    if (part_of_group.emplace(samples.groups[i], part_of[i]).first->second != part_of[i])
      return false;
  return true;
}

using Counts = std::vector<std::vector<int64_t>>;
const std::vector<double> usual = {0.8, 0.1, 0.1};

}  // namespace

TEST_CASE("split: the same face of three folders comes into the same part, as system 1 has it") {
  Samples samples;
  for (int64_t folder : {0, 0, 1})  // two kinds of fakes, and real
    for (int i = 0; i < 4000; ++i) samples.add(folder, std::to_string(i));
  const std::vector<int> part_of = samples.split(usual);
  CHECK(whole(samples, part_of));
  CHECK_EQ(counts(samples, part_of, 3, 2), Counts{{6400, 3200}, {800, 400}, {800, 400}});
  CHECK_NE(part_of, samples.split(usual, 1));
  // In random order, not the first 3200.
  CHECK(std::count(part_of.begin(), part_of.begin() + 2000, 0) < 1700);
  CHECK(std::count(part_of.begin(), part_of.begin() + 2000, 0) > 1500);
}

TEST_CASE("split: each class has its shares, rounded, whatever the samples' order") {
  Samples samples, backwards;
  for (int i = 0; i < 103; ++i) samples.add(i < 90 ? 0 : 1, "");
  for (int ratio = 0; ratio < 3; ++ratio) {
    const std::vector<double> ratios = std::vector<std::vector<double>>{
        usual, {0.9, 0.1, 0}, {1.0 / 3, 1.0 / 3, 1.0 / 3}}[size_t(ratio)];
    const std::vector<int> part_of = samples.split(ratios, 7);
    const Counts found = counts(samples, part_of, 3, 2);
    for (size_t part = 0; part < 3; ++part)
      for (size_t label = 0; label < 2; ++label) {
        const double wanted = ratios[part] * (label == 0 ? 90 : 13);
        CHECK(std::abs(double(found[part][label]) - wanted) < 1);
      }
  }
  for (size_t i = 103; i-- > 0;) {
    backwards.labels.push_back(samples.labels[i]);
    backwards.groups.push_back("");
    backwards.names.push_back(samples.names[i]);
  }
  std::vector<int> reversed = backwards.split(usual);
  std::reverse(reversed.begin(), reversed.end());
  CHECK_EQ(samples.split(usual), reversed);
}

TEST_CASE("split: groups of any size stay whole, and no part stays empty") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    INFO(seed);
    Samples samples;
    for (int group = 0; group < 120; ++group)
      for (int i = 0; i < 1 + (group * 7) % 13; ++i)
        samples.add(group % 3 == 0, "video " + std::to_string(group));
    const std::vector<int> part_of = samples.split(usual, seed);
    CHECK(whole(samples, part_of));
    const Counts found = counts(samples, part_of, 3, 2);
    for (size_t label = 0; label < 2; ++label) {
      const double all = double(found[0][label] + found[1][label] + found[2][label]);
      CHECK(double(found[0][label]) / all == doctest::Approx(0.8).epsilon(0.03));
      CHECK(double(found[1][label]) / all == doctest::Approx(0.1).epsilon(0.15));
    }
    Samples few;
    for (int group = 0; group < 3; ++group)
      for (int i = 0; i < 5; ++i) few.add(i % 2, std::to_string(group));
    const std::vector<int> parts = few.split({0.98, 0.01, 0.01}, seed);
    CHECK_EQ(std::set<int>(parts.begin(), parts.end()).size(), 3);
    CHECK(whole(few, parts));
  }
}

TEST_CASE("split: what cannot be split is refused") {
  Samples samples;
  CHECK(message_of([&] { samples.split(usual); }) ==
        "split: expects samples of two classes at least, got none");
  for (int i = 0; i < 4; ++i) samples.add(1, "");
  CHECK(message_of([&] { samples.split(usual); }) ==
        "split: expects samples of two classes at least, got one class");
  samples.add(0, "");
  CHECK(message_of([&] {
          samples.split({0.8, 0.1, 0.2});
        }) == "split: expects ratios whose sum is 1, got 1.1");
  CHECK(message_of([&] {
          samples.split({1.1, -0.2, 0.1});
        }) == "split: expects ratios from 0 to 1, got 1.1");
  CHECK(message_of([&] { samples.split({NAN, 0, 1}); }).find("split: expects ratios") == 0);
  Samples two;
  for (int i = 0; i < 10; ++i) two.add(i % 2, i < 5 ? "a" : "b");
  CHECK(message_of([&] { two.split(usual); }) ==
        "split: expects at least as many groups as parts, got 2 for 3 parts");
}

TEST_CASE("split: the JSON is what Python writes, and is read again") {
  const tests::ScratchFolder folder;
  std::filesystem::create_directories(folder / "faces");
  ImageList list{{}, {"fake", "real"}};
  for (int i = 0; i < 11; ++i) {
    const auto file = folder / ("faces/é" + std::to_string(i) + ".jpg");
    list.items.push_back({tests::write_bytes(file, "x"), i % 2, i == 0 ? "one" : ""});
  }
  list.items[1].path = tests::write_bytes(folder / "apart.jpg", "x");
  const auto file = folder / "faces/train.json";
  write_image_json(file, list);
  const std::string text = tests::bytes_of(file);
  const std::string apart = (folder / "apart.jpg").string();
  CHECK(text.find(R"({
    "0": {
        "class": "fake",
        "group": "one",
        "img_paths": "\u00e90.jpg",
        "label": 0
    },
    "1": {
        "class": "real",
        "img_paths": ")" +
                  apart + R"(",
        "label": 1
    },
    "10": {
        "class": "fake",
        "img_paths": "\u00e910.jpg",
        "label": 0
    },
    "2": {)") == 0);

  const auto csv = folder / "faces/train.csv";
  write_image_csv(csv, list);
  CHECK(tests::bytes_of(csv).find("path,label,group\né0.jpg,fake,one\n" + apart +
                                  ",real,\né2.jpg,fake,\n") == 0);
  for (const auto& split : {file, csv}) {
    const ImageList again = list_images({split});
    REQUIRE_EQ(again.items.size(), list.items.size());
    for (size_t i = 0; i < list.items.size(); ++i) {
      CHECK_EQ(again.items[i].path, list.items[i].path);
      CHECK_EQ(again.items[i].label, list.items[i].label);
      CHECK_EQ(again.items[i].group, list.items[i].group);
    }
  }
  check_all_differ(list);
  std::filesystem::create_symlink("apart.jpg", folder / "link.jpg");
  list.items.push_back({folder / "link.jpg", 0, ""});
  CHECK(message_of([&] { check_all_differ(list); }) ==
        "expects each image once; " + apart + " and " + (folder / "link.jpg").string() +
            " are the same file");
}
