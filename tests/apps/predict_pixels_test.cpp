// lathe predict on arrays of pixels: as files with the same pixels.
#include <nlohmann/json.hpp>
#include <sstream>

#include "tensor/serialize/weights_file.h"
#include "tests/apps/program.h"
#include "tests/data/picture.h"

using namespace lathe;
using nlohmann::json;
using tests::Outcome;

namespace fs = std::filesystem;

namespace {

/// A run on pictures of 24 x 20 pixels, which its transforms resize, crop and normalise.
struct Pictures {
  Pictures() {
    for (int i = 0; i < 6; ++i)
      tests::write_picture(folder / (i % 2 ? "train/real" : "train/fake") / concat(i, ".png"),
                           tests::picture(24, 20, i));
    tests::write_bytes(folder / "r.toml", R"([data]
kind = "images"
train = "train"
[[transform.train]]
name = "Resize"
size = [16, 16]
[[transform.eval]]
name = "Resize"
size = [18, 17]
[[transform.eval]]
name = "CenterCrop"
size = 16
[[transform.eval]]
name = "Normalize"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
[model]
name = "small_cnn"
[loss]
name = "cross_entropy"
[train]
epochs = 1
[log]
plots = false
)");
    const Outcome trained = run({"train", "r.toml", "--name", "a", "--quiet"});
    REQUIRE_MESSAGE(trained.code == 0, trained.err);
  }
  Outcome run(const std::vector<std::string>& words) const {
    return tests::run_lathe(words, {.folder = folder.path()});
  }
  /// The answers, without what the inputs are called.
  std::vector<json> predict(const std::vector<std::string>& inputs) const {
    std::vector<std::string> words = {"predict", "runs/train/a", "--json"};
    words.insert(words.end(), inputs.begin(), inputs.end());
    const Outcome outcome = run(words);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    std::istringstream lines(outcome.out);
    std::vector<json> answers;
    for (std::string line; std::getline(lines, line);) {
      answers.push_back(json::parse(line));
      answers.back().erase("input");
      answers.back().erase("index");
    }
    return answers;
  }
  void write(const std::string& name, const Tensor& x) const {
    write_weights(folder / name, {{"x", x}});
  }
  tests::ScratchFolder folder;
};

/// Pictures as one array.
Tensor pixels_of(int count) {
  Tensor x = Tensor::empty({count, 20, 24, 3}, DType::u8);
  for (int i = 0; i < count; ++i) {
    const Image image = tests::picture(24, 20, 10 + i);
    std::copy(image.pixels.begin(), image.pixels.end(),
              x.data<uint8_t>() + i * int64_t(image.pixels.size()));
  }
  return x;
}

}  // namespace

TEST_CASE("predict: .npy of pixels is answered as PNG files of the same pixels are") {
  const Pictures pictures;
  const Tensor x = pixels_of(3);
  pictures.write("all.npy", x);
  pictures.write("one.npy", x.slice(1, 2).reshape({20, 24, 3}));
  std::vector<std::string> files;
  for (int i = 0; i < 3; ++i) {
    files.push_back(concat("p", i, ".png"));
    tests::write_picture(pictures.folder / files.back(), tests::picture(24, 20, 10 + i));
  }
  const std::vector<json> wanted = pictures.predict(files);
  REQUIRE_EQ(wanted.size(), 3);
  CHECK_NE(wanted[0]["logits"], wanted[1]["logits"]);
  CHECK_EQ(pictures.predict({"all.npy"}), wanted);
  CHECK_EQ(pictures.predict({"one.npy"}), std::vector<json>{wanted[1]});
  CHECK_EQ(pictures.predict({"p0.png", "one.npy", "p2.png"}), wanted);
  const std::string table = pictures.run({"predict", "runs/train/a", "all.npy"}).out;
  CHECK_NE(table.find("\nall.npy,0,"), std::string::npos);
  CHECK_NE(table.find("\nall.npy,2,"), std::string::npos);
}

TEST_CASE("predict: arrays that are no pixels are refused") {
  const Pictures pictures;
  const auto refused = [&](const std::string& name, const Tensor& x, const std::string& message) {
    pictures.write(name, x);
    const Outcome outcome = pictures.run({"predict", "runs/train/a", name});
    INFO(name, ": ", outcome.err);
    CHECK_EQ(outcome.code, 3);
    CHECK_NE(outcome.err.find(name + ": " + message), std::string::npos);
  };
  const std::string expects = "expects pixels (H, W, 3) or (N, H, W, 3), RGB, got the shape ";
  refused("first.npy", Tensor::zeros({2, 3, 20, 24}, DType::u8),
          expects + "(2, 3, 20, 24); its colours are to be last");
  refused("chw.npy", Tensor::zeros({3, 20, 24}, DType::u8),
          expects + "(3, 20, 24); its colours are to be last");
  refused("grey.npy", Tensor::zeros({20, 24}, DType::u8), expects + "(20, 24)");
  refused("alpha.npy", Tensor::zeros({1, 20, 24, 4}, DType::u8), expects + "(1, 20, 24, 4)");
  refused("none.npy", Tensor::zeros({0, 20, 24, 3}, DType::u8), expects + "(0, 20, 24, 3)");
  refused("long.npy", Tensor::zeros({1, 20, 24, 3}, DType::i64),
          "expects floats (f32 or f64), as PyTorch's model would be given them, or pixels (u8), "
          "got i64");
}
