// Each image recipe of the project, from its file: trained on a few drawn faces, resumed, evaluated
// and asked for predictions. Pictures are smaller than the recipes say, everything else is theirs.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/registry.h"
#include "tensor/serialize/weights_file.h"
#include "tests/apps/program.h"
#include "tests/support.h"

using namespace lathe;
using nlohmann::json;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// A folder with faces and the recipes, made for small pictures.
class Studio {
 public:
  Studio() {
    const auto made = run({"data", "make", "faces", "data/generated/faces", "--train", "16",
                           "--valid", "8", "--test", "8", "--size", "64"});
    REQUIRE_MESSAGE(made.code == 0, made.err);
    fs::create_directories(folder_ / "recipes");
    for (const auto& entry : fs::directory_iterator(fs::path(LATHE_SOURCE) / "recipes")) {
      std::ifstream in(entry.path());
      std::ostringstream text;
      text << in.rdbuf();
      std::string small = text.str();
      for (const auto& [from, to] : {std::pair("256", "96"), {"224", "64"}, {"400", "64"}})
        small = replaced(small, from, to);
      tests::write_bytes(folder_ / "recipes" / entry.path().filename(), small);
    }
  }
  tests::Outcome run(const Words& words) const {
    return tests::run_lathe(words, {.folder = folder_.path()});
  }
  fs::path operator/(const std::string& path) const { return folder_ / path; }

  /// Trains an epoch, then another after a resume.
  void train(const std::string& recipe, const Words& settings) const {
    Words words = {"train",      "recipes/" + recipe + ".toml",
                   "--name",     recipe,
                   "--progress", "off",
                   "--set",      "train.epochs=1",
                   "--set",      "train.batch_size=4",
                   "--set",      "log.plots=false"};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    const auto first = run(words);
    REQUIRE_MESSAGE(first.code == 0, recipe, ": ", first.err);
    const auto second = run({"train", "--resume", "runs/train/" + recipe, "--set", "train.epochs=2",
                             "--progress", "off"});
    REQUIRE_MESSAGE(second.code == 0, recipe, ": ", second.err);
  }
  /// Measures it on the test data, which has `samples`.
  void evaluate(const std::string& recipe, int samples) const {
    const auto eval = run({"eval", "runs/train/" + recipe, "--split", "test", "--json"});
    REQUIRE_MESSAGE(eval.code == 0, recipe, ": ", eval.err);
    CHECK(json::parse(eval.out)["samples"] == samples);
  }
  void predict(const std::string& recipe) const {
    const auto lines = run({"predict", "runs/train/" + recipe, "data/generated/faces/test/real"});
    REQUIRE_MESSAGE(lines.code == 0, recipe, ": ", lines.err);
    CHECK(std::count(lines.out.begin(), lines.out.end(), '\n') == 1 + 4);
  }

 private:
  tests::ScratchFolder folder_;
};

}  // namespace

TEST_CASE("recipes of images train, go on, evaluate and predict") {
  const Studio studio;
  const std::map<std::string, Words> recipes = {{"faces_small", {}},
                                                {"face_cnn", {"model.image_size=96"}},
                                                {"resnet50_finetune", {"init.weights=[]"}},
                                                {"inception_v3_finetune", {"init.weights=[]"}},
                                                {"efficientnetv2_m_partial", {"init.weights=[]"}}};
  for (const auto& [recipe, settings] : recipes) {
    if (tests::slow_build && recipe != "faces_small") continue;
    CAPTURE(recipe);
    studio.train(recipe, settings);
    studio.evaluate(recipe, 8);
    studio.predict(recipe);
  }
}

TEST_CASE("recipes of features: pooled and whole maps, heads, folds, layer4 alone") {
  if (tests::slow_build) return tests::skip("recipes of features", "too slow in this build");
  const Studio studio;
  fs::create_directories(studio / "data/weights");
  fs::create_directories(studio / "data/features");
  std::vector<StoredTensor> tensors;
  const auto model = create_model("resnext50_32x4d");
  for (const NamedTensor& t : model->state_dict())
    tensors.push_back({t.name, to_file_layout(t.tensor, t.layout)});
  write_weights(studio / "data/weights/resnext50_32x4d.pth", tensors);
  const auto extract = [&](const std::string& split, const std::string& layer,
                           const std::string& to, const Words& more) {
    Words words = {"extract",
                   "recipes/resnext50_features.toml",
                   "data/generated/faces/" + split,
                   "--layer",
                   layer,
                   "-o",
                   "data/features/" + to};
    words.insert(words.end(), more.begin(), more.end());
    const auto outcome = studio.run(words);
    REQUIRE_MESSAGE(outcome.code == 0, to, ": ", outcome.err);
  };
  extract("train", "fc.input", "train.safetensors", {"--augment", "2"});
  extract("test", "fc.input", "test.safetensors", {});
  extract("train", "layer3", "train_maps.safetensors", {"--dtype", "f16"});
  extract("test", "layer3", "test_maps.safetensors", {"--dtype", "f16"});

  studio.train("resnext50_head", {});
  studio.evaluate("resnext50_head", 8);
  studio.train("resnext50_maps", {"model.inputs=16384"});
  studio.evaluate("resnext50_maps", 8);
  studio.train("resnext50_finetune", {});
  studio.evaluate("resnext50_finetune", 8);
  const auto folds = studio.run({"kfold", "recipes/resnext50_head.toml", "-k", "2", "--set",
                                 "train.epochs=1", "--json", "--progress", "off"});
  REQUIRE_MESSAGE(folds.code == 0, folds.err);
  // The two copies of a picture are in one fold.
  std::ifstream csv(studio / "runs/kfold/resnext50-head/folds.csv");
  std::map<std::string, std::string> fold_of;
  for (std::string line; std::getline(csv, line);) {
    const std::string path = line.substr(0, line.rfind(',')), fold = line.substr(path.size());
    CHECK(fold_of.emplace(path, fold).first->second == fold);
  }
  CHECK(fold_of.size() == 17);  // and the header
}
