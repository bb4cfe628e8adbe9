// InceptionV3's second classifier.
#include "models/inception_v3.h"

#include "layers/loss.h"
#include "optim/optimizer.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;

TEST_CASE("inception_v3 has a second classifier's logits after a forward in training alone") {
  if (tests::slow_build) return tests::skip("InceptionV3 at 299 px", "too slow in this build");
  InceptionV3 model({.classifier = {.num_classes = 3}, .aux_logits = true});
  const Tensor x = Tensor::full({2, 299, 299, 3}, 0.5);
  model.eval();
  model(x);
  CHECK_FALSE(model.take_auxiliary_outputs());
  model.train();
  model(x);
  CHECK(model.take_auxiliary_outputs().shape() == Shape({2, 3}));
  CHECK_FALSE(model.take_auxiliary_outputs());
}

TEST_CASE("inception_v3 says what it cannot do") {
  InceptionV3 model({.classifier = {.num_classes = 3}});
  CHECK(tests::message_of([&] {
          model(Tensor::zeros({1, 75, 74, 3}));
        }) ==
        "inception_v3: expects pictures (N, H, W, 3) of at least 75 x 75 pixels, got (1, 75, 74, "
        "3)");
}
