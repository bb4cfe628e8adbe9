// Weights that others trained, in our models.
#include "layers/channels.h"
#include "layers/init.h"
#include "models/registry.h"
#include "tensor/random.h"
#include "tensor/serialize/weights_file.h"
#include "tests/support.h"

using namespace lathe;

TEST_CASE("EfficientNet-Lite0 as trained on ImageNet answers as in PyTorch") {
  const auto file = tests::real_data("checkpoints/efficientnet-lite0-57934424.pth");
  if (file.empty()) return tests::skip("EfficientNet-Lite0's weights", "shared/data is absent");
  if (tests::slow_build) return tests::skip("EfficientNet-Lite0", "too slow in this build");
  std::vector<NamedTensor> weights;
  for (const StoredTensor& t : read_weights(file).tensors) weights.push_back({t.name, t.tensor});
  const NoInitialValues loaded_next;
  const auto model = create_model("efficientnet_lite0");
  CHECK(model->load_state_dict(weights).fits());
  model->to(DType::f64);

  Tensor x = Tensor::empty({1, 3, 64, 64}, DType::f64);
  uniform_(x, -1, 1, RandomStream(0, Purpose::test, 0, 1000));
  const Tensor y = model->inference()(to_channels_last(x));
  const std::vector<double> logits = y.to_vector<double>();
  // efficientnet-lite-pytorch 0.1.0 on the same numbers, in f64
  const double first[] = {-1.5916448298204506, 0.2276569011117093, -0.060910400347913285,
                          0.1980966103877826};
  for (size_t i = 0; i < 4; ++i) CHECK(std::abs(logits[i] - first[i]) <= 1e-10);
  CHECK(std::max_element(logits.begin(), logits.end()) - logits.begin() == 111);
}
