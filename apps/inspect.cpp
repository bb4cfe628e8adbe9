// lathe inspect: the tensors of a file; of two files, their differences.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "tensor/check.h"
#include "tensor/parallel.h"
#include "tensor/serialize/safetensors.h"
#include "tensor/serialize/weights_file.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

/// Range and sum over the finite elements of a tensor, or of a part of it.
struct Range {
  double low = HUGE_VAL, high = -HUGE_VAL, sum = 0;
  int64_t finite = 0;
};

template <class T>
Range range_of(const T* values, int64_t count) {
  Range r;
  for (int64_t i = 0; i < count; ++i) {
    const double value = double(values[i]);
    if (!std::isfinite(value)) continue;
    r.low = std::min(r.low, value);
    r.high = std::max(r.high, value);
    r.sum += value;
    ++r.finite;
  }
  return r;
}

Range range_of(const Tensor& t) {
  Range all;
  std::mutex mutex;
  dispatch_all(t.dtype(), [&]<class T>() {
    parallel_for(0, t.numel(), 1 << 20, [&](int64_t begin, int64_t end) {
      const Range part = range_of(t.data<T>() + begin, end - begin);
      const std::lock_guard lock(mutex);
      all.low = std::min(all.low, part.low);
      all.high = std::max(all.high, part.high);
      all.sum += part.sum;
      all.finite += part.finite;
    });
  });
  return all;
}

/// Name, dtype and shape; with `values`, what the elements are (null where none is finite).
Json describe(const StoredTensor& t, bool values) {
  Json json = {{"name", t.name},
               {"dtype", safetensors_name(t.tensor.dtype())},
               {"shape", shape_json(t.tensor.shape())}};
  if (!values) return json;
  const Range r = range_of(t.tensor);
  json["min"] = r.finite ? Json(r.low) : Json();
  json["max"] = r.finite ? Json(r.high) : Json();
  json["mean"] = r.finite ? Json(r.sum / double(r.finite)) : Json();
  json["nonfinite"] = t.tensor.numel() - r.finite;
  return json;
}

int inspect_one(const std::string& file, bool values, const CommonOptions& common) {
  const WeightsFile content = read_weights(file);
  print_notes(file, content.notes, common);
  Json tensors = Json::array();
  for (const StoredTensor& t : content.tensors) tensors.push_back(describe(t, values));
  if (common.json) {
    print_json({{"file", file},
                {"format", content.format},
                {"metadata", content.metadata},
                {"tensors", tensors}});
    return 0;
  }
  std::cout << file << ": " << content.format << ", " << content.tensors.size() << " tensors\n";
  for (const auto& [key, value] : content.metadata) {
    const auto lines = std::count(value.begin(), value.end(), '\n');
    std::cout << "  " << key << " = "
              << (lines > 0             ? fmt::format("({} lines)", lines)
                  : value.size() > 1000 ? fmt::format("({} characters)", value.size())
                                        : value)
              << "\n";
  }
  for (const Json& t : tensors) {
    if (!values) {
      std::cout << fmt::format("  {:<36} {:<5} {}\n", t["name"].get<std::string>(),
                               t["dtype"].get<std::string>(), t["shape"].dump());
      continue;
    }
    auto number = [&](const char* key) {
      return t[key].is_null() ? std::string("-") : fmt::format("{:.5g}", t[key].get<double>());
    };
    std::cout << fmt::format(
        "  {:<36} {:<5} {:<18} {} … {}, mean {}{}\n", t["name"].get<std::string>(),
        t["dtype"].get<std::string>(), t["shape"].dump(), number("min"), number("max"),
        number("mean"),
        t["nonfinite"] == 0 ? "" : fmt::format(", {} not finite", t["nonfinite"].get<int64_t>()));
  }
  return 0;
}

/// The largest difference of two tensors of equal shape; NaN differs from everything but NaN.
double largest_difference(const Tensor& a, const Tensor& b) {
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i] == right[i] || (std::isnan(left[i]) && std::isnan(right[i]))) continue;
    const double difference = std::abs(left[i] - right[i]);
    worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, difference);
  }
  return worst;
}

Json compare(const WeightsFile& first, const WeightsFile& second) {
  Json only_first = Json::array(), only_second = Json::array(), tensors = Json::array();
  bool equal = true;
  for (const StoredTensor& t : first.tensors) {
    const Tensor other = find(second.tensors, t.name);
    if (!other) {
      only_first.push_back(t.name);
      continue;
    }
    Json one = {{"name", t.name}};
    if (t.tensor.dtype() != other.dtype())
      one["dtypes"] = {safetensors_name(t.tensor.dtype()), safetensors_name(other.dtype())};
    if (t.tensor.shape() != other.shape()) {
      one["equal"] = false;
      one["shapes"] = {shape_json(t.tensor.shape()), shape_json(other.shape())};
    } else {
      const double difference = largest_difference(t.tensor, other);
      one["equal"] = difference == 0 && t.tensor.dtype() == other.dtype();
      one["largest_difference"] = difference;
    }
    equal &= one["equal"].get<bool>();
    tensors.push_back(one);
  }
  for (const StoredTensor& t : second.tensors)
    if (!find(first.tensors, t.name)) only_second.push_back(t.name);
  equal &= only_first.empty() && only_second.empty();
  return {{"equal", equal},
          {"only_in_first", only_first},
          {"only_in_second", only_second},
          {"tensors", tensors}};
}

int inspect_two(const std::string& first, const std::string& second, const CommonOptions& common) {
  Json result = {{"files", {first, second}}};
  const WeightsFile one = read_weights(first), other = read_weights(second);
  print_notes(first, one.notes, common);
  print_notes(second, other.notes, common);
  result.update(compare(one, other));
  if (common.json) {
    print_json(result);
    return 0;
  }
  for (auto [key, file] : {std::pair("only_in_first", first), {"only_in_second", second}})
    for (const Json& name : result[key])
      std::cout << name.get<std::string>() << ": only in " << file << "\n";
  for (const Json& t : result["tensors"]) {
    if (t["equal"]) continue;
    std::cout << t["name"].get<std::string>() << ": ";
    if (t.contains("shapes"))
      std::cout << "shapes " << t["shapes"][0].dump() << " and " << t["shapes"][1].dump() << "\n";
    else
      std::cout << "differs by up to " << t["largest_difference"].get<double>()
                << (t.contains("dtypes") ? " (types " + t["dtypes"][0].get<std::string>() +
                                               " and " + t["dtypes"][1].get<std::string>() + ")"
                                         : "")
                << "\n";
  }
  std::cout << (result["equal"] ? "all tensors are equal\n" : "the files differ\n");
  return 0;
}

}  // namespace

void add_inspect(Program& program) {
  auto files = std::make_shared<std::vector<std::string>>();
  auto names = std::make_shared<bool>(false);
  program
      .add("inspect",
           "the tensors of a .safetensors, .pth, .npy or .npz; of two, their differences")
      .argument("FILE", *files, "one file, or two to compare")
      .flag("--names", *names, "names, types and shapes alone: the elements are not read")
      .run([&program, files, names] {
        LATHE_CHECK(files->size() <= 2, "inspect: expects one file, or two, got ", files->size());
        return files->size() == 1 ? inspect_one((*files)[0], !*names, program.common)
                                  : inspect_two((*files)[0], (*files)[1], program.common);
      });
}

}  // namespace lathe::apps
