#include "models/inception_blocks.h"

#include "layers/channels.h"
#include "layers/init.h"
#include "layers/pool2d.h"

namespace lathe {

BasicConv2d::BasicConv2d(int64_t in, int64_t out, Size2 kernel, Size2 stride, Padding2 padding)
    : conv_({.in_channels = in,
             .out_channels = out,
             .kernel = kernel,
             .stride = stride,
             .padding = padding,
             .bias = false,
             .init_deviation = 0.1}),
      bn_(out, {.eps = 1e-3}) {}

void BasicConv2d::visit(Visitor& visitor) {
  visitor.child("conv", conv_);
  visitor.child("bn", bn_);
}

InceptionBlock::InceptionBlock(std::string kind, int64_t in, const std::vector<Branch>& branches)
    : kind_(std::move(kind)) {
  for (const Branch& branch : branches) {
    Built& built = branches_.emplace_back(Built{{}, branch.before, branch.forked});
    int64_t channels = in;
    for (const Conv& c : branch.convs) {
      const bool halves = c.stride == Size2(2);
      const Padding2 padding = halves ? 0 : Padding2(c.kernel.height / 2, c.kernel.width / 2);
      built.convs.emplace_back(
          c.name, std::make_unique<BasicConv2d>(channels, c.out, c.kernel, c.stride, padding));
      channels = c.out;
    }
  }
}

Tensor InceptionBlock::forward(const Tensor& x) {
  std::vector<Tensor> parts;
  for (const Built& branch : branches_) {
    Tensor h = x;
    if (branch.before == Pool::average) h = avg_pool2d(x, {.kernel = 3, .stride = 1, .padding = 1});
    if (branch.before == Pool::max) h = max_pool2d(x, {.kernel = 3, .stride = 2});
    size_t next = 0;
    while (next < branch.convs.size() - (branch.forked ? 2 : 0))
      h = (*branch.convs[next++].second)(h);
    if (!branch.forked) parts.push_back(h);
    while (next < branch.convs.size()) parts.push_back((*branch.convs[next++].second)(h));
  }
  return concat_channels(parts);
}

void InceptionBlock::visit(Visitor& visitor) {
  for (const Built& branch : branches_)
    for (const auto& [name, conv] : branch.convs) visitor.child(name, *conv);
}

namespace {

using Pool = InceptionBlock::Pool;

std::unique_ptr<InceptionBlock> block(const char* kind, int64_t in,
                                      const std::vector<InceptionBlock::Branch>& branches) {
  return std::make_unique<InceptionBlock>(kind, in, branches);
}

}  // namespace

std::unique_ptr<InceptionBlock> inception_a(int64_t in, int64_t pool_features) {
  return block("InceptionA", in,
               {{{{"branch1x1", 64, 1}}},
                {{{"branch5x5_1", 48, 1}, {"branch5x5_2", 64, 5}}},
                {{{"branch3x3dbl_1", 64, 1}, {"branch3x3dbl_2", 96, 3}, {"branch3x3dbl_3", 96, 3}}},
                {{{"branch_pool", pool_features, 1}}, Pool::average}});
}

std::unique_ptr<InceptionBlock> inception_b(int64_t in) {
  return block(
      "InceptionB", in,
      {{{{"branch3x3", 384, 3, 2}}},
       {{{"branch3x3dbl_1", 64, 1}, {"branch3x3dbl_2", 96, 3}, {"branch3x3dbl_3", 96, 3, 2}}},
       {{}, Pool::max}});
}

std::unique_ptr<InceptionBlock> inception_c(int64_t in, int64_t channels_7x7) {
  const int64_t c7 = channels_7x7;
  const Size2 row(1, 7), column(7, 1);
  return block("InceptionC", in,
               {{{{"branch1x1", 192, 1}}},
                {{{"branch7x7_1", c7, 1}, {"branch7x7_2", c7, row}, {"branch7x7_3", 192, column}}},
                {{{"branch7x7dbl_1", c7, 1},
                  {"branch7x7dbl_2", c7, column},
                  {"branch7x7dbl_3", c7, row},
                  {"branch7x7dbl_4", c7, column},
                  {"branch7x7dbl_5", 192, row}}},
                {{{"branch_pool", 192, 1}}, Pool::average}});
}

std::unique_ptr<InceptionBlock> inception_d(int64_t in) {
  return block("InceptionD", in,
               {{{{"branch3x3_1", 192, 1}, {"branch3x3_2", 320, 3, 2}}},
                {{{"branch7x7x3_1", 192, 1},
                  {"branch7x7x3_2", 192, Size2(1, 7)},
                  {"branch7x7x3_3", 192, Size2(7, 1)},
                  {"branch7x7x3_4", 192, 3, 2}}},
                {{}, Pool::max}});
}

std::unique_ptr<InceptionBlock> inception_e(int64_t in) {
  const Size2 row(1, 3), column(3, 1);
  return block(
      "InceptionE", in,
      {{{{"branch1x1", 320, 1}}},
       {{{"branch3x3_1", 384, 1}, {"branch3x3_2a", 384, row}, {"branch3x3_2b", 384, column}},
        Pool::none,
        true},
       {{{"branch3x3dbl_1", 448, 1},
         {"branch3x3dbl_2", 384, 3},
         {"branch3x3dbl_3a", 384, row},
         {"branch3x3dbl_3b", 384, column}},
        Pool::none,
        true},
       {{{"branch_pool", 192, 1}}, Pool::average}});
}

InceptionAux::InceptionAux(int64_t in, int64_t num_classes)
    : conv0_(in, 128, 1), conv1_(128, 768, 5), fc_(768, num_classes) {
  init_normal_(fc_.weight, 0.001);
}

Tensor InceptionAux::forward(const Tensor& x) {          // (N, 17, 17, in)
  Tensor h = avg_pool2d(x, {.kernel = 5, .stride = 3});  // (N, 5, 5, in)
  h = conv1_(conv0_(h));                                 // (N, 1, 1, 768)
  return fc_(global_avg_pool(h));                        // (N, num_classes)
}

void InceptionAux::visit(Visitor& visitor) {
  visitor.child("conv0", conv0_);
  visitor.child("conv1", conv1_);
  visitor.child("fc", fc_);
}

}  // namespace lathe
