// Models by name: sizes, parameter names, options and their errors.
#include "models/registry.h"

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

TEST_CASE("errors of model names and options offer the nearest") {
  CHECK(message_of([] { create_model("landmark-mlp"); }) ==
        "model: there is no 'landmark-mlp'; did you mean 'landmark_mlp'? (models: " +
            list_text(model_names()) + ")");
  CHECK(message_of([] {
          create_model("mlp", {{"hiden", "[4]"}});
        }) ==
        "mlp: has no option 'hiden'; did you mean 'hidden'? (its options: hidden, inputs or "
        "outputs)");
  CHECK(message_of([] {
          create_model("mlp", {{"hidden", "[4, 0]"}});
        }) == "mlp: the option 'hidden' expects a list of whole numbers of at least 1, got [4, 0]");
}
