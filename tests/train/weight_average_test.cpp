#include "train/weight_average.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/loss.h"
#include "layers/sequential.h"
#include "models/mlp.h"
#include "tensor/random.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;

TEST_CASE(
    "an average follows weights and statistics by its formula, and takes their place for a while") {
  for (Device device : tests::devices()) {
    CAPTURE(int(device));
    Sequential model(std::make_unique<Conv2d>(Conv2dOptions{.in_channels = 2, .out_channels = 3}),
                     std::make_unique<BatchNorm2d>(3));
    model.to(DType::f64);
    model.to(device);
    ParameterArena arena(model.named_parameters());
    Optimizer optimizer(arena, {.lr = 0.1});
    TrainStep step(
        model, [](const Tensor& y, const Tensor& t) { return mse(y, t); }, optimizer);
    Tensor x = Tensor::empty({2, 3, 3, 2}, DType::f64);
    uniform_(x, -1, 1, RandomStream(1, Purpose::test));
    const Tensor t = Tensor::full({2, 3, 3, 3}, 0.5, DType::f64);
    step(x, t);
    WeightAverage average(model, 0.9);
    std::vector<std::vector<double>> wanted;
    for (const NamedTensor& w : model.state_dict()) wanted.push_back(w.tensor.to_vector<double>());
    for (int i = 0; i < 4; ++i) {
      step(x, t);
      average.update();
      const auto now = model.state_dict();
      for (size_t k = 0; k < now.size(); ++k) {
        const auto w = now[k].tensor.to_vector<double>();
        const bool integers = !is_floating(now[k].tensor.dtype());
        for (size_t j = 0; j < w.size(); ++j)
          wanted[k][j] = integers ? w[j] : 0.9 * wanted[k][j] + (1 - 0.9) * w[j];
      }
    }
    const auto expected = [&](size_t k) {
      return Tensor::from(wanted[k], average.tensors()[k].tensor.shape());
    };
    for (size_t k = 0; k < wanted.size(); ++k) {
      CAPTURE(average.tensors()[k].name);
      CHECK_LE(tests::error(average.tensors()[k].tensor, expected(k)), 1e-12);
    }
    const auto weights = arena.values().to_vector<double>();
    {
      WeightAverage::InModel in(&average);
      const auto now = model.state_dict();
      for (size_t k = 0; k < now.size(); ++k)
        CHECK_LE(tests::error(now[k].tensor, expected(k)), 1e-12);
      in.outside([&] { CHECK_EQ(arena.values().to_vector<double>(), weights); });
    }
    CHECK_EQ(arena.values().to_vector<double>(), weights);
  }
}

TEST_CASE("an average is that of timm's ModelEmaV3, batch norm's statistics and counter included") {
  using Json = nlohmann::json;
  const auto golden = Json::parse(std::ifstream(tests::golden("weight_average.json")));
  const auto tensors = [&](const Json& state) {
    std::vector<NamedTensor> all;
    for (const auto& [name, values] : state.items()) {
      const Shape shape(golden["shapes"][name].get<std::vector<int64_t>>());
      all.push_back({name, name.ends_with("tracked") ? Tensor::from<int64_t>(values, shape)
                                                     : Tensor::from<double>(values, shape)});
    }
    return all;
  };
  for (Device device : tests::devices()) {
    CAPTURE(int(device));
    Sequential model(std::make_unique<Conv2d>(Conv2dOptions{.in_channels = 2, .out_channels = 3}),
                     std::make_unique<BatchNorm2d>(3));
    model.to(DType::f64);
    model.to(device);
    model.load_state_dict(tensors(golden["initial"]));
    WeightAverage average(model, golden["decay"]), from_first_step(model, golden["decay"]);
    for (size_t i = 0; i < golden["steps"].size(); ++i) {
      const Json& step = golden["steps"][i];
      model.load_state_dict(tensors(step["weights"]));
      average.update();
      i == 0 ? from_first_step.restart() : from_first_step.update();
      const auto compare = [&](const WeightAverage& ours, const char* timm, bool counters) {
        CAPTURE(timm);
        for (const NamedTensor& expected : tensors(step[timm]))
          for (const NamedTensor& t : ours.tensors())
            if (t.name == expected.name && (counters || is_floating(t.tensor.dtype()))) {
              CAPTURE(t.name);
              CHECK_LE(tests::error(to_file_layout(t.tensor, t.layout), expected.tensor), 1e-12);
            }
      };
      compare(average, "v3", true);
      compare(average, "v2", false);                 // which averages counters too, and cuts off
      compare(from_first_step, "v3_by_step", true);  // timm's train.py, docs/recipes.md
    }
  }
}
