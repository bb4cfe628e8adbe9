#include "train/recipe_value.h"

#include <algorithm>
#include <cmath>

#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

std::string type_of(const toml::node& node) {
  if (node.is_string()) return "the text '" + *node.value<std::string>() + "'";
  if (node.is_integer()) return concat("the integer ", *node.value<int64_t>());
  if (node.is_floating_point()) return concat("the number ", *node.value<double>());
  if (node.is_boolean()) return *node.value<bool>() ? "true" : "false";
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  return "a date or time";
}

nlohmann::json to_json(const toml::node& node, const std::string& where) {
  if (node.is_string()) return *node.value<std::string>();
  if (node.is_integer()) return *node.value<int64_t>();
  if (node.is_floating_point()) {
    const double number = *node.value<double>();
    if (!std::isfinite(number))
      fail(ErrorKind::usage, where, "expects a finite number, got ", number);
    return number;
  }
  if (node.is_boolean()) return *node.value<bool>();
  if (!node.is_array())
    fail(ErrorKind::usage, where, "expects a number, text, true, false or a list, got ",
         type_of(node));
  nlohmann::json list = nlohmann::json::array();
  for (const toml::node& item : *node.as_array()) list.push_back(to_json(item, where));
  return list;
}

/// The same with tables inside: a step of a transform, whose parts may be steps themselves.
nlohmann::json step_json(const toml::node& node, const std::string& where) {
  if (const toml::table* table = node.as_table()) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [name, item] : *table)
      object[std::string(name.str())] = step_json(item, where);
    return object;
  }
  const toml::array* array = node.as_array();
  if (!array) return to_json(node, where);
  nlohmann::json list = nlohmann::json::array();
  for (const toml::node& item : *array) list.push_back(step_json(item, where));
  return list;
}

/// Reads a node into the field of a key; throws with the place when it is not of the key's type or
/// range.
class Assign {
 public:
  Assign(const RecipeKey& key, const toml::node& node, const RecipePlace& place)
      : key_(key), node_(node), place_(place) {}

  void operator()(std::string* v) const {
    *v = text(node_, "text in quotes");
    if (key_.choices.empty() ||
        std::find(key_.choices.begin(), key_.choices.end(), *v) != key_.choices.end())
      return;
    if (key_.name == "train.dtype" && (*v == "bf16" || *v == "f16"))
      refuse(node_, "16-bit training is not there yet; use f32 or f64");
    refuse(node_, concat("has no value '", *v, "'; expects ", list_text(key_.choices),
                         suggestion(*v, key_.choices)));
  }
  void operator()(int64_t* v) const {
    if (!node_.is_integer()) expected(node_, "an integer");
    *v = *node_.value<int64_t>();
    check_range(double(*v), node_);
  }
  void operator()(double* v) const { *v = number(node_); }
  void operator()(bool* v) const {
    if (!node_.is_boolean()) expected(node_, "true or false");
    *v = *node_.value<bool>();
  }
  void operator()(std::vector<std::string>* v) const {
    v->clear();
    for (const toml::node& item : list()) v->push_back(text(item, "a list of text in quotes"));
  }
  void operator()(std::vector<double>* v) const {
    std::vector<double> values;
    for (const toml::node& item : list()) values.push_back(number(item));
    if (key_.name == "optimizer.betas" && values.size() != 2)
      expected(node_, "two numbers [beta1, beta2]");
    *v = values;
  }
  void operator()(std::vector<int64_t>* v) const {
    std::vector<int64_t> values;
    for (const toml::node& item : list()) {
      if (!item.is_integer()) expected(item, "a list of integers");
      values.push_back(*item.value<int64_t>());
      check_range(double(values.back()), item);
    }
    *v = values;
  }
  void operator()(std::map<std::string, std::string>* v) const {
    if (!node_.is_table()) expected(node_, "a table { from = \"to\" }");
    v->clear();
    for (const auto& [name, item] : *node_.as_table())
      (*v)[std::string(name.str())] = text(item, "a table { from = \"to\" }");
  }
  void operator()(Patterns* v) const {
    if (!node_.is_table()) expected(node_, "a table { class = \"pattern\" }");
    std::vector<std::pair<toml::source_position, std::pair<std::string, std::string>>> found;
    for (const auto& [name, item] : *node_.as_table())
      found.push_back({item.source().begin,
                       {std::string(name.str()), text(item, "a table { class = \"pattern\" }")}});
    // toml++ sorts names; the first pattern that fits counts, as they are written.
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    v->clear();
    for (const auto& [position, pattern] : found) v->push_back(pattern);
  }
  void operator()(Steps* v) const {
    if (!node_.is_array()) expected(node_, "a list of steps, each a table { name = \"…\", … }");
    v->json.clear();
    for (const toml::node& item : *node_.as_array()) {
      if (!item.is_table()) expected(item, "a table { name = \"…\", … }");
      v->json.push_back(step_json(item, place_.at(item) + key_.name + " ").dump());
    }
  }
  void operator()(NumberOrAuto* v) const {
    if (node_.is_string() && *node_.value<std::string>() == "auto") {
      v->automatic = true;
      return;
    }
    if (!node_.is_number()) expected(node_, "a number or \"auto\"");
    *v = {number(node_), false};
  }
  void operator()(Paths* v) const {
    v->files.clear();
    if (node_.is_string()) {
      if (!node_.value<std::string>()->empty()) v->files.push_back(path(node_));
      return;
    }
    if (!node_.is_array()) expected(node_, "a file or a list of files");
    for (const toml::node& item : *node_.as_array()) v->files.push_back(path(item));
  }
  void operator()(std::vector<SplitFiles>* v) const {
    v->clear();
    if (const toml::array* list = node_.as_array())
      for (const toml::node& item : *list) v->push_back(part(item));
    else
      v->push_back(part(node_));
  }

  void operator()(std::vector<ParameterGroup>* v) const {
    v->clear();
    for (const toml::node& item : list()) {
      if (!item.is_table()) expected(item, "tables [[optimizer.groups]]");
      v->push_back(group(*item.as_table()));
      if (v->back().match.empty()) refuse(item, "expects match = [\"…\"] in each table");
    }
  }

 private:
  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const {
    fail(ErrorKind::usage, place_.at(node), key_.name, " ", what);
  }
  [[noreturn]] void expected(const toml::node& node, const std::string& what) const {
    refuse(node, "expects " + what + ", got " + type_of(node));
  }
  std::string text(const toml::node& node, const char* what) const {
    if (!node.is_string()) expected(node, what);
    return *node.value<std::string>();
  }
  std::string path(const toml::node& node) const {
    const std::string given = text(node, "a file's path in quotes");
    return (place_.folder / given).lexically_normal().string();
  }
  double number(const toml::node& node) const {
    if (!node.is_number()) expected(node, "a number");
    const double value = *node.value<double>();
    check_range(value, node);
    return value;
  }
  const toml::array& list() const {
    if (!node_.is_array()) expected(node_, "a list");
    return *node_.as_array();
  }
  void check_range(double value, const toml::node& node) const {
    if (!std::isfinite(value)) expected(node, "a finite number");
    if (value < key_.least || (key_.above && value == key_.least))
      expected(node, concat(key_.above ? "more than " : "at least ", key_.least));
    if (value > key_.most) expected(node, concat("at most ", key_.most));
  }
  /// A part of a split: a path, or a table of paths.
  SplitFiles part(const toml::node& node) const {
    static const std::vector<std::string> names = {"features", "images", "labels"};
    SplitFiles files;
    if (node.is_string()) {
      files.path = path(node);
      return files;
    }
    if (!node.is_table())
      expected(node, "a path, a table { features = \"…\", labels = \"…\" }, or a list of such");
    for (const auto& [name, item] : *node.as_table()) {
      const std::string part(name.str());
      if (part == "features")
        files.features = path(item);
      else if (part == "images")
        files.images = path(item);
      else if (part == "labels")
        files.labels = path(item);
      else
        fail(ErrorKind::usage, place_.at(item), "unknown key '", key_.name, ".", part, "'",
             suggestion(part, names));
    }
    return files;
  }

  ParameterGroup group(const toml::table& table) const {
    ParameterGroup group;
    for (const auto& [name, item] : table) {
      const std::string part(name.str());
      if (part == "lr")
        group.lr = number(item);
      else if (part == "weight_decay")
        group.weight_decay = number(item);
      else if (part != "match")
        fail(ErrorKind::usage, place_.at(item), "unknown key '", key_.name, ".", part, "'",
             suggestion(part, {"match", "lr", "weight_decay"}));
      else if (!item.is_array())
        expected(item, "match = a list of names");
      else
        for (const toml::node& one : *item.as_array())
          group.match.push_back(text(one, "match = a list of names in quotes"));
    }
    return group;
  }

  const RecipeKey& key_;
  const toml::node& node_;
  const RecipePlace& place_;
};

}  // namespace

void read_value(const RecipeKey& key, RecipeField field, const toml::node& node,
                const RecipePlace& place) {
  std::visit(Assign(key, node, place), field);
}

nlohmann::json option_value(const std::string& name, const toml::node& node,
                            const RecipePlace& place) {
  return to_json(node, place.at(node) + name + " ");
}

}  // namespace lathe
