// lathe data: what it makes, sorts and counts.
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
