#include "apps/convolution_list.h"

#include <dlfcn.h>

#include <array>
#include <sstream>

namespace lathe::apps {
namespace {

using kernels::Nonlinearity;
using kernels::cudnn::Convolution;
using kernels::cudnn::Direction;

constexpr std::array nonlinearity_names{"none", "relu", "relu6", "silu"};

constexpr const char* typical = R"(
resnet50.conv1 1 32 224 224 3 64 7 7 3 2 2 3 3 3 3 1 1 1 relu
resnet50.layer1.0.conv2 1 32 56 56 64 64 3 3 64 1 1 1 1 1 1 1 1 1 relu
resnet50.layer1.0.conv3 1 32 56 56 64 256 1 1 64 1 1 0 0 0 0 1 1 1 relu
resnet50.layer2.0.conv2 1 32 56 56 128 128 3 3 128 2 2 1 1 1 1 1 1 1 relu
resnet50.layer2.0.downsample 1 32 56 56 256 512 1 1 256 2 2 0 0 0 0 1 1 1 relu
resnext50_32x4d.layer1.0.conv2 1 32 56 56 128 128 3 3 4 1 1 1 1 1 1 1 1 32 relu
inception_v3.Mixed_6b.branch7x7_2 1 32 17 17 128 128 1 7 128 1 1 0 0 3 3 1 1 1 relu
tf_efficientnetv2_s.conv_stem 1 32 224 224 3 24 3 3 3 2 2 0 1 0 1 1 1 1 silu
tf_efficientnetv2_s.blocks.3.1.conv_dw 1 32 14 14 512 512 3 3 1 1 1 1 1 1 1 1 1 512 silu
efficientnet_lite0._blocks.3._depthwise 1 32 56 56 144 144 5 5 1 2 2 1 2 1 2 1 1 144 relu6
lenet.conv2 1 32 14 14 6 16 5 5 6 1 1 0 0 0 0 1 1 1 relu
glem_cnn.layer.8 1 32 14 14 32 64 5 5 32 1 1 0 0 0 0 1 1 1 relu
)";

ListedConvolution read_line(const std::string& line) {
  std::istringstream words(line);
  ListedConvolution layer;
  Convolution& c = layer.convolution;
  kernels::Conv2dShape& s = c.shape;
  std::string f;
  words >> layer.model >> layer.count;
  for (int64_t& extent : c.x) words >> extent;
  for (int64_t& extent : c.w) words >> extent;
  words >> s.stride_h >> s.stride_w >> s.pad_top >> s.pad_bottom >> s.pad_left >> s.pad_right >>
      s.dilation_h >> s.dilation_w >> s.groups >> f;
  size_t at = 0;
  while (at < nonlinearity_names.size() && f != nonlinearity_names[at]) ++at;
  if (!words || at == nonlinearity_names.size())
    fail(ErrorKind::data, "convolutions: expects model, count and 17 numbers, then none, relu, ",
         "relu6 or silu, got '", line, "'");
  layer.f = Nonlinearity(at);
  const auto output = [](int64_t in, int64_t window, int64_t padding, int64_t stride, int64_t d) {
    return (in + padding - d * (window - 1) - 1) / stride + 1;
  };
  c.y = {c.x[0], output(c.x[1], c.w[1], s.pad_top + s.pad_bottom, s.stride_h, s.dilation_h),
         output(c.x[2], c.w[2], s.pad_left + s.pad_right, s.stride_w, s.dilation_w), c.w[0]};
  return layer;
}

Nonlinearity after_residual(const ListedConvolution& layer) {
  return layer.f == Nonlinearity::relu ? layer.f : Nonlinearity::none;  // as blocks of MBConv end
}

}  // namespace

std::vector<ListedConvolution> read_convolutions(std::istream& text) {
  std::vector<ListedConvolution> layers;
  for (std::string line; std::getline(text, line);)
    if (!line.empty()) layers.push_back(read_line(line));
  return layers;
}

std::vector<ListedConvolution> typical_convolutions() {
  std::istringstream text(typical);
  return read_convolutions(text);
}

std::string use_name(const ListedConvolution& layer, int use) {
  constexpr std::array names{"forward", "backward_input", "backward_weight", "forward+bias",
                             "forward+residual+bias"};
  const Nonlinearity f = use == 3 ? layer.f : use == 4 ? after_residual(layer) : Nonlinearity::none;
  const std::string name = names[size_t(use)];
  return f == Nonlinearity::none ? name : name + "+" + nonlinearity_names[size_t(f)];
}

Convolution use_of(const ListedConvolution& layer, int use, DType dtype) {
  Convolution c = layer.convolution;
  c.dtype = dtype;
  c.tf32 = kernels::cudnn::tf32_allowed();
  if (use < 3) {
    c.direction = Direction(use);
    return c;
  }
  c.bias = true;
  c.residual = use == 4;
  c.f = use == 3 ? layer.f : after_residual(layer);
  return c;
}

std::string shape_text(const Convolution& c) {
  const auto times = [](const kernels::cudnn::Extents& e) {
    return concat(e[0], "x", e[1], "x", e[2], "x", e[3]);
  };
  const kernels::Conv2dShape& s = c.shape;
  std::string text = concat("x ", times(c.x), " w ", times(c.w));
  const auto pair = [&](const char* name, int64_t h, int64_t w, int64_t usual) {
    if (h == usual && w == usual) return;
    text += h == w ? concat(" ", name, " ", h) : concat(" ", name, " ", h, ",", w);
  };
  pair("stride", s.stride_h, s.stride_w, 1);
  if (s.pad_top == s.pad_bottom && s.pad_left == s.pad_right)
    pair("pad", s.pad_top, s.pad_left, 0);
  else
    text += concat(" pad ", s.pad_top, ",", s.pad_bottom, ",", s.pad_left, ",", s.pad_right);
  pair("dilation", s.dilation_h, s.dilation_w, 1);
  pair("groups", s.groups, s.groups, 1);
  return text;
}

Answer ask(const Convolution& convolution, const kernels::cudnn::DeviceProperties& device) {
  try {
    const auto plans = kernels::cudnn::plans(convolution, device, 1);
    return {plans[0].engine, plans[0].workspace_bytes, ""};
  } catch (const kernels::cudnn::Declined& declined) {
    return {0, 0, declined.what()};
  }
}

std::string use_stand_in_driver() {
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL)) return "";
  // cuDNN asks for libcuda.so.1, and gets what is loaded under that name.
  if (dlopen(LATHE_NO_DRIVER, RTLD_NOW | RTLD_GLOBAL)) return "a driver without devices";
  return "none: engines that are compiled at run time are missing";
}

}  // namespace lathe::apps
