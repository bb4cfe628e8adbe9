// Times whole steps of a model for bench/peers/models.py, which alternates with it.
//   model_step train|infer MODEL FILE
// FILE is a .safetensors of the model's weights, beginning with "model.", and a batch, "inputs"
// (N, H, W, C) and "labels". Reads commands, a line each, and answers with a line of numbers:
//   times STEPS    microseconds of each step
//   values STEPS   the loss of each step of training; of inference the outputs, once
//   peak           the most memory that was resident, in MB
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "layers/loss.h"
#include "models/registry.h"
#include "optim/optimizer.h"
#include "tensor/serialize/safetensors.h"
#include "train/step.h"

using namespace lathe;

namespace {

struct Job {
  std::unique_ptr<Module> model;
  Tensor inputs, labels;

  Job(const std::string& name, const std::string& file) : model(create_model(name)) {
    std::vector<NamedTensor> weights;
    for (const StoredTensor& stored : read_safetensors(file).tensors) {
      if (stored.name == "inputs")
        inputs = stored.tensor.clone();
      else if (stored.name == "labels")
        labels = stored.tensor.clone();
      else
        weights.push_back({stored.name.substr(std::string("model.").size()), stored.tensor});
    }
    model->load_state_dict(weights);
  }
  virtual ~Job() = default;
  virtual std::vector<double> run() = 0;
};

struct Training : Job {
  ParameterArena arena;
  Optimizer optimizer;
  TrainStep step;

  Training(const std::string& name, const std::string& file)
      : Job(name, file),
        arena(model->named_parameters()),
        optimizer(arena, {.rule = UpdateRule::sgd, .lr = 1e-5, .momentum = 0.9}),
        step(
            *model,
            [](const Tensor& x, const Tensor& y) {
              return x.rank() == 1 ? bce_with_logits(x, y) : cross_entropy(x, y);
            },
            optimizer) {}
  std::vector<double> run() override { return {step(inputs, labels).loss}; }
};

struct Inference : Job {
  Tensor outputs;
  Plan plan;

  Inference(const std::string& name, const std::string& file) : Job(name, file) {
    model->inference();
    plan.trace([this] { outputs = (*model)(inputs); });
  }
  std::vector<double> run() override {
    plan.replay();
    return outputs.to_vector<double>();
  }
};

double microseconds() {
  using namespace std::chrono;
  return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:" && status >> word) return std::stod(word) / 1e3;
  return 0;
}

void answer(Job& job, const std::string& command, int steps) {
  if (command == "peak") std::printf("%.17g ", peak_megabytes());
  for (int i = 0; i < steps; ++i) {
    const double begin = microseconds();
    const std::vector<double> values = job.run();
    if (command == "times") std::printf("%.17g ", microseconds() - begin);
    if (command == "values")
      for (double value : values) std::printf("%.17g ", value);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) fail(ErrorKind::usage, "model_step: expects train|infer MODEL FILE");
  std::unique_ptr<Job> job;
  if (argv[1] == std::string("train"))
    job = std::make_unique<Training>(argv[2], argv[3]);
  else
    job = std::make_unique<Inference>(argv[2], argv[3]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    int steps = 0;
    words >> command >> steps;
    answer(*job, command, steps);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
