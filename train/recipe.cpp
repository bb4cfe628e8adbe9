// Reading recipes: TOML and `--set`, both through the table of keys.
#include "train/recipe.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "data/transforms/transform.h"
#include "models/registry.h"
#include "tensor/check.h"
#include "tensor/suggest.h"
#include "tensor/utf8.h"
#include "train/recipe_value.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

const RecipeKey* find_key(const std::string& name) {
  for (const RecipeKey& key : recipe_keys())
    if (key.name == name) return &key;
  return nullptr;
}

/// The first key of a section; empty when there is no such section.
std::string first_key(const std::string& section) {
  for (const RecipeKey& key : recipe_keys())
    if (key.name.starts_with(section + ".")) return key.name;
  return "";
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const RecipeKey& key : recipe_keys()) names.push_back(key.name);
  return names;
}

/// What was meant: a key that ends in this word, else the nearest key or section, else the key
/// whose last word is nearest.
std::string meant_key(const std::string& name) {
  std::vector<std::string> names = key_names(), last_words;
  std::set<std::string> sections = {"model"};
  for (const std::string& key : key_names()) {
    if (key.ends_with("." + name)) return "; did you mean '" + key + "'?";
    sections.insert(key.substr(0, key.find('.')));
    last_words.push_back(key.substr(key.rfind('.') + 1));
  }
  names.insert(names.end(), sections.begin(), sections.end());
  if (const std::string near = suggestion(name, names); !near.empty()) return near;
  const std::string word = nearest(name, last_words);
  for (size_t i = 0; i < last_words.size(); ++i)
    if (last_words[i] == word) return "; did you mean '" + key_names()[i] + "'?";
  return "";
}

[[noreturn]] void unknown_key(const std::string& name, const std::string& at) {
  fail(ErrorKind::usage, at, "unknown key '", name, "'", meant_key(name));
}

void assign(Recipe& recipe, const std::string& name, const toml::node& node,
            const RecipePlace& place) {
  if (const RecipeKey* key = find_key(name)) {
    read_value(*key, key->field(recipe), node, place);
  } else if (name.starts_with("model.")) {
    const std::string option = name.substr(6);
    recipe.model.options[option] = option_value(name, node, place).dump();
  } else if (first_key(name).empty()) {
    unknown_key(name, place.at(node));
  } else if (!node.is_table()) {
    fail(ErrorKind::usage, place.at(node), "'", name, "' is a section: set a key in it, such as ",
         first_key(name));
  } else {
    for (const auto& [part, item] : *node.as_table())
      assign(recipe, name + "." + std::string(part.str()), item, place);
  }
}

/// The key data.train where the name is data.train.features or the like; else null.
const RecipeKey* split_of(Recipe& recipe, const std::string& name) {
  const size_t dot = name.rfind('.');
  const RecipeKey* key = dot == std::string::npos ? nullptr : find_key(name.substr(0, dot));
  const bool is_split = key && std::holds_alternative<std::vector<SplitFiles>*>(key->field(recipe));
  return is_split ? key : nullptr;
}

/// `data.train.features=x` names a part of a key: it becomes the table with that part replaced.
bool assign_part(Recipe& recipe, const std::string& name, const toml::node& node,
                 const RecipePlace& place) {
  const RecipeKey* key = split_of(recipe, name);
  if (!key) return false;
  std::vector<SplitFiles>& all = *std::get<std::vector<SplitFiles>*>(key->field(recipe));
  LATHE_CHECK(all.size() <= 1, place.source, ": ", key->name, " is a list of ", all.size(),
              " tables: set it whole");
  std::vector<SplitFiles> one;
  toml::table table;
  table.insert(name.substr(name.rfind('.') + 1), *node.value<std::string>());
  read_value(*key, RecipeField(&one), table, place);
  if (all.empty()) all.emplace_back();
  all[0].path.clear();
  for (auto part : {&SplitFiles::features, &SplitFiles::images, &SplitFiles::labels})
    if (!(one[0].*part).empty()) all[0].*part = one[0].*part;
  return true;
}

/// The value of a setting: TOML, or else the text as it stands, so that words need no quotes.
toml::table parse_setting(const std::string& text, bool as_text) {
  toml::table table;
  if (!as_text) {
    try {
      return toml::parse("value = " + text);
    } catch (const toml::parse_error&) {
    }
  }
  const bool in_quotes = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  table.insert("value", in_quotes ? text.substr(1, text.size() - 2) : text);
  return table;
}

void apply_setting(Recipe& recipe, const std::string& setting) {
  const size_t equals = setting.find('=');
  LATHE_CHECK(equals != std::string::npos && equals > 0, "--set: expects key=value, got '", setting,
              "'");
  const std::string name = setting.substr(0, equals);
  const RecipePlace place{"--set " + setting, fs::current_path(), false};
  const RecipeKey* key = find_key(name);
  const std::string value = setting.substr(equals + 1);
  bool is_text = key && std::holds_alternative<std::string*>(key->field(recipe));
  // A file may be called 123, true or 2024-01-01.
  if (key && std::holds_alternative<Paths*>(key->field(recipe))) is_text = !value.starts_with('[');
  if (key && std::holds_alternative<std::vector<SplitFiles>*>(key->field(recipe)))
    is_text = !value.starts_with('[') && !value.starts_with('{');
  if (split_of(recipe, name)) is_text = true;
  const toml::table table = parse_setting(value, is_text);
  const toml::node& node = *table.get("value");
  if (!assign_part(recipe, name, node, place)) assign(recipe, name, node, place);
}

/// Refuses names that could not be written to recipe.toml, which is UTF-8.
void check_text(const Recipe& r, const std::string& source) {
  const auto check = [&](const std::string& what, const std::string& text) {
    if (!is_utf8(text))
      fail(ErrorKind::usage, source, ": ", what, " is not UTF-8: '", text, "'; rename it");
  };
  check("name", r.name);
  for (auto [name, files] : {std::pair("data.train", &r.data.train),
                             {"data.valid", &r.data.valid},
                             {"data.test", &r.data.test}})
    for (const SplitFiles& one : *files)
      for (const std::string* path : {&one.features, &one.images, &one.labels, &one.path})
        check(name, *path);
  for (const std::string& file : r.init.weights.files) check("init.weights", file);
}

/// A part of a split says what its kind of data needs, and no more.
template <class Demand>
void check_files(const std::string& kind, const std::string& name, const SplitFiles& one,
                 const Demand& demand) {
  if (kind == "images") {
    demand(!one.path.empty(), name + " of kind images expects a folder, a JSON or a CSV file");
    return;
  }
  if (kind == "features" && !one.path.empty()) return;
  const bool landmarks = kind != "idx";
  const char* needed = landmarks ? "features" : "images";
  demand(!(landmarks ? one.features : one.images).empty() && !one.labels.empty(),
         concat(name, " of kind ", kind, " expects { ", needed, " = \"…\", labels = \"…\" }"));
  demand((landmarks ? one.images : one.features).empty(),
         concat(name, " of kind ", kind, " has no use for ", landmarks ? "images" : "features"));
}

/// What no single key can know.
void check_together(const Recipe& r, const std::string& source) {
  auto demand = [&](bool holds, const std::string& message) {
    if (!holds) fail(ErrorKind::usage, source, ": ", message);
  };
  for (auto [name, files] : {std::pair("data.train", &r.data.train),
                             {"data.valid", &r.data.valid},
                             {"data.test", &r.data.test}})
    for (const SplitFiles& one : *files) check_files(r.data.kind, name, one, demand);
  if (r.data.folds > 0) {
    demand(r.data.folds >= 2, concat("data.folds expects 0 or at least 2, got ", r.data.folds));
    demand(r.data.fold >= 1 && r.data.fold <= r.data.folds,
           concat("data.fold expects 1 to ", r.data.folds, ", got ", r.data.fold));
    demand(r.data.valid.empty(), "data.folds takes the place of data.valid: expects one of them");
  }
  Pipeline(r.transform.train.json, "transform.train");
  Pipeline(r.transform.eval.json, "transform.eval");
  demand(r.optimizer.betas[0] < 1 && r.optimizer.betas[1] < 1,
         "optimizer.betas expects two numbers below 1");
  demand(!r.optimizer.nesterov || r.optimizer.momentum > 0,
         "optimizer.nesterov expects a momentum above 0");
  const auto& classes = r.data.classes;
  demand(classes.size() != 1, "data.classes expects two names or more, got one");
  for (size_t i = 0; i < classes.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      demand(classes[i] != classes[k], concat("data.classes names '", classes[i], "' twice"));
  demand(r.train.ema < 1, "train.ema expects less than 1");
  demand(r.freeze.except.empty() || r.freeze.only.empty(),
         "freeze.except and freeze.only: expects one of them, not both");
  demand(r.train.mixup == 0 || r.train.cutmix == 0,
         "train.mixup and train.cutmix: expects one of them, not both");
  demand(r.data.positive.empty() || classes.empty() ||
             std::find(classes.begin(), classes.end(), r.data.positive) != classes.end(),
         concat("data.positive '", r.data.positive, "' is none of data.classes",
                suggestion(r.data.positive, classes)));
}

}  // namespace

Recipe parse_recipe(const RecipeSource& source, const std::vector<std::string>& settings) {
  const RecipePlace place{source.file, source.folder, true};
  Recipe recipe;
  recipe.file = source.file;
  try {
    const toml::table table = toml::parse(source.text, source.file);
    for (const auto& [name, node] : table) assign(recipe, std::string(name.str()), node, place);
  } catch (const toml::parse_error& e) {
    fail(ErrorKind::usage, source.file, ":", e.source().begin.line,
         ": not TOML: ", e.description());
  }
  for (const std::string& setting : settings) {
    if (!is_utf8(setting)) fail(ErrorKind::usage, "--set ", setting, ": is not UTF-8");
    apply_setting(recipe, setting);
  }
  recipe.model.name = model_name(recipe.model.name);
  if (recipe.name.empty()) recipe.name = fs::path(source.file).stem().string();
  check_text(recipe, source.file);
  check_together(recipe, source.file);
  return recipe;
}

Recipe read_recipe(const fs::path& file, const std::vector<std::string>& settings) {
  if (fs::is_directory(file))
    fail(ErrorKind::data, file.string(), ": is a folder, expects a recipe, a TOML file",
         fs::exists(file / "recipe.toml")
             ? "; a run is repeated by its recipe.toml, and goes on by --resume"
             : "");
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(ErrorKind::data, file.string(), ": there is no such recipe");
  std::ostringstream text;
  text << in.rdbuf();
  return parse_recipe({text.str(), file.string(), fs::absolute(file).parent_path()}, settings);
}

}  // namespace lathe
