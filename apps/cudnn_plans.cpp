#include "apps/cudnn_plans.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/convolution_list.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string kernel_of(int use) {
  return use == 1   ? "conv2d_backward_input"
         : use == 2 ? "conv2d_backward_weight"
                    : "conv2d_forward";
}

}  // namespace

Json cudnn_plans(const std::string& only, const std::string& gpu) {
  const std::string json = kernels::cudnn::device_json(gpu), driver = use_stand_in_driver();
  const kernels::cudnn::DeviceProperties device(json);
  Json plans = Json::array();
  for (int use = 0; use < uses; ++use) {
    if (!kernel_of(use).starts_with(only)) continue;
    for (const ListedConvolution& layer : typical_convolutions())
      for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
        const auto convolution = use_of(layer, use, dtype);
        const Answer answer = ask(convolution, device);
        Json row = {{"kernel", kernel_of(use)},
                    {"use", use_name(layer, use)},
                    {"layer", layer.model},
                    {"shape", shape_text(convolution)},
                    {"dtype", name(dtype)}};
        if (answer.declined.empty()) {
          row["engine"] = answer.engine;
          row["workspace"] = answer.workspace_bytes;
        } else {
          row["declined"] = answer.declined;
        }
        plans.push_back(row);
      }
  }
  LATHE_CHECK(!plans.empty(), "kernels --as: tells cuDNN's plans for the conv2d kernels, not for '",
              only, "'");
  return {{"cudnn", concat(CUDNN_MAJOR, ".", CUDNN_MINOR, ".", CUDNN_PATCHLEVEL)},
          {"gpu", gpu},
          {"driver", driver.empty() ? "this machine's" : driver},
          {"plans", plans}};
}

std::string cudnn_plans_text(const Json& plans) {
  std::string text = fmt::format(
      "cuDNN {} on {}; driver: {}\nWhat its support checks and its compiler take: nothing was "
      "run.\n",
      plans["cudnn"].get<std::string>(), plans["gpu"].get<std::string>(),
      plans["driver"].get<std::string>());
  std::string last;
  for (const Json& row : plans["plans"]) {
    const std::string kernel = row["kernel"], layer = row["layer"], use = row["use"];
    if (kernel != last) text += kernel + "\n";
    last = kernel;
    const std::string what = use + " of " + layer;
    const std::string answer =
        row.contains("declined")
            ? row["declined"].get<std::string>()
            : fmt::format("engine {}, workspace {:.1f} MB", row["engine"].get<int64_t>(),
                          double(row["workspace"].get<int64_t>()) / 1e6);
    text += fmt::format("  {} {:<5} {:<68} {}\n", row.contains("declined") ? "-" : "+",
                        row["dtype"].get<std::string>(), what, answer);
  }
  return text + "A row that starts with - goes to the next row of `lathe kernels`.\n";
}

}  // namespace lathe::apps
