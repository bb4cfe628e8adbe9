// cudnn_plans GPU: asks cuDNN for a plan for each use of each convolution of the op cases, of odd
// shapes and of a dozen layers of models, for a GPU that need not be there; fails when one is
// declined that declined.txt does not foresee. With --models, for all layers of all models, and
// tells each answer as a line, of which make_table.py makes docs/cudnn-plans.md.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>

#include "apps/convolution_list.h"
#include "tests/op_cases/op_case.h"

using namespace lathe;
using apps::ListedConvolution;
using kernels::cudnn::Convolution;

namespace {

std::ifstream list(const std::string& name) {
  std::ifstream file(std::string(LATHE_CUDNN_LISTS) + "/" + name);
  LATHE_CHECK(file, name, ": cannot be read");
  return file;
}

/// The convolutions that op cases call, without running any kernel.
class ConvolutionCalls final : public CallRecorder {
 public:
  ConvolutionCalls() : outer_(current) { current = this; }
  ~ConvolutionCalls() override { current = outer_; }

  void record(std::unique_ptr<KernelCall> call) override {
    using Forward = decltype(kernels::conv2d_forward)::Call;
    const auto* forward = dynamic_cast<const Forward*>(call.get());
    if (!forward) return;
    const auto& [y, x, w, bias, residual, f, shape] = forward->args;
    if (y.numel() == 0 || x.numel() == 0 || w.numel() == 0) return;
    const auto extents = [](const Tensor& t) {
      return kernels::cudnn::Extents{t.dim(0), t.dim(1), t.dim(2), t.dim(3)};
    };
    ListedConvolution layer{"op case", 1, {}, f};
    layer.convolution.x = extents(x);
    layer.convolution.w = extents(w);
    layer.convolution.y = extents(y);
    layer.convolution.shape = shape;
    found.push_back(layer);
  }
  std::vector<ListedConvolution> found;

 private:
  CallRecorder* outer_;
};

std::vector<ListedConvolution> of_op_cases() {
  std::vector<ListedConvolution> all;
  for (const tests::OpCase& op_case : tests::op_cases()) {
    if (!op_case.name.starts_with("conv2d")) continue;
    const std::vector<Tensor> inputs =
        tests::convert(tests::make_inputs(op_case), DType::f32, Device::cpu);
    ConvolutionCalls calls;
    op_case.call(inputs);
    all.insert(all.end(), calls.found.begin(), calls.found.end());
  }
  return all;
}

/// "forward on h100 in bf16: x 2x5x7x3 w 4x1x1x3".
std::string question(const ListedConvolution& layer, int use, DType dtype, const std::string& gpu) {
  return concat(apps::use_name(layer, use), " on ", gpu, " in ", dtype, ": ",
                apps::shape_text(apps::use_of(layer, use, dtype)));
}

/// A line of declined.txt: a regular expression for questions, a tab, the reason in cuDNN's log.
bool known_declined(const std::string& question) {
  static const std::vector<std::regex> known = [] {
    std::vector<std::regex> lines;
    std::ifstream file = list("declined.txt");
    for (std::string line; std::getline(file, line);)
      lines.emplace_back(line.substr(0, line.find('\t')));
    return lines;
  }();
  return std::any_of(known.begin(), known.end(),
                     [&](const std::regex& one) { return std::regex_match(question, one); });
}

struct Tally {
  int plans = 0, known = 0, unknown = 0;
};

void ask_all(const std::vector<ListedConvolution>& layers, const std::string& gpu, bool tell,
             Tally& tally) {
  const kernels::cudnn::DeviceProperties device(kernels::cudnn::device_json(gpu));
  std::map<std::string, apps::Answer> asked;
  for (const ListedConvolution& layer : layers)
    for (int use = 0; use < apps::uses; ++use)
      for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
        const std::string text = question(layer, use, dtype, gpu);
        const bool again = asked.count(text) > 0;
        if (!again) asked[text] = apps::ask(apps::use_of(layer, use, dtype), device);
        const apps::Answer& answer = asked[text];
        if (tell)
          std::cout << layer.model << '\t' << layer.count << '\t' << text << '\t' << answer.engine
                    << '\t' << answer.workspace_bytes << '\t' << answer.declined << std::endl;
        if (again) continue;
        if (answer.declined.empty())
          ++tally.plans;
        else if (tell || known_declined(text))
          ++tally.known;
        else
          ++tally.unknown, std::cout << text << "\n    " << answer.declined << std::endl;
      }
}

int run(const std::string& gpu, bool models) {
  const auto start = std::chrono::steady_clock::now();
  const std::string driver = apps::use_stand_in_driver();
  std::vector<ListedConvolution> layers;
  if (models) {
    std::ifstream file = list("convolutions.txt");
    layers = apps::read_convolutions(file);
  } else {
    std::ifstream file = list("odd_convolutions.txt");
    layers = apps::read_convolutions(file);
    for (const auto& more : {of_op_cases(), apps::typical_convolutions()})
      layers.insert(layers.end(), more.begin(), more.end());
  }
  Tally tally;
  ask_all(layers, gpu, models, tally);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cerr << gpu << ", cuDNN " << CUDNN_MAJOR << '.' << CUDNN_MINOR << '.' << CUDNN_PATCHLEVEL
            << ", driver: " << (driver.empty() ? "this machine's" : driver) << "; " << layers.size()
            << " layers: " << tally.plans << " plans, " << tally.known << " declined as expected, "
            << tally.unknown << " declined otherwise; " << int(seconds)
            << " s; nothing was run on a GPU\n";
  return tally.unknown == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    LATHE_CHECK(argc == 2 || (argc == 3 && argv[2] == std::string("--models")),
                "expects cudnn_plans GPU [--models]");
    return run(argv[1], argc == 3);
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
