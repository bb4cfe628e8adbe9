// lathe inspect: the tensors of a file; of two files, their differences.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "tensor/check.h"
#include "tensor/serialize/safetensors.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

SafeTensors read(const std::string& file) {
  if (std::filesystem::is_regular_file(file) && !is_safetensors(file))
    fail(ErrorKind::data, file, ": is no safetensors file; other formats cannot be read yet");
  return read_safetensors(file);
}

/// Range and mean over the finite elements; null where there is none.
Json describe(const StoredTensor& t) {
  double low = HUGE_VAL, high = -HUGE_VAL, sum = 0;
  int64_t nonfinite = 0, finite = 0;
  for (double value : t.tensor.to_vector<double>()) {
    if (!std::isfinite(value)) {
      ++nonfinite;
      continue;
    }
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value;
    ++finite;
  }
  Json json = {{"name", t.name},
               {"dtype", safetensors_name(t.tensor.dtype())},
               {"shape", shape_json(t.tensor.shape())}};
  json["min"] = finite ? Json(low) : Json();
  json["max"] = finite ? Json(high) : Json();
  json["mean"] = finite ? Json(sum / double(finite)) : Json();
  json["nonfinite"] = nonfinite;
  return json;
}

int inspect_one(const std::string& file, bool json) {
  const SafeTensors content = read(file);
  Json tensors = Json::array();
  for (const StoredTensor& t : content.tensors) tensors.push_back(describe(t));
  if (json) {
    print_json({{"file", file},
                {"format", "safetensors"},
                {"metadata", content.metadata},
                {"tensors", tensors}});
    return 0;
  }
  std::cout << file << ": safetensors, " << content.tensors.size() << " tensors\n";
  for (const auto& [key, value] : content.metadata) {
    const auto lines = std::count(value.begin(), value.end(), '\n');
    std::cout << "  " << key << " = "
              << (lines > 0             ? fmt::format("({} lines)", lines)
                  : value.size() > 1000 ? fmt::format("({} characters)", value.size())
                                        : value)
              << "\n";
  }
  for (const Json& t : tensors) {
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

Json compare(const SafeTensors& first, const SafeTensors& second) {
  Json only_first = Json::array(), only_second = Json::array(), tensors = Json::array();
  bool equal = true;
  for (const StoredTensor& t : first.tensors) {
    const Tensor other = second.find(t.name);
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
    if (!first.find(t.name)) only_second.push_back(t.name);
  equal &= only_first.empty() && only_second.empty();
  return {{"equal", equal},
          {"only_in_first", only_first},
          {"only_in_second", only_second},
          {"tensors", tensors}};
}

int inspect_two(const std::string& first, const std::string& second, bool json) {
  Json result = {{"files", {first, second}}};
  result.update(compare(read(first), read(second)));
  if (json) {
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
  program.add("inspect", "the tensors of a safetensors file; of two files, their differences")
      .argument("FILE", *files, "one file, or two to compare")
      .run([&program, files] {
        LATHE_CHECK(files->size() <= 2, "inspect: expects one file, or two, got ", files->size());
        return files->size() == 1 ? inspect_one((*files)[0], program.common.json)
                                  : inspect_two((*files)[0], (*files)[1], program.common.json);
      });
}

}  // namespace lathe::apps
