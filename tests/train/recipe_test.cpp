#include "train/recipe_keys.h"

#include <fstream>

#include "tests/support.h"

using namespace lathe;

namespace {

Recipe parse(const std::string& text, const std::vector<std::string>& settings = {}) {
  return parse_recipe({text, "r.toml", "/base"}, settings);
}

}  // namespace

TEST_CASE("a recipe: values, defaults, and paths relative to it") {
  const Recipe r = parse(R"(
[data]
train = { features = "data/a.csv", labels = "../b.csv" }
rows_per_sample = 4
[model]
name = "landmark_mlp"
hidden = [10, 20]
[loss]
pos_weight = "auto"
[optimizer]
lr = 1
)");
  CHECK_EQ(r.name, "r");
  CHECK_EQ(r.data.train.at(0).features, "/base/data/a.csv");
  CHECK_EQ(r.data.train.at(0).labels, "/b.csv");
  CHECK_EQ(r.data.rows_per_sample, 4);
  CHECK_EQ(r.model.options.at("hidden"), "[10,20]");
  CHECK(r.loss.pos_weight.automatic);
  CHECK_EQ(r.optimizer.lr, 1.0);
  CHECK_EQ(r.train.batch_size, 32);
}

TEST_CASE("a recipe: settings win, need no quotes, and have paths of the working folder") {
  const Recipe r = parse("train.epochs = 3\n[data]\ntrain = { features = \"a\", labels = \"b\" }",
                         {"train.epochs=7", "optimizer.name=sgd", "data.train.labels=c.csv",
                          "data.classes=[\"real\", \"fake\"]", "name=5", "model.hidden=[3]"});
  CHECK_EQ(r.train.epochs, 7);
  CHECK_EQ(r.optimizer.name, "sgd");
  CHECK_EQ(r.data.train.at(0).features, "/base/a");
  CHECK_EQ(r.data.train.at(0).labels, (std::filesystem::current_path() / "c.csv").string());
  CHECK_EQ(r.data.classes, std::vector<std::string>{"real", "fake"});
  CHECK_EQ(r.name, "5");
  CHECK_EQ(r.model.options.at("hidden"), "[3]");
}

TEST_CASE("a recipe: written out, it reads back the same") {
  const Recipe r = parse(
      "[data]\ntrain = [{ features = \"a\\\"\", labels = \"b\" }, { features = "
      "\"c\", labels = \"d\" }]\n[model]\nhidden = [3]\n[optimizer]\nlr = 1e-5\n"
      "[init]\nmap = { \"a.b\" = \"c\" }\nweights = \"w\"\n"
      "[[optimizer.groups]]\nmatch = [\"a\", \"b.*\"]\nlr = 0.5\n"
      "[[optimizer.groups]]\nmatch = [\"c\"]\nweight_decay = 0");
  CHECK_EQ(r.optimizer.groups.size(), 2);
  CHECK_EQ(r.optimizer.groups.at(0).match, std::vector<std::string>{"a", "b.*"});
  CHECK_EQ(r.optimizer.groups.at(0).lr, 0.5);
  CHECK_FALSE(r.optimizer.groups.at(0).weight_decay.has_value());
  CHECK_EQ(r.optimizer.groups.at(1).weight_decay, 0.0);
  const std::string text = to_toml(r);
  CHECK_EQ(to_toml(parse(text)), text);
  CHECK_NE(text.find("lr = 1e-05\n"), std::string::npos);
  CHECK_EQ(to_toml(r, true).find("workers"), std::string::npos);
}

TEST_CASE("a recipe: what is wrong is named with its line and the nearest key") {
  auto message = [](const std::string& text, const std::vector<std::string>& settings = {}) {
    return tests::message_of([&] { parse(text, settings); });
  };
  CHECK_EQ(message("[train]\nepoch = 3"),
           "r.toml:2: unknown key 'train.epoch'; did you mean 'train.epochs'?");
  CHECK_EQ(message("[train]\nepochs = \"x\""),
           "r.toml:2: train.epochs expects an integer, got the text 'x'");
  CHECK_EQ(message("", {"train.batch_size=0"}),
           "--set train.batch_size=0: train.batch_size expects at least 1, got the integer 0");
  CHECK_EQ(message("", {"optimizer.name=adma"}),
           "--set optimizer.name=adma: optimizer.name has no value 'adma'; expects adam, adamw or "
           "sgd; did you mean 'adam'?");
  CHECK_EQ(message("train.dtype = \"bf16\""),
           "r.toml:1: train.dtype 16-bit training is not there yet; use f32 or f64");
  CHECK_EQ(message("a = ["),
           "r.toml:1: not TOML: Error while parsing array: encountered end-of-file");
  CHECK_EQ(message("train = 3"),
           "r.toml:1: 'train' is a section: set a key in it, such as train.epochs");
  CHECK_EQ(message("data.train = { feature = \"a\" }"),
           "r.toml:1: unknown key 'data.train.feature'; did you mean 'features'?");
}

TEST_CASE("a recipe: docs/recipes.md has every key as it is now") {
  const std::string page = tests::bytes_of(std::filesystem::path(LATHE_SOURCE) / "docs/recipes.md");
  for (const RecipeKey& key : recipe_keys()) {
    CAPTURE(key.name);
    CHECK(page.find("| `" + key.name + "` |") != std::string::npos);
    std::string help = key.help;
    for (size_t at = 0; (at = help.find('|', at)) != std::string::npos; at += 2)
      help.replace(at, 1, "\\|");
    CHECK(page.find("| " + help + " |") != std::string::npos);
  }
}

TEST_CASE("a recipe: every key has a row that can be written and read, and a help line") {
  Recipe r;
  const std::string help = recipe_help();
  for (const RecipeKey& key : recipe_keys()) {
    CHECK_NE(help.find("  " + key.name + " "), std::string::npos);
    CHECK_FALSE(key.help.empty());
  }
  CHECK_EQ(to_toml(parse(to_toml(parse("")))), to_toml(parse("")));
}
