// Models against PyTorch's (tests/goldens/make_models.py): names, shapes, logits, and for a
// training step all gradients and running statistics.
#include <zlib.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/channels.h"
#include "models/registry.h"
#include "tensor/random.h"
#include "tensor/tape.h"
#include "tests/support.h"

using namespace lathe;
using nlohmann::json;

namespace {

Tensor random(const Shape& shape, double low, double high, int index, int op = 0) {
  Tensor x = Tensor::empty(shape, DType::f64);
  uniform_(x, low, high, RandomStream(0, Purpose::test, 0, uint32_t(index), uint32_t(op)));
  return x;
}

/// As make_models.py fills a tensor of that name in a file.
Tensor filled(const std::string& name, const Shape& shape, int index) {
  if (shape.rank() > 1) {
    const double bound = std::sqrt(6 / double(shape.numel() / shape[0]));
    return random(shape, -bound, bound, index);
  }
  const bool positive = name.ends_with("running_var") || name.ends_with("weight");
  return positive ? random(shape, 0.5, 1.5, index) : random(shape, -0.2, 0.2, index);
}

void fill(Module& model) {
  std::vector<NamedTensor> tensors;
  for (const NamedTensor& own : model.state_dict()) {
    const Shape shape = file_shape(own.tensor.shape(), own.layout);
    const int index = int(tensors.size());
    tensors.push_back({own.name, is_floating(own.tensor.dtype())
                                     ? filled(own.name, shape, index)
                                     : Tensor::zeros(shape, own.tensor.dtype())});
  }
  model.load_state_dict(tensors);
}

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

/// A tensor's norm, and its product with a Philox vector in units of norms, against the golden's.
double fingerprint_error(const Tensor& file_tensor, const json& golden, int index) {
  const Tensor v = random(file_tensor.shape(), -1, 1, index, 1);
  const auto a = file_tensor.to_vector<double>(), b = v.to_vector<double>();
  double norm = 0, dot = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    norm += a[i] * a[i];
    dot += a[i] * b[i];
  }
  norm = std::sqrt(norm);
  const double want = golden[0], scale = std::max(want, 1e-30);
  const double room = scale * std::sqrt(double(std::max<size_t>(a.size(), 1)));
  return std::max(std::abs(norm - want) / scale, std::abs(dot - golden[1].get<double>()) / room);
}

Tensor input_of(const json& golden, DType dtype) {
  const auto extents = golden["input"].get<std::vector<int64_t>>();
  return to_channels_last(random(Shape(extents), -1, 1, 1000)).to(dtype);
}

void check_logits(Module& model, const json& golden, DType dtype, double tolerance) {
  model.eval();
  const Tensor y = model(input_of(golden, dtype));
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
  int i = 0;
  for (const NamedTensor& p : model.named_parameters()) {
    CAPTURE(p.name);
    REQUIRE(bool(p.tensor.grad()));
    CHECK(fingerprint_error(to_file_layout(p.tensor.grad(), p.layout), golden["gradients"][i], i) <=
          1e-8);
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
    const std::string name = golden["model"];
    CAPTURE(name);
    const auto options = golden["options"].get<std::map<std::string, std::string>>();
    const auto model = create_model(name, options);
    CHECK(model->parameter_count() == golden["parameters"].get<int64_t>());
    CHECK(model->state_dict().size() == golden["tensors"].get<size_t>());
    CHECK(keys_of(*model) == golden["keys"].get<uint32_t>());
    fill(*model);
    check_logits(*model, golden, DType::f32, 1e-4);
    model->to(DType::f64);
    fill(*model);
    check_logits(*model, golden, DType::f64, 1e-10);
    if (golden.contains("gradients")) check_gradients(*model, golden);
  }
}
