// Training equals PyTorch's: 20 epochs of the landmark MLP on real landmarks from the same initial
// weights in the same order, against losses that tests/goldens/landmark_training.py wrote. What is
// compared is the whole of it: layers, loss, tape, plan, fused update.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/loss.h"
#include "models/landmark_mlp.h"
#include "optim/optimizer.h"
#include "tensor/random.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;

namespace {

struct Samples {
  Tensor inputs, labels;
};

/// The numbers of a CSV without its header and first column.
std::vector<double> numbers(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<double> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line))
    for (size_t comma = line.find(','); comma != std::string::npos;
         comma = line.find(',', comma + 1))
      values.push_back(std::stod(line.substr(comma + 1)));
  return values;
}

Samples read(const std::string& split, DType dtype) {
  const auto folder = tests::real_data("lrnet/csv");
  const auto features = numbers(folder / (split + ".csv")),
             labels = numbers(folder / (split + "_labels.csv"));
  const int64_t count = int64_t(labels.size());
  return {Tensor::from(features, {count, 2176}).to(dtype), Tensor::from(labels, {count}).to(dtype)};
}

/// As landmark_training.py fills them: uniform in ±1/√fan_in, the i-th tensor from stream i.
void fill_weights(Module& model) {
  uint32_t index = 0;
  double bound = 0;
  for (NamedTensor& p : model.named_parameters()) {
    if (p.tensor.rank() == 2) bound = 1 / std::sqrt(double(p.tensor.dim(1)));
    uniform_(p.tensor, -bound, bound, RandomStream(0, Purpose::test, 0, index++));
  }
}

void compare(const OptimizerOptions& options, const char* name, DType dtype, double tolerance,
             const char* rows, size_t epochs = 20) {
  std::ifstream file(std::filesystem::path(LATHE_SOURCE) / "tests/goldens/landmark_training.json");
  const auto golden = nlohmann::json::parse(file).at(concat(name, "_", dtype));
  const ForceVariant force(rows);
  const Samples train = read("train", dtype), valid = read("valid", dtype);
  LandmarkMlp model;
  model.to(dtype);
  fill_weights(model);
  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, options);
  const LossFunction loss = [](const Tensor& x, const Tensor& y) { return bce_with_logits(x, y); };
  TrainStep step(model, loss, optimizer);
  EvalStep evaluate(model, loss);
  const int64_t count = train.inputs.dim(0);
  double worst = 0;
  auto note = [&](double difference) {  // NaN is as far off as can be, though it compares as none
    worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, std::abs(difference));
  };
  for (size_t epoch = 0; epoch < std::min(golden.size(), epochs); ++epoch) {
    double total = 0;
    for (int64_t i = 0; i < count; i += 4) {
      const int64_t end = std::min(count, i + 4);
      total += step(train.inputs.slice(i, end), train.labels.slice(i, end)).loss * double(end - i);
    }
    const double valid_loss = evaluate(valid.inputs, valid.labels).loss;
    note(total / double(count) / golden[epoch][0].get<double>() - 1);
    note(valid_loss / golden[epoch][1].get<double>() - 1);
  }
  MESSAGE(concat(name, " ", dtype, " rows '", rows, "': worst relative difference ", worst));
  CHECK_LE(worst, tolerance);
}

}  // namespace

TEST_CASE("20 epochs of the landmark MLP follow PyTorch's losses") {
  if (tests::real_data("lrnet/csv").empty())
    return tests::skip("landmark parity", "no real landmarks (lrnet/csv)");
  if (tests::slow_build) return tests::skip("landmark parity", "too slow in this build");
  const OptimizerOptions adam{.rule = UpdateRule::adam, .lr = 1e-5};
  const OptimizerOptions adamw{.rule = UpdateRule::adamw, .lr = 1e-5, .weight_decay = 0.01};
  const OptimizerOptions sgd{.rule = UpdateRule::sgd, .lr = 1e-3, .momentum = 0.9};
  for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-9}, {DType::f32, 1e-4}}) {
    compare(adam, "adam", dtype, tolerance, "");
    compare(adamw, "adamw", dtype, tolerance, "");
    compare(sgd, "sgd", dtype, tolerance, "");
  }
  compare(adam, "adam", DType::f64, 1e-9, "*=reference", 2);  // plain loops take their time
}
