// Weights files keep working: a committed file of each format_version must load in all later
// versions of Lathe, and compute what it computed.
#include "layers/init.h"
#include "models/registry.h"
#include "tests/support.h"
#include "train/renamed.h"
#include "train/used_weights.h"

using namespace lathe;

TEST_CASE("weights of format_version 1 load and compute the same") {
  const auto file = tests::golden("weights_v1.safetensors");
  const UsedWeights used = use_weights(file, {}, Device::cpu);
  CHECK_EQ(used.classes, std::vector<std::string>{"fake", "real"});
  CHECK_EQ(used.epoch, 2);
  CHECK(used.channels.empty());  // files of then did not keep them
  CHECK_EQ(used.recipe.model.name, "landmark_mlp");
  CHECK_EQ(used.recipe.train.batch_size, 4);
  REQUIRE(used.normalization.has_value());
  CHECK_EQ(used.normalization->mean.numel(), 136);

  std::vector<float> ramp, falling;
  for (int i = 0; i < 2176; ++i) ramp.push_back(float(i % 7) / 7 - 0.4f);
  for (float value : ramp) falling.push_back(-value);
  // Computed from the file by a few lines of another language when it was made.
  CHECK_EQ((*used.model)(Tensor::from(ramp, {1, 2176})).item(),
           doctest::Approx(0.7394609).epsilon(1e-5));
  CHECK_EQ((*used.model)(Tensor::from(falling, {1, 2176})).item(),
           doctest::Approx(0.7120427).epsilon(1e-5));

  const Weights weights = load_weights(file);
  REQUIRE(weights.state.has_value());
  CHECK_EQ(weights.state->steps, 4);
  CHECK_EQ(weights.state->best_epoch, 2);
  CHECK_EQ(weights.optimizer.size(), 8);
}

TEST_CASE("weights that were saved read back the same, and their size is foretold") {
  const tests::ScratchFolder scratch;
  Weights weights = load_weights(tests::golden("weights_v1.safetensors"));
  weights.info.channels = {"x", "ü \"y\""};
  save_weights(scratch / "again.safetensors", weights);
  const Weights again = load_weights(scratch / "again.safetensors");
  REQUIRE_EQ(again.tensors.size(), weights.tensors.size());
  for (size_t i = 0; i < again.tensors.size(); ++i) {
    CHECK_EQ(again.tensors[i].name, weights.tensors[i].name);
    CHECK_EQ(tests::error(again.tensors[i].tensor, weights.tensors[i].tensor), 0);
  }
  CHECK_EQ(again.info.recipe, weights.info.recipe);
  CHECK_EQ(again.info.channels, weights.info.channels);
  CHECK_EQ(again.state->sums.samples, weights.state->sums.samples);
  const double size = double(std::filesystem::file_size(scratch / "again.safetensors"));
  CHECK_LT(std::abs(double(size_on_disk(weights)) - size), 0.02 * size);
}

TEST_CASE("a map brings slices of a ResNet-50 to its names") {
  const std::map<std::string, std::string> map = {
      {"slice1.1", "conv1"},  {"slice1.2", "bn1"},      {"slice1.5", "layer1"},
      {"slice1.6", "layer2"}, {"slice1.7", "layer3"},   {"slice2", "layer4"},
      {"slice2.8", "layer4"}, {"classifier.1", "fc.0"}, {"classifier.3", "fc.2"}};
  const NoInitialValues names_alone;
  const auto model = create_model("resnet50", {{"head", "[1000]"}, {"num_classes", "2"}});
  for (const std::string layer4 : {"slice2", "slice2.8"}) {
    std::vector<NamedTensor> saved = model->state_dict();
    for (NamedTensor& t : saved) {
      for (const auto& [from, to] : map)
        if (t.name.starts_with(to + ".") && (to != "layer4" || from == layer4)) {
          t.name = from + t.name.substr(to.size());
          break;
        }
      t.name = renamed(map, t.name);
    }
    CHECK(model->load_state_dict(saved, false).fits());
  }
  CHECK(renamed(map, "slice1.5.0.conv1.weight") == "layer1.0.conv1.weight");
  CHECK(renamed(map, "slice2.8.2.bn3.bias") == "layer4.2.bn3.bias");
}

TEST_CASE("a recipe and --model take names that people type") {
  CHECK(parse_recipe({"model.name = \"resnext50\"", "recipe.toml", "."}).model.name ==
        "resnext50_32x4d");
}
