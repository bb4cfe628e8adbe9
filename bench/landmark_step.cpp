// Times whole training steps of the landmark MLP (Adam, lr 1e-5) for bench/peers/landmark_mlp.py,
// which alternates with it. Reads commands, a line each, and answers with a line of numbers:
//   window f32|f64 BATCH STEPS FILE   microseconds of each step, after five that are not timed
//   losses f32|f64 BATCH STEPS FILE   the loss of each step
// FILE holds the raw elements of all parameters in PyTorch's order, the inputs and the labels.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "layers/loss.h"
#include "models/landmark_mlp.h"
#include "optim/optimizer.h"
#include "train/step.h"

using namespace lathe;

namespace {

void read(std::ifstream& file, const Tensor& x) {
  file.read(reinterpret_cast<char*>(x.raw()), x.bytes());
  if (!file) fail(ErrorKind::data, "landmark_step: the file ends before all tensors are read");
}

struct Training {
  LandmarkMlp model;
  ParameterArena arena;
  Optimizer optimizer;
  TrainStep step;
  Tensor inputs, labels;

  Training(DType dtype, int64_t batch, const std::string& path)
      : arena(model.to(dtype).named_parameters()),
        optimizer(arena, {.lr = 1e-5}),
        step(
            model, [](const Tensor& x, const Tensor& y) { return bce_with_logits(x, y); },
            optimizer),
        inputs(Tensor::empty({batch, 2176}, dtype)),
        labels(Tensor::empty({batch}, dtype)) {
    std::ifstream file(path, std::ios::binary);
    for (const NamedTensor& parameter : model.named_parameters()) read(file, parameter.tensor);
    read(file, inputs);
    read(file, labels);
  }
  double run() { return step(inputs, labels).loss; }
};

double microseconds() {
  using namespace std::chrono;
  return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, dtype, path;
    int64_t batch = 0;
    int steps = 0;
    words >> command >> dtype >> batch >> steps >> path;
    Training training(dtype_from_name(dtype), batch, path);
    if (command == "window")
      for (int i = 0; i < 5; ++i) training.run();
    for (int i = 0; i < steps; ++i) {
      const double begin = microseconds(), loss = training.run();
      std::printf("%.17g ", command == "window" ? microseconds() - begin : loss);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
