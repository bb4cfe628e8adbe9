// Writing recipes: as TOML, and as the list of all keys.
#include <charconv>
#include <nlohmann/json.hpp>

#include "tensor/check.h"
#include "train/recipe_keys.h"

namespace lathe {
namespace {

/// A basic TOML string, which is a JSON string but for DEL.
std::string quoted(const std::string& text) {
  std::string json = nlohmann::json(text).dump(-1, ' ', false);
  for (size_t at; (at = json.find('\x7f')) != std::string::npos;) json.replace(at, 1, "\\u007F");
  return json;
}

/// The shortest text that reads back as the same number, and as a float.
std::string number(double value) {
  char text[40];
  std::string shortest(text, std::to_chars(text, text + sizeof text, value).ptr);
  if (shortest.find_first_of(".en") == std::string::npos) shortest += ".0";
  return shortest;
}

std::string key_text(const std::string& key) {
  const bool bare =
      !key.empty() &&
      key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
          std::string::npos;
  return bare ? key : quoted(key);
}

template <class List, class Item>
std::string joined(const List& list, const char* open, const char* close, const Item& item) {
  std::string text = open;
  for (size_t n = 0; const auto& one : list) text += (n++ ? ", " : "") + item(one);
  return text + close;
}

std::string files_text(const SplitFiles& files) {
  if (!files.path.empty()) return quoted(files.path);
  std::string text;
  for (auto [key, value] : {std::pair("features", &files.features),
                            {"images", &files.images},
                            {"labels", &files.labels}})
    if (!value->empty())
      text += (text.empty() ? "" : ", ") + std::string(key) + " = " + quoted(*value);
  return "{ " + text + " }";
}

/// JSON as TOML writes it on one line, a step's name first.
std::string inline_text(const nlohmann::json& value) {
  if (value.is_string()) return quoted(value);
  if (value.is_number_float()) return number(value);
  if (value.is_array()) return joined(value, "[", "]", inline_text);
  if (!value.is_object()) return value.dump();
  std::string text = value.contains("name") ? "name = " + inline_text(value["name"]) : "";
  for (const auto& [name, item] : value.items())
    if (name != "name")
      text += (text.empty() ? "" : ", ") + key_text(name) + " = " + inline_text(item);
  return "{ " + text + " }";
}

std::string group_text(const ParameterGroup& group) {
  std::string text = "{ match = " + joined(group.match, "[", "]", quoted);
  if (group.lr) text += ", lr = " + number(*group.lr);
  if (group.weight_decay) text += ", weight_decay = " + number(*group.weight_decay);
  return text + " }";
}

struct ValueText {
  std::string operator()(const std::string* v) const { return quoted(*v); }
  std::string operator()(const int64_t* v) const { return std::to_string(*v); }
  std::string operator()(const double* v) const { return number(*v); }
  std::string operator()(const bool* v) const { return *v ? "true" : "false"; }
  std::string operator()(const std::vector<std::string>* v) const {
    return joined(*v, "[", "]", quoted);
  }
  std::string operator()(const std::vector<double>* v) const {
    return joined(*v, "[", "]", number);
  }
  std::string operator()(const std::vector<int64_t>* v) const {
    return joined(*v, "[", "]", [](int64_t value) { return std::to_string(value); });
  }
  std::string operator()(const NumberOrAuto* v) const {
    return v->automatic ? "\"auto\"" : number(v->value);
  }
  std::string operator()(const Paths* v) const {
    return v->files.size() == 1 ? quoted(v->files[0]) : joined(v->files, "[", "]", quoted);
  }
  std::string operator()(const std::vector<SplitFiles>* v) const {
    return v->size() == 1 ? files_text(v->front()) : joined(*v, "[", "]", files_text);
  }
  std::string operator()(const Steps* v) const {
    std::string text;
    for (const std::string& step : v->json)
      text += "\n  " + inline_text(nlohmann::json::parse(step)) + ",";
    return v->json.empty() ? "[]" : "[" + text + "\n]";
  }
  std::string operator()(const Patterns* v) const { return table_text(*v); }
  std::string operator()(const std::vector<ParameterGroup>* v) const {
    return joined(*v, "[", "]", group_text);
  }
  std::string operator()(const std::map<std::string, std::string>* v) const {
    return table_text(*v);
  }

 private:
  template <class Table>
  static std::string table_text(const Table& table) {
    return table.empty() ? "{}" : joined(table, "{ ", " }", [](const auto& pair) {
      return key_text(pair.first) + " = " + quoted(pair.second);
    });
  }
};

struct TypeText {
  std::string operator()(const std::string*) const { return "text"; }
  std::string operator()(const int64_t*) const { return "integer"; }
  std::string operator()(const double*) const { return "number"; }
  std::string operator()(const bool*) const { return "true|false"; }
  std::string operator()(const std::vector<std::string>*) const { return "list of text"; }
  std::string operator()(const std::vector<double>*) const { return "list of numbers"; }
  std::string operator()(const std::vector<int64_t>*) const { return "list of integers"; }
  std::string operator()(const NumberOrAuto*) const { return "number|\"auto\""; }
  std::string operator()(const Paths*) const { return "file|list of files"; }
  std::string operator()(const std::vector<SplitFiles>*) const { return "path|table of files"; }
  std::string operator()(const Patterns*) const { return "table"; }
  std::string operator()(const Steps*) const { return "list of steps"; }
  std::string operator()(const std::vector<ParameterGroup>*) const { return "list of tables"; }
  std::string operator()(const std::map<std::string, std::string>*) const { return "table"; }
};

std::string section_of(const std::string& key) {
  const size_t dot = key.find('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

}  // namespace

std::string to_toml(const Recipe& recipe, bool result_only) {
  Recipe copy = recipe;  // the table gives fields that may be written
  std::string text, section;
  for (const RecipeKey& key : recipe_keys()) {
    if (result_only && !key.result) continue;
    if (const std::string own = section_of(key.name); own != section) {
      section = own;
      text += "\n[" + section + "]\n";
    }
    const std::string last = section.empty() ? key.name : key.name.substr(section.size() + 1);
    text += last + " = " + std::visit(ValueText(), key.field(copy)) + "\n";
    if (key.name == "model.name")
      for (const auto& [name, json] : recipe.model.options)
        text += key_text(name) + " = " + json + "\n";
  }
  return text;
}

std::string recipe_help() {
  Recipe defaults;
  std::string text =
      "The keys of a recipe. In its TOML a key a.b stands as b under [a]; on the command line it "
      "is --set a.b=value.\n";
  std::string section = "none yet";
  for (const RecipeKey& key : recipe_keys()) {
    if (const std::string own = section_of(key.name); own != section) {
      section = own;
      text += "\n";
    }
    const RecipeField field = key.field(defaults);
    std::string type = std::visit(TypeText(), field);
    if (!key.choices.empty()) {
      type.clear();
      for (const std::string& choice : key.choices) type += (type.empty() ? "" : "|") + choice;
    }
    text +=
        concat("  ", key.name, std::string(key.name.size() < 24 ? 24 - key.name.size() : 1, ' '),
               type, ", default ", std::visit(ValueText(), field), "\n      ", key.help, "\n");
  }
  return text;
}

}  // namespace lathe
