// The landmark detector: is a face real or fake, from the positions of 68 landmarks in 16 video
// frames. 3,090,497 parameters with its usual sizes.
#pragma once

#include "models/mlp.h"

namespace lathe {

struct LandmarkMlpOptions {
  int64_t inputs = 16 * 136;  ///< frames a sample, times x and y of 68 landmarks
  std::vector<int64_t> hidden = {1088, 512, 256, 128};
};

/// Linear layers fc1 to fc5 with ReLU between. x (B, 2176) or (B, 16, 136) to one logit a sample,
/// (B,).
class LandmarkMlp final : public Module {
 public:
  explicit LandmarkMlp(const LandmarkMlpOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override { body_.visit(visitor); }  // fc1 … fc5, no name in between
  std::string kind() const override { return "LandmarkMlp"; }

 private:
  Mlp body_;
};

}  // namespace lathe
