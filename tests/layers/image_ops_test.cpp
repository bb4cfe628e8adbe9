// Ops on images: results and gradients against PyTorch's (tests/goldens/make_image_ops.py), NaN and
// infinities in max pooling, and stochastic depth.
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "layers/activation.h"
#include "layers/channels.h"
#include "layers/drop_path.h"
#include "layers/flatten.h"
#include "layers/pool2d.h"
#include "layers/reduce.h"
#include "layers/resize.h"
#include "layers/squeeze_excite.h"
#include "tensor/tape.h"
#include "tests/support.h"

using namespace lathe;
using nlohmann::json;

namespace {

using Inputs = std::vector<Tensor>;

Size2 size_of(const json& pair) { return {pair[0].get<int64_t>(), pair[1].get<int64_t>()}; }

PoolWindow window_of(const json& o) {
  return {.kernel = size_of(o["kernel"]),
          .stride = size_of(o["stride"]),
          .padding = size_of(o["padding"]),
          .ceil_mode = o["ceil_mode"].get<bool>(),
          .count_include_pad = o.value("count_include_pad", true)};
}

const std::map<std::string, std::function<Tensor(const Inputs&, const json&)>> ops = {
    {"max_pool2d", [](auto& x, auto& o) { return max_pool2d(x[0], window_of(o)); }},
    {"avg_pool2d", [](auto& x, auto& o) { return avg_pool2d(x[0], window_of(o)); }},
    {"adaptive_avg_pool2d",
     [](auto& x, auto& o) { return adaptive_avg_pool2d(x[0], size_of(o["size"])); }},
    {"global_avg_pool", [](auto& x, auto&) { return global_avg_pool(x[0]); }},
    {"resize_nearest", [](auto& x, auto& o) { return resize(x[0], size_of(o["size"])); }},
    {"resize_bilinear",
     [](auto& x, auto& o) {
       return resize(x[0], size_of(o["size"]), ResizeMode::bilinear, o["align_corners"]);
     }},
    {"concat_channels", [](auto& x, auto&) { return concat_channels(x); }},
    {"slice_channels", [](auto& x, auto&) { return slice_channels(x[0], 2, 5); }},
    {"scale_channels", [](auto& x, auto&) { return scale_channels(x[0], x[1]); }},
    {"flatten", [](auto& x, auto&) { return Flatten().forward(x[0]); }},
    {"squeeze_excite",
     [](auto& x, auto&) {
       SqueezeExcite layer(6, 3);
       layer.conv_reduce.weight = x[1];
       layer.conv_reduce.bias = x[2];
       layer.conv_expand.weight = x[3];
       layer.conv_expand.bias = x[4];
       return layer(x[0]);
     }},
    {"relu6", [](auto& x, auto&) { return relu6(x[0]); }},
    {"hardswish", [](auto& x, auto&) { return hardswish(x[0]); }},
    {"hardsigmoid", [](auto& x, auto&) { return hardsigmoid(x[0]); }},
};

Tensor tensor_of(const json& values) {
  return Tensor::from(values["values"].get<std::vector<double>>(),
                      Shape(values["shape"].get<std::vector<int64_t>>()));
}

void check_case(const json& c, DType dtype, double tolerance) {
  Inputs inputs;
  for (const json& values : c["inputs"])
    inputs.push_back(tensor_of(values).to(dtype).clone().requires_grad_());
  Tape tape;
  const Tensor y = ops.at(c["op"])(inputs, c["options"]);
  CHECK(tests::error(y, tensor_of(c["y"])) <= tolerance);
  tape.backward(y, tensor_of(c["dy"]).to(dtype));
  for (size_t i = 0; i < inputs.size(); ++i)
    CHECK(tests::error(inputs[i].grad(), tensor_of(c["gradients"][i])) <= tolerance);
}

}  // namespace

TEST_CASE("ops on images and their gradients equal PyTorch's") {
  std::ifstream in(tests::golden("image_ops.json"));
  const json cases = json::parse(in);
  for (const json& c : cases) {
    CAPTURE(c["op"].get<std::string>());
    CAPTURE(c["options"].dump());
    check_case(c, DType::f64, 1e-10);
    check_case(c, DType::f32, 1e-5);
  }
  CHECK(cases.size() >= ops.size());
}

TEST_CASE("SqueezeExcite has timm's names") {
  SqueezeExcite layer(256, 16);
  std::vector<std::string> names;
  for (const NamedTensor& t : layer.state_dict()) names.push_back(t.name);
  CHECK_EQ(names, std::vector<std::string>{"conv_reduce.weight", "conv_reduce.bias",
                                           "conv_expand.weight", "conv_expand.bias"});
  CHECK_EQ(layer.print(), R"(SqueezeExcite(
  (conv_reduce): Conv2d(256, 16, kernel_size=(1, 1), stride=(1, 1))
  (act1): SiLU()
  (conv_expand): Conv2d(16, 256, kernel_size=(1, 1), stride=(1, 1))
  (gate): Sigmoid()
))");
}

TEST_CASE("max pooling chooses among equals, NaN and infinities as PyTorch does") {
  const float nan = std::nanf(""), inf = HUGE_VALF;
  for (Device device : tests::devices())
    for (int64_t channels : {1, 40}) {  // one is no vector
      CAPTURE(int(device));
      const auto gradient = [&](const std::vector<float>& pixels) {
        std::vector<float> all;
        for (float value : pixels) all.insert(all.end(), size_t(channels), value);
        Tensor x = Tensor::from(all, {1, 2, 2, channels}).to(device).requires_grad_();
        Tape tape;
        const Tensor y = max_pool2d(x, {.kernel = 2});
        tape.backward(sum(y));
        const auto dx = x.grad().to_vector<float>();
        std::vector<float> found;
        for (size_t i = 0; i < 4; ++i) found.push_back(dx[i * size_t(channels)]);
        found.push_back(y.to_vector<float>().back());
        return found;
      };
      CHECK_EQ(gradient({2, 3, 3, 1}), std::vector<float>{0, 1, 0, 0, 3});
      CHECK_EQ(gradient({-inf, -inf, -inf, -inf}), std::vector<float>{1, 0, 0, 0, -inf});
      const auto at_nan = gradient({1, nan, 2, nan});
      CHECK(std::isnan(at_nan[4]));
      CHECK_EQ(at_nan[1], 0);
      CHECK_EQ(at_nan[3], 1);
    }
}

TEST_CASE("DropPath drops whole samples, keeps the mean, and does nothing in evaluation") {
  DropPath layer(0.25);
  const Tensor ones = Tensor::full({4000, 3}, 1), twos = Tensor::full({4000, 3}, 2);
  const auto y = layer(ones).to_vector<float>();
  int dropped = 0;
  for (size_t i = 0; i < y.size(); i += 3) {
    CHECK_UNARY(y[i] == 0 || y[i] == float(1 / 0.75));
    CHECK_UNARY(y[i] == y[i + 1] && y[i] == y[i + 2]);
    dropped += y[i] == 0;
  }
  CHECK(dropped / 4000.0 == doctest::Approx(0.25).epsilon(0.1));  // four deviations
  const auto sum = layer.add_to(twos, ones).to_vector<float>();
  for (size_t i = 0; i < y.size(); ++i) CHECK_UNARY(std::abs(sum[i] - (2 + y[i])) < 1e-6);
  layer.eval();
  CHECK(layer(ones).raw() == ones.raw());
  CHECK(layer.add_to(twos, ones).to_vector<float>()[0] == 3);
}
