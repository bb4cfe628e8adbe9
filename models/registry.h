// Models by name, as recipes ask for them. A model's file registers it with the options that it
// takes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "layers/module.h"

namespace lathe {

/// A model's options from a recipe: each value as JSON text ("[512, 256]"). Errors name the model
/// and the option.
class ModelOptions {
 public:
  ModelOptions(std::string model, std::map<std::string, std::string> values)
      : model_(std::move(model)), values_(std::move(values)) {}
  /// A whole number of at least `least`, or the fallback when it is not given.
  int64_t integer(const std::string& name, int64_t fallback, int64_t least = 1);
  /// A list of whole numbers of at least 1.
  std::vector<int64_t> integers(const std::string& name, const std::vector<int64_t>& fallback);
  /// A number from 0 to 1.
  double probability(const std::string& name, double fallback);
  /// true or false.
  bool flag(const std::string& name, bool fallback);
  /// What was asked for, each with its value when it is not given, as JSON text.
  const std::map<std::string, std::string>& asked() const { return asked_; }
  /// Throws for an option that nothing asked for, offering the nearest one that was.
  void check_all_used() const;

 private:
  const std::string* find(const std::string& name, const std::string& fallback);
  std::string model_;
  std::map<std::string, std::string> values_;
  std::map<std::string, std::string> asked_;  // with the values they have when not given
};

using ModelFactory = std::unique_ptr<Module> (*)(ModelOptions& options);

/// Adds a model; done once by its file, before main.
bool register_model(const std::string& name, ModelFactory create);
/// All names, sorted.
std::vector<std::string> model_names();
/// The name that a model is registered by, of one that people type for it: "resnext50",
/// "tf_efficientnetv2_m.in21k_ft_in1k" with timm's tag of the weights. Other names stay as they
/// are.
std::string model_name(const std::string& typed);
/// A model's options, each with the value that it has when a recipe does not say, as JSON text.
std::map<std::string, std::string> model_options(const std::string& name);
/// A new model with fresh parameters and its layers' paths named. The name may be any that
/// model_name() knows. Throws Error(usage) for an unknown name or option, with the nearest known
/// one.
std::unique_ptr<Module> create_model(const std::string& name,
                                     const std::map<std::string, std::string>& options = {});

}  // namespace lathe
