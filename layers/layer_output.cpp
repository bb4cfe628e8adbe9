#include "layers/layer_output.h"

#include <algorithm>
#include <vector>

#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {

namespace detail {

struct LayerTap {
  std::string path;
  bool input;
  Tensor found;
};
thread_local LayerTap* layer_tap = nullptr;

namespace {

/// Ends a forward from inside; no error, so no Error.
struct Reached {};

}  // namespace

Tensor tapped_forward(Module& module, const Tensor& x) {
  const bool wanted = module.path() == layer_tap->path;
  const Tensor y = wanted && layer_tap->input ? x : module.forward(x);
  if (!wanted) return y;
  layer_tap->found = y;
  throw Reached();
}

}  // namespace detail

namespace {

struct RestoredTap {
  explicit RestoredTap(detail::LayerTap& tap) { detail::layer_tap = &tap; }
  ~RestoredTap() { detail::layer_tap = nullptr; }
};

}  // namespace

Tensor layer_output(Module& model, const std::string& layer, const Tensor& x) {
  const bool input = layer.ends_with(".input");
  detail::LayerTap tap{input ? layer.substr(0, layer.size() - 6) : layer, input, {}};
  std::vector<std::string> paths;
  for_each_module(model, [&](const std::string& path, Module&) {
    if (!path.empty()) paths.push_back(path);
  });
  LATHE_CHECK(std::find(paths.begin(), paths.end(), tap.path) != paths.end(),
              "layer: the model has no layer '", tap.path, "'", suggestion(tap.path, paths),
              "; `lathe summary` lists them");
  try {
    const RestoredTap scope(tap);
    model(x);
  } catch (const detail::Reached&) {
  }
  const size_t dot = tap.path.rfind('.');
  LATHE_CHECK(tap.found, "layer: '", layer,
              "' is computed together with its neighbours and has no ", "output of its own",
              dot == std::string::npos
                  ? "; take another"
                  : "; take the block around it, such as '" + tap.path.substr(0, dot) + "'");
  return tap.found;
}

}  // namespace lathe
