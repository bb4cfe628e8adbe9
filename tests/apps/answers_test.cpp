// What the program answers, as people and other programs read it: errors as JSON, results that
// cannot be written, files for results, --help.
#include <nlohmann/json.hpp>

#include "tests/apps/workshop.h"

using namespace lathe;
using namespace lathe::tests;

TEST_CASE("with --json an error is an object that says where") {
  const Workshop workshop;
  auto error = [&](const Words& command) {
    return nlohmann::json::parse(workshop.lathe(command).out)["error"];
  };
  const auto cell = error(with(set("data.train.features=text_cell.csv"), {"--json"}));
  CHECK_EQ(cell["kind"], "data");
  CHECK_EQ(cell["line"], 3);
  CHECK_EQ(fs::path(cell["file"].get<std::string>()).filename(), "text_cell.csv");
  const auto key = error({"train", "wrong_type.toml", "--json"});
  CHECK_EQ(key["kind"], "usage");
  CHECK_EQ(key["line"], 3);
  CHECK_EQ(error({"trian", "--json"})["file"], nullptr);
}

TEST_CASE("weights that do not fit: missing, unexpected and mismatched are listed together") {
  const Workshop workshop;
  const std::string message = workshop.lathe(set("init.weights=other.safetensors")).err;
  for (const char* part :
       {"fc1.bias", "fc2.weight", "fc9.bias", "fc1.weight (expects (8, 2176), got (2,))"})
    CHECK_NE(message.find(part), std::string::npos);
}

TEST_CASE("weights that say nothing about themselves: the model's outputs say how many classes") {
  const Workshop workshop;
  const tests::Outcome predicted = workshop.lathe(bare("predict", {"images.idx", "--json"}));
  REQUIRE_MESSAGE(predicted.code == 0, predicted.err);
  const auto line = nlohmann::json::parse(predicted.out.substr(0, predicted.out.find('\n')));
  CHECK_EQ(line["probabilities"].size(), 10);
  const tests::Outcome evaluated =
      workshop.lathe(bare("eval", {"--split", "test", "--json", "--num-classes", "10", "--set",
                                   "data.test={images=\"images.idx\",labels=\"labels.idx\"}"}));
  REQUIRE_MESSAGE(evaluated.code == 0, evaluated.err);
  CHECK_EQ(nlohmann::json::parse(evaluated.out)["confusion"].size(), 10);
}

TEST_CASE("results that cannot be written are an error") {
  if (!fs::exists("/dev/full")) return tests::skip("full stdout", "there is no /dev/full");
  const Workshop workshop;
  for (const Words& words : {Words{"env"},
                             {"kernels", "--json"},
                             {"summary", "mlp"},
                             {"--help"},
                             {"train", "--help-recipe"},
                             {"predict", "runs/train/small", "data/test.csv"},
                             {"eval", "runs/train/small"}}) {
    const tests::Outcome outcome =
        tests::run_lathe(words, {.folder = workshop.scratch.path(), .out = "/dev/full"});
    INFO(words[0]);
    CHECK_EQ(outcome.code, 5);
    CHECK_NE(outcome.err.find("stdout: the results cannot be written"), std::string::npos);
  }
}

TEST_CASE("predict --output: links and devices stay what they are, - is stdout") {
  const Workshop workshop;
  const fs::path folder = workshop.scratch.path();
  const Words words = {"predict", "runs/train/small", "data/test.csv", "--output"};
  const std::string lines = workshop.lathe(with(words, {"-"})).out;
  CHECK_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  fs::create_symlink("elsewhere/real.csv", folder / "link.csv");
  fs::create_directories(folder / "elsewhere");
  for (int i = 0; i < 2; ++i) {  // the file is not there at first
    CHECK_EQ(workshop.lathe(with(words, {"link.csv"})).code, 0);
    CHECK(fs::is_symlink(folder / "link.csv"));
    CHECK_EQ(bytes_of(folder / "elsewhere/real.csv"), lines);
  }
  CHECK_EQ(workshop.lathe(with(words, {"/dev/null"})).code, 0);
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_EQ(workshop.lathe(with(words, {"/dev/full"})).code, 5);
}

TEST_CASE("LATHE_VARIANT that names no kernel or row is refused") {
  for (const auto& [variant, message] :
       {std::pair("matmull=reference", "there is no kernel 'matmull'; did you mean 'matmul'?"),
        {"*=refrence", "no kernel has a row 'refrence'; did you mean 'reference'?"}}) {
    const tests::Outcome outcome =
        tests::run_lathe({"bench", "mlp", "--steps", "1"},
                         {.environment = {std::string("LATHE_VARIANT=") + variant}});
    CHECK_EQ(outcome.code, 2);
    CHECK_NE(outcome.err.find(message), std::string::npos);
  }
}

TEST_CASE("summary and bench take a model of two outputs") {
  for (const char* command : {"summary", "bench"}) {
    const tests::Outcome outcome =
        tests::run_lathe({command, "mlp", "--set", "model.outputs=2", "--set", "model.inputs=4"});
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
  }
}

TEST_CASE("--help shows the default of every option that has one") {
  const std::string help = tests::run_lathe({"train", "--help"}).out +
                           tests::run_lathe({"eval", "--help"}).out +
                           tests::run_lathe({"bench", "--help"}).out;
  for (const char* option :
       {"--seed N [the recipe's, else 0]", "--dtype TEXT [the recipe's, else f32]",
        "--name TEXT [the recipe's name]", "--resume TEXT [none: a new run]",
        "--split TEXT ... [valid and test]", "--report TEXT [none]",
        "--optimizer TEXT [the recipe's, else adam]"})
    CHECK_MESSAGE(help.find(option) != std::string::npos, option);
}

TEST_CASE("eval --report writes the metrics and a line for each sample") {
  const Workshop workshop;
  const tests::Outcome outcome =
      workshop.lathe({"eval", "runs/train/small", "--report", "report/new"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const fs::path folder = workshop.scratch / "report/new";
  const auto metrics = nlohmann::json::parse(bytes_of(folder / "metrics.json"));
  CHECK_EQ(metrics["valid"]["samples"], 4);
  CHECK(fs::exists(folder / "metrics.txt"));
  std::istringstream lines(bytes_of(folder / "predictions.csv"));
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK_EQ(line, "split,index,label,class,p(real)");
  int count = 0;
  for (; std::getline(lines, line); ++count) {
    const std::string start = (count < 4 ? "valid," : "test,") + std::to_string(count % 4) + ",";
    CHECK_EQ(line.substr(0, start.size()), start);
    const double p = std::stod(line.substr(line.rfind(',') + 1));
    CHECK_EQ(line.find(",real,0") != line.npos || line.find(",real,1") != line.npos, p > 0.5);
  }
  CHECK_EQ(count, 8);
}
