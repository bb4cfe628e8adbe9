// Models by name: sizes, parameter names, options and their errors.
#include "models/registry.h"

#include "layers/init.h"
#include "models/classifier.h"
#include "tensor/suggest.h"
#include "tests/support.h"

using namespace lathe;
using tests::message_of;

TEST_CASE("landmark_mlp has the original's sizes and names") {
  auto model = create_model("landmark_mlp");
  CHECK(model->parameter_count() == 3090497);
  const auto state = model->state_dict();
  REQUIRE(state.size() == 10);
  CHECK(state[0].name == "fc1.weight");
  CHECK(state[0].tensor.shape() == Shape({1088, 2176}));
  CHECK(state[9].name == "fc5.bias");
  CHECK((*model)(Tensor::zeros({3, 16, 136})).shape() == Shape({3}));
  CHECK((*model)(Tensor::zeros({0, 2176})).shape() == Shape({0}));
}

TEST_CASE("mlp takes its sizes from its options") {
  auto model = create_model("mlp", {{"inputs", "6"}, {"hidden", "[4]"}, {"outputs", "2"}});
  CHECK(model->print() ==
        "Mlp(\n  (fc1): Linear(in_features=6, out_features=4, bias=True)\n"
        "  (fc2): Linear(in_features=4, out_features=2, bias=True)\n)");
  CHECK(message_of([&] {
          (*model)(Tensor::zeros({3, 5}));
        }) ==
        "fc1: linear: the weight (4, 6) expects 6 features in the last dimension, got x (3, 5)");
}

TEST_CASE("models are found by the names that people type") {
  CHECK(model_name("resnext50") == "resnext50_32x4d");
  CHECK(model_name("resnet50.a1_in1k") == "resnet50");
  CHECK(model_name("tv_resnet50.tv_in1k") == "resnet50");
  CHECK(model_name("tf_efficientnetv2_m.in21k_ft_in1k") == "tf_efficientnetv2_m");
  CHECK(model_name("efficientnetv2_s.in21k") == "tf_efficientnetv2_s");
  CHECK(model_name("lenet.toml") == "lenet.toml");
  CHECK(model_name("no_such.in1k") == "no_such.in1k");
  CHECK(create_model("lenet5")->parameter_count() == 61706);
}

TEST_CASE("a head of one's own replaces the last Linear") {
  const NoInitialValues names_alone;
  auto model = create_model("resnet50", {{"head", "[1000]"}, {"num_classes", "2"}});
  CHECK(model->parameter_count() == 25559034);
  const auto state = model->state_dict();
  REQUIRE(state.size() == 322);
  CHECK(state[318].name == "fc.0.weight");
  CHECK(state[320].name == "fc.2.weight");
  CHECK(state[320].tensor.shape() == Shape({2, 1000}));
  CHECK(
      create_model("inception_v3", {{"head", "[1024]"}, {"num_classes", "2"}})->parameter_count() ==
      23885794);
  CHECK(create_model("tf_efficientnetv2_m", {{"num_classes", "1"}})->parameter_count() == 52859637);
  CHECK(Classifier(4, {.num_classes = 2, .hidden = {3}}).print() ==
        "Sequential(\n  (0): Linear(in_features=4, out_features=3, bias=True)\n  (1): ReLU()\n"
        "  (2): Linear(in_features=3, out_features=2, bias=True)\n)");
  CHECK(Classifier(4, {.num_classes = 2}).print() ==
        "Linear(in_features=4, out_features=2, bias=True)");
}

TEST_CASE("dropout of a classifier works in training alone") {
  Classifier classifier(64, {.num_classes = 2, .dropout = 0.5});
  const Tensor x = Tensor::full({1, 64}, 1);
  CHECK(tests::error(classifier.eval()(x), classifier.last()(x)) == 0);
  CHECK(tests::error(classifier.train()(x), classifier.last()(x)) > 0);
}

TEST_CASE("errors of model names and options offer the nearest") {
  CHECK(message_of([] { create_model("landmark-mlp"); }) ==
        "model: there is no 'landmark-mlp'; did you mean 'landmark_mlp'? (models: " +
            list_text(model_names()) + ")");
  CHECK(
      message_of([] {
        create_model("mlp", {{"hiden", "[4]"}});
      }) ==
      "mlp: has no option 'hiden'; did you mean 'hidden'? (its options: dropout, hidden, inputs or "
      "outputs)");
  CHECK(message_of([] {
          create_model("mlp", {{"hidden", "[4, 0]"}});
        }) == "mlp: the option 'hidden' expects a list of whole numbers of at least 1, got [4, 0]");
  const NoInitialValues not_needed;
  CHECK(message_of([] {
          create_model("resnet18", {{"dropout", "1.5"}});
        }) == "resnet18: the option 'dropout' expects a number from 0 to 1, got 1.5");
  CHECK(message_of([] {
          create_model("inceptionv3", {{"aux_logits", "1"}});
        }) == "inception_v3: the option 'aux_logits' expects true or false, got 1");
}

TEST_CASE("docs/recipes.md has every model with its options as they are now, and no other") {
  const std::string page = tests::bytes_of(std::filesystem::path(LATHE_SOURCE) / "docs/recipes.md");
  std::string table = "| model | its options |\n| --- | --- |\n";
  for (const std::string& name : model_names()) {
    table += "| `" + name + "` |";
    for (const auto& [option, value] : model_options(name)) {
      table += " `" + option + " = " + value + "`";
      CHECK_MESSAGE(page.find("`" + option + "`") != std::string::npos, option);
    }
    table += " |\n";
  }
  CHECK_MESSAGE(page.find(table + "\n") != std::string::npos, table);
}
