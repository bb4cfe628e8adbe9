// Models against PyTorch's (tests/goldens/make_models.py): names, shapes, logits, and for a
// training step all gradients and running statistics.
#include <zlib.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/channels.h"
#include "models/inception_blocks.h"
#include "models/registry.h"
#include "tensor/tape.h"
#include "tests/models/fillings.h"
#include "tests/support.h"

using namespace lathe;
using nlohmann::json;
using tests::fillings;
using tests::random;

namespace {

/// "name [1, 2]" a line, as the script writes them.
uint32_t keys_of(Module& model) {
  std::string text;
  for (const NamedTensor& t : model.state_dict()) {
    text += t.name + " [";
    const Shape shape = file_shape(t.tensor.shape(), t.layout);
    for (int i = 0; i < shape.rank(); ++i) text += concat(i ? ", " : "", shape[i]);
    text += "]\n";
  }
  return uint32_t(crc32(0, reinterpret_cast<const Bytef*>(text.data()), uInt(text.size())));
}

/// The largest norm of a list of fingerprints.
double largest_norm(const json& goldens) {
  double largest = 0;
  for (const json& golden : goldens) largest = std::max(largest, golden[0].get<double>());
  return largest;
}

/// A tensor's norm, and its product with a Philox vector in units of norms, against the golden's. A
/// norm below `least` counts as rounding errors of 0: the gradient of a shift before a batch norm.
double fingerprint_error(const Tensor& file_tensor, const json& golden, int index,
                         double least = 1e-30) {
  const Tensor v = random(file_tensor.shape(), -1, 1, index, 1);
  const auto a = file_tensor.to_vector<double>(), b = v.to_vector<double>();
  double norm = 0, dot = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    norm += a[i] * a[i];
    dot += a[i] * b[i];
  }
  norm = std::sqrt(norm);
  const double want = golden[0], scale = std::max(want, least);
  const double room = scale * std::sqrt(double(std::max<size_t>(a.size(), 1)));
  return std::max(std::abs(norm - want) / scale, std::abs(dot - golden[1].get<double>()) / room);
}

Tensor input_of(const json& golden, DType dtype) {
  const auto extents = golden["input"].get<std::vector<int64_t>>();
  return to_channels_last(random(Shape(extents), -1, 1, 1000)).to(dtype);
}

std::unique_ptr<Module> model_of(const json& golden) {
  const NoInitialValues filled_next;
  if (golden["model"] == "inception_v3.AuxLogits") return std::make_unique<InceptionAux>(768, 1000);
  return create_model(golden["model"], golden["options"].get<std::map<std::string, std::string>>());
}

/// The model's answer, and that it is the same with the weights that inference derives.
void check_logits(Module& model, const json& golden, DType dtype, double tolerance) {
  const Tensor x = input_of(golden, dtype);
  const Tensor y = model.eval()(x);
  CHECK(tests::error(model.inference()(x), y) <= tolerance / 10);
  const auto want = golden["logits"].get<std::vector<double>>();
  auto got = y.to_vector<double>();
  got.resize(std::min(got.size(), want.size()));
  const Shape shape{int64_t(got.size())};
  CHECK(tests::error(Tensor::from(got, shape), Tensor::from(want, {int64_t(want.size())})) <=
        tolerance);
}

void check_gradients(Module& model, const json& golden) {
  model.train(golden["train"]);
  Tape tape;
  const Tensor y = model(input_of(golden, DType::f64));
  tape.backward(y, random(y.shape(), -1, 1, 1001));
  // A gradient that is 0 but for rounding: sums of f64 leave 1e-16 of the largest, and a few times
  // that where an instruction set adds in another order, so 1e-8 of `least` is 1e-14 of it.
  const double least = 1e-6 * largest_norm(golden["gradients"]);
  int i = 0;
  for (const NamedTensor& p : model.named_parameters()) {
    CAPTURE(p.name);
    REQUIRE(bool(p.tensor.grad()));
    CHECK(fingerprint_error(to_file_layout(p.tensor.grad(), p.layout), golden["gradients"][i], i,
                            least) <= 1e-8);
    ++i;
  }
  i = 0;
  for (const NamedTensor& b : model.named_buffers()) {
    CAPTURE(b.name);
    CHECK(fingerprint_error(b.tensor.to(DType::f64), golden["buffers"][i], i) <= 1e-8);
    ++i;
  }
}

}  // namespace

TEST_CASE("models equal PyTorch's: names, logits, gradients, running statistics") {
  if (tests::slow_build) return tests::skip("parity of models", "too slow in this build");
  std::ifstream in(tests::golden("models.json"));
  for (const json& golden : json::parse(in)) {
    const std::string name = golden["model"], options = golden["options"].dump();
    CAPTURE(name);
    CAPTURE(options);
    const auto model = model_of(golden);
    CHECK(model->parameter_count() == golden["parameters"].get<int64_t>());
    CHECK(model->state_dict().size() == golden["tensors"].get<size_t>());
    CHECK(keys_of(*model) == golden["keys"].get<uint32_t>());
    const std::vector<NamedTensor> weights = fillings(*model);
    model->load_state_dict(weights);
    check_logits(*model, golden, DType::f32, 1e-4);
    model->to(DType::f64);
    model->load_state_dict(weights);
    check_logits(*model, golden, DType::f64, 1e-10);
    if (golden.contains("gradients")) check_gradients(*model, golden);
  }
}
