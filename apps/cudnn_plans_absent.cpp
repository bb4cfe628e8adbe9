// `lathe kernels --as` in a build without cuDNN.
#include <nlohmann/json.hpp>

#include "apps/cudnn_plans.h"
#include "tensor/check.h"

namespace lathe::apps {

nlohmann::ordered_json cudnn_plans(const std::string&, const std::string&) {
  fail(
      ErrorKind::usage,
      "kernels --as: this build has no cuDNN to ask; a machine with the CUDA toolkit and cuDNN 9.8 "
      "or later, but without a GPU, can: cmake --preset nvcc && cmake --build --preset nvcc");
}

std::string cudnn_plans_text(const nlohmann::ordered_json&) { return ""; }

}  // namespace lathe::apps
