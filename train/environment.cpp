#include "train/environment.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lathe_build.h"  // written by CMake into the build folder
#include "lathe_commit.h"
#include "tensor/device.h"
#include "tensor/parallel.h"

namespace lathe {
namespace {

using Json = nlohmann::ordered_json;

/// Instruction sets that rows ask for, as /proc/cpuinfo spells them.
constexpr const char* interesting[] = {"sse4_2",   "avx",         "avx2",        "fma",
                                       "f16c",     "avx512f",     "avx512dq",    "avx512bw",
                                       "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
                                       "amx_tile", "amx_bf16",    "asimd",       "sve"};

Json cpu() {
  std::ifstream in("/proc/cpuinfo");
  std::string line, model;
  Json features = Json::array();
  while (std::getline(in, line)) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("model name")) model = value;
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(value);
    for (std::string word; words >> word;)
      if (std::find(std::begin(interesting), std::end(interesting), word) != std::end(interesting))
        features.push_back(word);
    break;  // the other cores have the same
  }
  return {{"name", model}, {"threads", num_threads()}, {"features", features}};
}

Json devices() {
  Json list = Json::array();
  for (Device device : {Device::cpu, Device::cuda}) {
    const std::string reason = unavailable(device);
    Json one = {{"device", name(device)}, {"available", reason.empty()}};
    if (reason.empty())
      one["name"] = device_api(device).description();
    else
      one["why"] = reason;
    list.push_back(one);
  }
  return list;
}

Json parse(const char* json) { return Json::parse(json); }

}  // namespace

std::string version() { return LATHE_VERSION; }

std::string build_option(const std::string& name) {
  const Json options = parse(LATHE_BUILD_OPTIONS);
  return options.contains(name) ? options[name].get<std::string>() : "";
}

nlohmann::ordered_json environment() {
  return {{"version", version()},
          {"commit", LATHE_COMMIT},
          {"compiler", LATHE_COMPILER},
          {"build", parse(LATHE_BUILD_OPTIONS)},
          {"cpu", cpu()},
          {"devices", devices()},
          {"libraries", parse(LATHE_LIBRARY_VERSIONS)}};
}

}  // namespace lathe
