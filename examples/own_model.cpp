// A model of your own in 60 lines: a small convolutional network that tells pictures of horizontal
// bars from vertical ones, trained, saved, and loaded again. docs/own-model.md goes through it.
#include <iostream>

#include "lathe.h"

using namespace lathe;

class BarNet final : public Module {
 public:
  Tensor forward(const Tensor& x) override {                             // (N, 8, 8, 1)
    Tensor h = conv_norm(conv1_, bn1_, x, kernels::Nonlinearity::relu);  // (N, 8, 8, 4)
    h = max_pool2d(relu(conv2_(h)), {.kernel = 2});                      // (N, 4, 4, 8)
    return fc_(flatten(h, 1));                                           // (N, 2)
  }
  void visit(Visitor& visitor) override {
    visitor.child("conv1", conv1_);
    visitor.child("bn1", bn1_);
    visitor.child("conv2", conv2_);
    visitor.child("fc", fc_);
  }
  std::string kind() const override { return "BarNet"; }

 private:
  Conv2d conv1_{{.in_channels = 1, .out_channels = 4, .kernel = 3, .padding = 1, .bias = false}};
  BatchNorm2d bn1_{4};
  Conv2d conv2_{{.in_channels = 4, .out_channels = 8, .kernel = 3, .padding = 1}};
  Linear fc_{8 * 4 * 4, 2};
};

/// Noise with one bright row (class 0) or column (class 1).
std::pair<Tensor, Tensor> bars(int64_t count, uint32_t set) {
  const RandomStream random(7, Purpose::generate, set);
  Tensor images = Tensor::empty({count, 8, 8, 1}), labels = Tensor::empty({count}, DType::i64);
  normal_(images, 0, 0.5, random);
  for (int64_t n = 0; n < count; ++n) {
    const int64_t label = n % 2, place = int64_t(random.below(uint64_t(n), 8));
    labels.data<int64_t>()[n] = label;
    for (int64_t i = 0; i < 8; ++i)
      images.data<float>()[64 * n + (label == 0 ? 8 * place + i : 8 * i + place)] += 1;
  }
  return {images, labels};
}

double accuracy(Module& model, const Tensor& images, const Tensor& labels) {
  const auto best = argmax(model.inference()(images), Over::last).to_vector<int64_t>();
  const auto wanted = labels.to_vector<int64_t>();
  double right = 0;
  for (size_t i = 0; i < wanted.size(); ++i) right += best[i] == wanted[i];
  return right / double(wanted.size());
}

int main() {
  const auto [images, labels] = bars(512, 0);
  const auto [test_images, test_labels] = bars(256, 1);
  BarNet model;
  model.name_paths();  // errors say "conv2: ..."
  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, {.lr = 1e-2});
  TrainStep step(
      model, [](const Tensor& y, const Tensor& l) { return cross_entropy(y, l); }, optimizer);
  for (int64_t i = 0; i < 80; ++i) {
    const int64_t begin = i * 64 % 512;
    const double loss = step(images.slice(begin, begin + 64), labels.slice(begin, begin + 64)).loss;
    if (i % 20 == 0) std::cout << "step " << i << ": loss " << loss << "\n";
  }
  save_weights("bars.safetensors", {.tensors = model.state_dict()});

  BarNet loaded;  // PyTorch's file would do: load_weights() reads .pth too
  loaded.load_state_dict(load_weights("bars.safetensors").tensors);
  const double right = accuracy(loaded, test_images, test_labels);
  std::cout << loaded.print() << "\ntest accuracy " << right << "\n";
  return right > 0.95 ? 0 : 1;
}
