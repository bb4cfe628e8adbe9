// From images to features to a head, and folds, as a user does it.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/features.h"
#include "layers/layer_output.h"
#include "models/registry.h"
#include "tensor/random.h"
#include "tensor/serialize/weights_file.h"
#include "tests/apps/training_task.h"
#include "tests/data/picture.h"

using namespace lathe;
using nlohmann::json;
using tests::run_lathe;
using tests::write_bytes;
namespace fs = std::filesystem;

namespace {

const char* const recipe_text = R"(
[data]
kind = "images"
train = "faces"
group = "p([0-9])_"
[[transform.train]]
name = "RandomCrop"
size = 16
[[transform.eval]]
name = "CenterCrop"
size = 16
[model]
name = "small_cnn"
[loss]
name = "cross_entropy"
[init]
weights = "small.safetensors"
[train]
batch_size = 4
)";

/// Ten pictures of two classes, weights of a small_cnn, and a recipe of both.
struct Workshop {
  Workshop() {
    for (int i = 0; i < 10; ++i)
      tests::write_picture(
          folder / (i % 2 ? "faces/real" : "faces/fake") / concat("p", i / 4, "_", i, ".png"),
          tests::picture(18, 20, i));
    write_bytes(folder / "r.toml", recipe_text);
    model = create_model("small_cnn");
    std::vector<StoredTensor> tensors;
    for (const NamedTensor& t : model->state_dict())
      tensors.push_back({t.name, to_file_layout(t.tensor, t.layout)});
    write_weights(folder / "small.safetensors", tensors);
  }
  tests::Outcome run(std::vector<std::string> words, tests::RunOptions options = {}) const {
    options.folder = folder.path();
    return run_lathe(words, options);
  }
  tests::Outcome extract(std::vector<std::string> more, tests::RunOptions options = {}) const {
    std::vector<std::string> words = {"extract", "r.toml", "faces", "--layer", "bn4.input"};
    words.back() = "fc.input";
    words.insert(words.end(), more.begin(), more.end());
    return run(words, options);
  }
  tests::ScratchFolder folder;
  std::unique_ptr<Module> model;
};

}  // namespace

TEST_CASE("a layer's output, and what a layer is given") {
  const auto model = create_model("resnet18", {{"num_classes", "3"}});
  model->inference();
  Tensor x = Tensor::empty({2, 40, 40, 3}, DType::f32);
  uniform_(x, -1, 1, RandomStream(1, Purpose::test));
  const Tensor pooled = layer_output(*model, "fc.input", x);
  CHECK(pooled.shape() == Shape({2, 512}));
  CHECK(layer_output(*model, "layer3", x).shape() == Shape({2, 3, 3, 256}));
  const auto tail = create_model("resnet18", {{"num_classes", "3"}, {"first_layer", "4"}});
  std::vector<NamedTensor> weights;
  for (const NamedTensor& t : model->state_dict())
    if (t.name.starts_with("layer4") || t.name.starts_with("fc")) weights.push_back(t);
  tail->load_state_dict(weights);
  tail->inference();
  CHECK(tests::error((*tail)(layer_output(*model, "layer3", x)), (*model)(x)) <= 1e-6);
  CHECK(tests::message_of([&] {
          layer_output(*model, "layr3", x);
        }).starts_with("layer: the model has no layer 'layr3'; did you mean 'layer3'?"));
  CHECK(tests::message_of([&] {
          layer_output(*model, "layer1.0.conv1", x);
        }).ends_with("has no output of its own; take the block around it, such as 'layer1.0'"));
}

TEST_CASE("extract: rows in order with labels, groups and paths; f16; copies; read again") {
  const Workshop shop;
  const auto outcome = shop.extract({"-o", "f.safetensors", "--json"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(json::parse(outcome.out)["rows"] == 10);
  const FeatureDataset data(shop.folder / "f.safetensors", "");
  CHECK(data.size() == 10);
  CHECK(data.sample_shape() == Shape({128}));
  CHECK(data.class_names() == std::vector<std::string>{"fake", "real"});
  CHECK(data.label(4) == 0);
  CHECK(data.label(5) == 1);
  CHECK(data.group(9) == "2");
  CHECK(data.source(0).ends_with("p0_0.png"));
  std::vector<float> row(128);
  data.fill(7, 0, row.data());
  CHECK(*std::max_element(row.begin(), row.end()) > 0);

  REQUIRE(shop.extract({"-o", "half.safetensors", "--dtype", "f16"}).code == 0);
  const FeatureDataset half(shop.folder / "half.safetensors", "", DType::f64);
  std::vector<double> same(128);
  half.fill(7, 0, same.data());
  for (size_t i = 0; i < row.size(); ++i) CHECK(same[i] == doctest::Approx(row[i]).epsilon(0.001));

  // --dtype wins over the recipe's.
  REQUIRE(
      shop.extract({"-o", "f32.safetensors", "--set", "train.dtype=f64", "--dtype", "f32"}).code ==
      0);
  CHECK(tests::bytes_of(shop.folder / "f32.safetensors") ==
        tests::bytes_of(shop.folder / "f.safetensors"));

  CHECK_NE(shop.run({"extract", "r.toml", "faces"}).err.find("extract: expects --layer NAME"),
           std::string::npos);
  const auto nowhere = shop.extract({"-o", "no/f.safetensors"});
  CHECK(nowhere.code == 2);
  CHECK_NE(nowhere.err.find("--output: there is no folder "), std::string::npos);
  REQUIRE(shop.extract({"-o", "maps.safetensors", "--layer", "fc.input", "--augment", "3"}).code ==
          2);  // --layer twice
  REQUIRE(shop.extract({"-o", "copies.safetensors", "--augment", "3"}).code == 0);
  const FeatureDataset copies(shop.folder / "copies.safetensors", "");
  CHECK(copies.size() == 30);
  CHECK(copies.source(5) == data.source(1));
  CHECK(copies.group(29) == "2");
}

TEST_CASE("features of the same photos on two sides are refused; those of classes and files told") {
  const Workshop shop;
  REQUIRE(shop.extract({"-o", "a.safetensors"}).code == 0);
  const std::string head =
      "[data]\nkind = \"features\"\ntrain = \"a.safetensors\"\n"
      "valid = \"a.safetensors\"\n[model]\nname = \"mlp\"\ninputs = 128\n"
      "hidden = []\noutputs = 1\n[train]\nepochs = 1\n";
  write_bytes(shop.folder / "head.toml", head);
  const auto both = shop.run({"train", "head.toml"});
  CHECK(both.code == 3);
  CHECK(both.err.find("data.train and data.valid: expects each file in one of them only") !=
        std::string::npos);
  REQUIRE(shop.run({"train", "head.toml", "--set", "data.valid=[]", "--name", "h"}).code == 0);
  const auto lines = shop.run({"predict", "runs/train/h", "a.safetensors"});
  CHECK_MESSAGE(std::count(lines.out.begin(), lines.out.end(), '\n') == 11, lines.err);
  const auto not_finite = shop.run(
      {"train", "r.toml", "--set", "transform.train=[{name=\"CenterCrop\", size=16, p=nan}]"});
  CHECK(not_finite.code == 2);
  CHECK(not_finite.err.find("expects a finite number") != std::string::npos);
}

TEST_CASE("extract goes on after a full disk, to the same bytes, and refuses another beginning") {
  const Workshop shop;
  REQUIRE(shop.extract({"-o", "whole.safetensors"}).code == 0);
  const auto room = int64_t(fs::file_size(shop.folder / "whole.safetensors")) - 1500;
  const auto full = shop.extract({"-o", "f.safetensors"}, {.largest_file = room});
  CHECK(full.code == 5);
  CHECK(full.err.find("cannot be written after 4 of 10 rows") != std::string::npos);
  CHECK(!fs::exists(shop.folder / "f.safetensors"));
  REQUIRE(fs::exists(shop.folder / "f.safetensors.partial"));
  const auto other = shop.extract({"-o", "f.safetensors", "--dtype", "f16"});
  CHECK(other.code == 3);
  CHECK(other.err.find("holds the beginning of other features") != std::string::npos);
  const auto rest = shop.extract({"-o", "f.safetensors"});
  CHECK_MESSAGE(rest.code == 0, rest.err);
  CHECK(rest.err.find("4 are there") != std::string::npos);
  CHECK(tests::bytes_of(shop.folder / "f.safetensors") ==
        tests::bytes_of(shop.folder / "whole.safetensors"));
  CHECK(!fs::exists(shop.folder / "f.safetensors.partial"));
}

TEST_CASE("kfold: a fresh model a fold, groups on one side, mean and deviation") {
  const Workshop shop;
  const auto outcome = shop.run({"kfold", "r.toml", "-k", "3", "--set", "train.epochs=2", "--set",
                                 "data.group=", "--json", "--progress", "off", "--name", "a"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const json answer = json::parse(outcome.out.substr(outcome.out.rfind("{\"folds\"")));
  REQUIRE(answer["folds"].size() == 3);
  double mean = 0;
  for (const json& fold : answer["folds"]) mean += fold["valid_loss"].get<double>() / 3;
  CHECK(answer["mean"]["valid_loss"].get<double>() == doctest::Approx(mean));
  CHECK(answer["std"].contains("valid_accuracy"));
  const fs::path folder = shop.folder / "runs/kfold/a";
  for (const char* file :
       {"folds.csv", "summary.csv", "fold_1/weights/best.safetensors", "fold_3/results.csv"})
    CHECK_MESSAGE(fs::exists(folder / file), file);
  // A fold's run is a run like others: its recipe knows its fold.
  const auto again = shop.run({"eval", "runs/kfold/a/fold_2", "--split", "valid", "--json"});
  REQUIRE_MESSAGE(again.code == 0, again.err);
  CHECK(json::parse(again.out)["loss"].get<double>() ==
        doctest::Approx(answer["folds"][1]["valid_loss"].get<double>()).epsilon(1e-5));

  const auto grouped = shop.run({"kfold", "r.toml", "-k", "4", "--name", "b"});
  CHECK(grouped.code == 3);  // three groups
  CHECK(grouped.err.find("folds: expects at least 4 samples, or groups of them, of each class, the "
                         "class fake has 3") != std::string::npos);
  CHECK(shop.run({"kfold", "r.toml", "-k", "1"}).code == 2);
}

namespace {

/// A kfold of three folds that is stopped within its second one, in the folder runs/kfold/NAME.
void stop_within_second_fold(const Workshop& shop, const std::vector<std::string>& words,
                             const fs::path& folder, int signal) {
  tests::Process process(words, {.folder = shop.folder.path()});
  while (process.running() && (tests::lines_of(folder / "fold_2/results.csv") < 4 ||
                               !fs::exists(folder / "fold_2/weights/last.safetensors")))
    tests::wait_milliseconds(1);
  process.signal(signal);
  const tests::Outcome stopped = process.wait();
  CHECK_EQ(stopped.code, 128 + signal);
  CHECK_FALSE(fs::exists(folder / "summary.csv"));
  CHECK_FALSE(fs::exists(folder / "fold_3"));
  if (signal == SIGINT)
    CHECK_NE(stopped.err.find("lathe kfold --resume runs/kfold/"), std::string::npos);
}

/// The lines of a results.csv without the seconds.
std::string without_seconds(const fs::path& file) {
  std::istringstream in(tests::bytes_of(file));
  std::string line, cell, text;
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    for (int i = 0; std::getline(cells, cell, ','); ++i)
      if (i != 6) text += cell + ",";
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("kfold --resume: what is done is kept, the rest comes to the same bytes") {
  const Workshop shop;
  const auto words = [](const std::string& name) {
    return std::vector<std::string>{
        "kfold",  "r.toml", "-k",          "3",     "--name",          name,    "--progress",
        "off",    "--set",  "data.group=", "--set", "train.epochs=30", "--set", "log.plots=false",
        "--seed", "3"};
  };
  const auto whole = shop.run(words("whole"));
  REQUIRE_MESSAGE(whole.code == 0, whole.err);
  const fs::path all = shop.folder / "runs/kfold";
  for (const auto& [name, signal] : {std::pair("interrupted", SIGINT), {"killed", SIGKILL}}) {
    stop_within_second_fold(shop, words(name), all / name, signal);
    const std::string first = tests::bytes_of(all / name / "fold_1/results.csv");
    const auto rest =
        shop.run({"kfold", "--resume", "runs/kfold/" + std::string(name), "--progress", "off"});
    REQUIRE_MESSAGE(rest.code == 0, rest.err);
    CHECK_EQ(tests::bytes_of(all / name / "fold_1/results.csv"), first);  // its seconds too
    CHECK_EQ(rest.out.substr(0, rest.out.find("runs/")),
             whole.out.substr(0, whole.out.find("runs/")));
    for (const char* file : {"summary.csv", "folds.csv"})
      CHECK_EQ(tests::bytes_of(all / name / file), tests::bytes_of(all / "whole" / file));
    for (const std::string fold : {"fold_1", "fold_2", "fold_3"}) {
      for (const char* weights : {"weights/best.safetensors", "weights/last.safetensors"})
        CHECK(tests::bytes_of(all / name / fold / weights) ==
              tests::bytes_of(all / "whole" / fold / weights));
      CHECK_EQ(without_seconds(all / name / fold / "results.csv"),
               without_seconds(all / "whole" / fold / "results.csv"));
    }
  }
  const auto refused = [&](int code, const std::string& message, std::vector<std::string> more) {
    more.insert(more.begin(), "kfold");
    const auto outcome = shop.run(more);
    INFO(outcome.err);
    CHECK_EQ(outcome.code, code);
    CHECK_NE(outcome.err.find(message), std::string::npos);
  };
  refused(2, "kfold: expects a RECIPE, or --resume DIR", {});
  refused(
      2, "has no option 'clases'",
      {"r.toml", "--set", "data.group=", "-k", "3", "--name", "wrong", "--set", "model.clases=3"});
  CHECK_FALSE(fs::exists(all / "wrong"));
  refused(2, "beside it", {"--resume", "runs/kfold/whole", "-k", "3"});
  refused(2, "beside it", {"r.toml", "--resume", "runs/kfold/whole"});
  refused(3, "nowhere: there is no such folder of folds", {"--resume", "nowhere"});
  refused(3, "faces: is no folder of `lathe kfold`", {"--resume", "faces"});
  tests::write_picture(shop.folder / "faces/real/p0_new.png", tests::picture(18, 20, 99));
  refused(3, "folds.csv: the samples of data.train are not what they were",
          {"--resume", "runs/kfold/whole"});
}
