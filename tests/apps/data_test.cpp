// lathe data: what it makes, sorts and counts.
#include <map>
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"
#include "tests/support.h"

using namespace lathe;
using tests::Outcome;
using tests::run_lathe;
namespace fs = std::filesystem;

TEST_CASE("data make: answers in words and JSON, and says when the disk is full") {
  const tests::ScratchFolder scratch;
  const tests::RunOptions here{.folder = scratch.path()};
  const std::vector<std::string> faces = {"data",   "make",    "faces",  "f",      "--train",
                                          "4",      "--valid", "2",      "--test", "2",
                                          "--size", "48",      "--seed", "3",      "--json"};
  const Outcome made = run_lathe(faces, here);
  REQUIRE_EQ(made.code, 0);
  CHECK_EQ(made.out, "{\"folder\":\"f\",\"train\":4,\"valid\":2,\"test\":2}\n");
  CHECK(fs::exists(scratch / "f/train/fake/0000_01.jpg"));
  CHECK(fs::exists(scratch / "f/test/real/0002_00.jpg"));
  const Outcome full = run_lathe({"data", "make", "faces", "g", "--train", "4"},
                                 {.folder = scratch.path(), .largest_file = 500});
  CHECK_EQ(full.code, 5);
  CHECK(full.err.find(".jpg: cannot be written: ") != std::string::npos);
}

namespace {

/// A folder with a folder a class: people are named by the digits in front of _.
void write_people(const fs::path& folder, int people, const std::string& end = ".jpg") {
  for (const char* label : {"fake", "real"})
    for (int person = 0; person < people; ++person)
      for (const char* picture : {"_0", "_1"}) {
        const fs::path file =
            folder / label / "deep" / ("p" + std::to_string(person) + picture + end);
        fs::create_directories(file.parent_path());
        tests::write_bytes(file, "x");
      }
}

nlohmann::json json_of(const fs::path& file) {
  return nlohmann::json::parse(tests::bytes_of(file));
}

}  // namespace

TEST_CASE("data split: a folder, with persons whole") {
  const tests::ScratchFolder scratch;
  const tests::RunOptions here{.folder = scratch.path()};
  write_people(scratch / "all", 20);
  const std::vector<std::string> split = {"data",    "split",    "all",    "-o",     "all/s",
                                          "--group", "p(\\d+)_", "--json", "--seed", "4"};
  const Outcome outcome = run_lathe(split, here);
  REQUIRE_EQ(outcome.code, 0);
  CHECK_EQ(outcome.out, "{\"train\":64,\"valid\":8,\"test\":8,\"groups\":20}\n");
  CHECK(outcome.err.find("train: 64 images (fake 32, real 32)") == 0);
  std::map<std::string, std::string> part_of;
  for (const std::string part : {"train", "valid", "test"}) {
    const nlohmann::json split_file = json_of(scratch / "all/s" / (part + ".json"));
    for (const auto& [key, item] : split_file.items()) {
      const std::string path = item["img_paths"], group = item["group"];
      CHECK(path.find("/p" + group + "_") != std::string::npos);
      CHECK(fs::path(path).is_absolute());  // beside the splits' folder, not below it
      CHECK_EQ(item["label"].get<int>(), path.find("/real/") != std::string::npos ? 1 : 0);
      CHECK_EQ(part_of.emplace(group, part).first->second, part);
    }
  }
  CHECK_EQ(part_of.size(), 20);
  const std::string before = tests::bytes_of(scratch / "all/s/test.json");
  run_lathe(split, here);
  CHECK_EQ(tests::bytes_of(scratch / "all/s/test.json"), before);

  // Split again from what was written, as CSV, without a test set.
  const Outcome again = run_lathe({"data", "split", "all/s/train.json", "-o", ".", "--format",
                                   "csv", "--ratios", "0.75,0.25,0", "--json", "--quiet"},
                                  here);
  REQUIRE_EQ(again.code, 0);
  CHECK_EQ(again.out, "{\"train\":48,\"valid\":16,\"test\":0,\"groups\":16}\n");
  CHECK(tests::bytes_of(scratch / "valid.csv").find("path,label,group\nall/") == 0);
  CHECK_FALSE(fs::exists(scratch / "test.csv"));
}

TEST_CASE("data split: folders to labels, the same face of each in the same part") {
  const tests::ScratchFolder scratch;
  const tests::RunOptions here{.folder = scratch.path()};
  for (const char* folder : {"fake_deepfake", "fake_face2face", "real"}) {
    fs::create_directories(scratch / folder);
    for (int i = 0; i < 40; ++i)
      tests::write_bytes(scratch / folder / (std::to_string(i) + ".png"), "x");
  }
  const Outcome outcome =
      run_lathe({"data", "split", "--folder", "fake_deepfake=fake", "--folder",
                 "fake_face2face=fake", "--folder", "real=real", "-o", ".", "--group", "stem"},
                here);
  REQUIRE_EQ(outcome.code, 0);
  CHECK(outcome.err.find("train: 96 images (fake 64, real 32)\nvalid: 12 images (fake 8, real 4)\n"
                         "test: 12 images (fake 8, real 4)\n40 groups") == 0);
  std::map<std::string, int> of_stem;
  const nlohmann::json valid = json_of(scratch / "valid.json");
  for (const auto& [key, item] : valid.items()) {
    CHECK(fs::exists(scratch / item["img_paths"].get<std::string>()));
    ++of_stem[item["group"]];
  }
  for (const auto& [stem, count] : of_stem) CHECK_EQ(count, 3);
}

TEST_CASE("data split: mistakes are answered and nothing is written") {
  const tests::ScratchFolder scratch;
  const tests::RunOptions here{.folder = scratch.path()};
  write_people(scratch / "all", 3);
  write_people(scratch / "twice", 2);
  fs::create_symlink("p0_0.jpg", scratch / "twice/fake/deep/again.jpg");
  write_people(scratch / "names", 2, "\xff.jpg");
  fs::create_directories(scratch / "empty");
  const auto split = [&](std::vector<std::string> words) {
    for (const char* word : {"split", "data"}) words.insert(words.begin(), word);
    return run_lathe(words, here);
  };
  const auto refused = [&](int code, const std::string& message, std::vector<std::string> words) {
    words.insert(words.end(), {"-o", "out"});
    const Outcome outcome = split(words);
    INFO(message, " | ", outcome.err);
    CHECK_EQ(outcome.code, code);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK_FALSE(fs::exists(scratch / "out/train.json"));
  };
  refused(3, "empty: holds no image", {"empty"});
  refused(3, "got one class", {"--folder", "all/fake=fake"});
  refused(3, "got 2 for 3 parts", {"all", "--group", "_(\\d)"});
  refused(2, "ratios whose sum is 1", {"all", "--ratios", "0.8,0.1,0.2"});
  refused(2, "--ratios: expects three numbers", {"all", "--ratios", "0.9,0.1"});
  refused(2, "--ratios: 'x' is no number", {"all", "--ratios", "0.9,x,0"});
  refused(3, "are the same file", {"twice"});
  refused(3, "is there twice", {"--folder", "all/fake=fake", "--folder", "all/fake=real"});
  refused(3, "is found in none of its paths", {"all", "--group", "video(\\d+)"});
  refused(2, "is no regular expression", {"all", "--group", "(p"});
  refused(3, "is not UTF-8", {"names"});
  refused(3, "nowhere", {"nowhere"});
  refused(3, "nowhere: there is no such folder", {"--folder", "nowhere=fake"});
  refused(2, "--folder: expects DIR=LABEL, got 'all'", {"--folder", "all"});
  refused(2, "not both", {"all", "--folder", "all/fake=fake"});
  refused(2, "expects a folder or a CSV file", {});
  refused(2, "--format: has no value 'jsn'; expects json or csv; did you mean 'json'?",
          {"all", "--format", "jsn"});
  CHECK_EQ(split({"all"}).code, 2);
  REQUIRE_EQ(split({"all", "-o", "out"}).code, 0);
  CHECK_EQ(split({"all", "-o", "out", "--ratios", "0.5,0.5,0"}).err.find("out/test.json: is there"),
           std::string("lathe: ").size());
}

TEST_CASE("data stats: of folders, of the folders train, valid and test, in words and JSON") {
  const tests::ScratchFolder scratch;
  const tests::RunOptions here{.folder = scratch.path()};
  REQUIRE_EQ(run_lathe({"data", "make", "faces", "f", "--train", "6", "--valid", "2", "--test", "2",
                        "--size", "40"},
                       here)
                 .code,
             0);
  tests::write_bytes(scratch / "f/train/real/cut.jpg",
                     tests::bytes_of(scratch / "f/train/real/0000_00.jpg").substr(0, 700));
  const Outcome outcome = run_lathe({"data", "stats", "f", "--json"}, here);
  REQUIRE_EQ(outcome.code, 0);
  const auto all = nlohmann::json::parse(outcome.out);
  CHECK_EQ(all["train"]["images"], 6);
  CHECK_EQ(all["train"]["classes"]["real"]["images"], 3);
  CHECK_EQ(all["test"]["width"]["median"], 40);
  REQUIRE_EQ(all["train"]["bad"].size(), 1);
  CHECK_EQ(all["train"]["bad"][0]["path"], "f/train/real/cut.jpg");
  const double mean = all["train"]["mean"][0];
  CHECK(mean > 0.1);
  CHECK(mean < 0.9);
  const Outcome words = run_lathe({"data", "stats", "f/train"}, here);
  CHECK(words.out.find("6 images\n  fake                3   50.0 %\n") == 0);
  CHECK(words.out.find("1 cannot be read:\n    f/train/real/cut.jpg: ") != std::string::npos);
  CHECK_EQ(run_lathe({"data", "stats", "nowhere"}, here).code, 3);

  // What is hidden is no class, as for all who read images.
  for (const char* hidden : {"f/.cache", "f/.git/objects", "f/train/.thumbnails"}) {
    fs::create_directories(scratch / hidden);
    fs::copy(scratch / "f/train/real/0000_00.jpg", scratch / hidden / "a.jpg");
  }
  const Outcome again = run_lathe({"data", "stats", "f", "--json"}, here);
  CHECK_MESSAGE(again.out == outcome.out, again.err);
}
