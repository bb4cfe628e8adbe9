// InceptionV3's second classifier.
#include "models/inception_v3.h"

#include "tests/support.h"

using namespace lathe;

TEST_CASE("inception_v3 gives both classifiers' logits where it has both") {
  if (tests::slow_build) return tests::skip("InceptionV3 at 299 px", "too slow in this build");
  InceptionV3 model({.classifier = {.num_classes = 3}, .aux_logits = true});
  model.eval();
  const Tensor x = Tensor::full({1, 299, 299, 3}, 0.5);
  const auto [logits, aux] = model.forward_with_aux(x);
  CHECK(tests::error(logits, model(x)) == 0);
  CHECK(aux.shape() == Shape({1, 3}));
}

TEST_CASE("inception_v3 says what it cannot do") {
  InceptionV3 model({.classifier = {.num_classes = 3}});
  CHECK(tests::message_of([&] {
          model.forward_with_aux(Tensor::zeros({1, 299, 299, 3}));
        }) == "inception_v3: was built without the auxiliary classifier (aux_logits)");
  CHECK(tests::message_of([&] {
          model(Tensor::zeros({1, 75, 74, 3}));
        }) ==
        "inception_v3: expects pictures (N, H, W, 3) of at least 75 x 75 pixels, got (1, 75, 74, "
        "3)");
}
