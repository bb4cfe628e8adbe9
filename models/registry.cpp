#include "models/registry.h"

#include <nlohmann/json.hpp>

#include "layers/init.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

std::map<std::string, ModelFactory>& factories() {
  static std::map<std::string, ModelFactory> all;
  return all;
}

nlohmann::json parse(const std::string& text) {
  return nlohmann::json::parse(text, nullptr, false);
}

bool is_count(const nlohmann::json& value, int64_t least) {
  return value.is_number_integer() && value.get<int64_t>() >= least;
}

}  // namespace

const std::string* ModelOptions::find(const std::string& name, const std::string& fallback) {
  asked_.emplace(name, fallback);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

int64_t ModelOptions::integer(const std::string& name, int64_t fallback, int64_t least) {
  const std::string* text = find(name, nlohmann::json(fallback).dump());
  if (!text) return fallback;
  const nlohmann::json value = parse(*text);
  LATHE_CHECK(is_count(value, least), model_, ": the option '", name,
              "' expects a whole number of at least ", least, ", got ", *text);
  return value.get<int64_t>();
}

std::vector<int64_t> ModelOptions::integers(const std::string& name,
                                            const std::vector<int64_t>& fallback) {
  const std::string* text = find(name, nlohmann::json(fallback).dump());
  if (!text) return fallback;
  const nlohmann::json list = parse(*text);
  bool good = list.is_array();
  if (good)
    for (const auto& value : list) good &= is_count(value, 1);
  LATHE_CHECK(good, model_, ": the option '", name,
              "' expects a list of whole numbers of at least 1, got ", *text);
  return list.get<std::vector<int64_t>>();
}

double ModelOptions::probability(const std::string& name, double fallback) {
  const std::string* text = find(name, nlohmann::json(fallback).dump());
  if (!text) return fallback;
  const nlohmann::json value = parse(*text);
  const bool good = value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 1;
  LATHE_CHECK(good, model_, ": the option '", name, "' expects a number from 0 to 1, got ", *text);
  return value.get<double>();
}

bool ModelOptions::flag(const std::string& name, bool fallback) {
  const std::string* text = find(name, nlohmann::json(fallback).dump());
  if (!text) return fallback;
  const nlohmann::json value = parse(*text);
  LATHE_CHECK(value.is_boolean(), model_, ": the option '", name, "' expects true or false, got ",
              *text);
  return value.get<bool>();
}

void ModelOptions::check_all_used() const {
  std::vector<std::string> known;
  for (const auto& [name, fallback] : asked_) known.push_back(name);
  for (const auto& [name, value] : values_)
    LATHE_CHECK(asked_.count(name), model_, ": has no option '", name, "'", suggestion(name, known),
                " (its options: ", list_text(known), ")");
}

bool register_model(const std::string& name, ModelFactory create) {
  return factories().emplace(name, create).second;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& [name, create] : factories()) names.push_back(name);
  return names;
}

std::string model_name(const std::string& typed) {
  static const std::map<std::string, std::string> aliases = {
      {"resnext50", "resnext50_32x4d"},
      {"inceptionv3", "inception_v3"},
      {"inception3", "inception_v3"},
      {"efficientnetv2_s", "tf_efficientnetv2_s"},
      {"efficientnetv2_m", "tf_efficientnetv2_m"},
      {"efficientnet-lite0", "efficientnet_lite0"},
      {"lenet5", "lenet"},
      // timm's, for torchvision's weights
      {"tv_resnet34", "resnet34"},
      {"tv_resnet50", "resnet50"},
      {"tv_resnet101", "resnet101"},
      {"tv_resnext50_32x4d", "resnext50_32x4d"},
  };
  std::string name = typed;
  if (name.ends_with("in1k") || name.ends_with("in21k")) name = name.substr(0, name.find('.'));
  const auto alias = aliases.find(name);
  if (alias != aliases.end()) name = alias->second;
  return factories().count(name) ? name : typed;
}

namespace {

ModelFactory factory_of(const std::string& name) {
  const auto found = factories().find(name);
  LATHE_CHECK(found != factories().end(), "model: there is no '", name, "'",
              suggestion(name, model_names()), " (models: ", list_text(model_names()), ")");
  return found->second;
}

}  // namespace

std::map<std::string, std::string> model_options(const std::string& name) {
  const NoInitialValues nobody_uses_it;
  ModelOptions options(name, {});
  factory_of(name)(options);
  return options.asked();
}

std::unique_ptr<Module> create_model(const std::string& typed,
                                     const std::map<std::string, std::string>& values) {
  const std::string name = model_name(typed);
  ModelOptions options(name, values);
  auto model = factory_of(name)(options);
  options.check_all_used();
  model->name_paths();
  return model;
}

}  // namespace lathe
