// inspect, convert and predict on weights of every format, as a user runs them.
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "layers/channels.h"
#include "models/registry.h"
#include "tensor/random.h"
#include "tensor/serialize/safetensors.h"
#include "tensor/serialize/weights_file.h"
#include "tests/apps/program.h"
#include "tests/support.h"
#include "train/load_model.h"

using namespace lathe;
using nlohmann::json;
using tests::bytes_of;
using tests::golden;
using tests::Outcome;
using tests::write_bytes;
using Words = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

Outcome lathe_in(const tests::ScratchFolder& folder, const Words& words) {
  return tests::run_lathe(words, {.folder = folder.path()});
}

/// The command goes well, and says something on stdout.
std::string answer(const tests::ScratchFolder& folder, const Words& words) {
  const Outcome outcome = lathe_in(folder, words);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  return outcome.out;
}

/// The command ends with this code, and all the parts are in its message.
void check_refused(const tests::ScratchFolder& folder, const Words& words, int code,
                   const Words& parts) {
  const Outcome outcome = lathe_in(folder, words);
  INFO(outcome.err);
  CHECK_EQ(outcome.code, code);
  for (const std::string& part : parts)
    CHECK_MESSAGE(outcome.err.find(part) != std::string::npos, part);
}

/// The same names, in any order, with the same types, shapes and bytes.
void check_equal(const std::vector<StoredTensor>& a, const std::vector<StoredTensor>& b) {
  CHECK_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    CAPTURE(name);
    const Tensor other = find(b, name);
    REQUIRE(bool(other));
    CHECK_EQ(other.dtype(), tensor.dtype());
    REQUIRE(other.shape() == tensor.shape());
    CHECK(std::memcmp(other.raw(), tensor.raw(), size_t(tensor.bytes())) == 0);
  }
}

std::string weights(const char* name) { return golden("weights/" + std::string(name)).string(); }

/// A model's tensors as files have them.
std::vector<StoredTensor> stored(Module& model) {
  std::vector<StoredTensor> all;
  for (const NamedTensor& t : model.state_dict())
    all.push_back({t.name, to_file_layout(t.tensor, t.layout)});
  return all;
}

/// A model whose batch norms do something.
std::unique_ptr<Module> random_model(const std::string& name,
                                     const std::map<std::string, std::string>& options = {}) {
  auto model = create_model(name, options);
  uint32_t i = 0;
  for (NamedTensor& t : model->state_dict())
    if (t.tensor.rank() == 1 && is_floating(t.tensor.dtype()))
      uniform_(t.tensor, 0.5, 1.5, RandomStream(3, Purpose::test, 0, i++));
  model->eval();
  return model;
}

Tensor random_images(const Shape& shape) {
  Tensor x = Tensor::empty(shape);
  normal_(x, 0, 1, RandomStream(4, Purpose::test));
  return x;
}

}  // namespace

TEST_CASE("inspect tells the format, names, types and shapes of every kind of file") {
  const tests::ScratchFolder folder;
  for (const auto& [name, format, count] : {std::tuple{"kinds.pth", "pth", 20},
                                            {"kinds_legacy.pth", "pth (legacy)", 20},
                                            {"kinds_deflated.pth", "pth", 20},
                                            {"version_2.npy", "npy", 1}}) {
    CAPTURE(name);
    const json all = json::parse(answer(folder, {"inspect", weights(name), "--json"}));
    CHECK_EQ(all["format"], format);
    CHECK_EQ(all["tensors"].size(), count);
    for (const char* key : {"name", "dtype", "shape", "min", "max", "mean", "nonfinite"})
      CHECK(all["tensors"][0].contains(key));
    const json names = json::parse(answer(folder, {"inspect", weights(name), "--json", "--names"}));
    CHECK_EQ(names["tensors"][0]["shape"], all["tensors"][0]["shape"]);
    CHECK_FALSE(names["tensors"][0].contains("min"));
  }
  const json first =
      json::parse(answer(folder, {"inspect", weights("kinds.pth"), "--json"}))["tensors"][0];
  CHECK_EQ(first["name"], "f32");
  CHECK_EQ(first["dtype"], "F32");
  CHECK_EQ(first["shape"], json({2, 3}));
  CHECK(answer(folder, {"inspect", weights("arrays.npz"), "--names"}).find("npz") !=
        std::string::npos);
}

TEST_CASE("convert: .pth to .safetensors and back, and to NumPy's, bit for bit") {
  const tests::ScratchFolder folder;
  const auto original = read_weights(weights("kinds.pth")).tensors;
  std::string last = weights("kinds.pth");
  for (const char* next : {"a.safetensors", "b.pth", "c.safetensors"}) {
    answer(folder, {"convert", last, next, "--quiet"});
    last = next;
    check_equal(original, read_weights(folder / next).tensors);
  }
  CHECK(answer(folder, {"inspect", weights("kinds.pth"), "b.pth"}).find("all tensors are equal") !=
        std::string::npos);
  answer(folder, {"convert", weights("arrays.npz"), "a.npz", "--quiet"});
  check_equal(read_weights(weights("arrays.npz")).tensors, read_weights(folder / "a.npz").tensors);
  answer(folder, {"convert", weights("version_2.npy"), "one.safetensors", "--map", "version_2=x",
                  "--prefix", "p.", "--quiet"});
  answer(folder, {"convert", "one.safetensors", "p.x.npy", "--quiet"});
  CHECK_EQ(read_weights(folder / "p.x.npy").tensors[0].name, "p.x");
  check_refused(folder, {"convert", "a.safetensors", "a.npy"}, 2, {"holds one array, got 20"});
  check_refused(folder, {"convert", "a.safetensors", "a.bin"}, 2, {".safetensors, .pth"});
  check_refused(folder, {"convert", "nowhere.pth", "a.npz"}, 3, {"there is no such file"});
  check_refused(folder, {"convert", "b.pth", "d.pth", "--map", "f31=x"}, 2,
                {"--map: no tensor is called 'f31'"});
  check_refused(folder, {"convert", "b.pth", "d.pth", "--map", "f32=f64"}, 2, {"f64"});
  check_refused(folder, {"convert", "b.pth", "d.pth", "--map", "f32"}, 2, {"expects FROM=TO"});
  CHECK_FALSE(fs::exists(folder / "d.pth"));
}

TEST_CASE("predict: an .npy of (N, C, H, W) gives the model's logits, whatever holds the weights") {
  const tests::ScratchFolder folder;
  const auto model = random_model("resnet20");
  const Tensor x = random_images({3, 3, 32, 32});
  const Tensor y = (*model)(to_channels_last(x));
  write_weights(folder / "x.npy", {{"x", x}});
  write_weights(folder / "one.npy", {{"x", x.slice(0, 1).reshape({3, 32, 32})}});
  for (const char* file : {"w.pth", "w.safetensors", "w.npz"}) {
    write_weights(folder / file, stored(*model));
    std::istringstream lines(
        answer(folder, {"predict", file, "x.npy", "one.npy", "--model", "resnet20", "--json"}));
    std::vector<double> got;
    std::string line;
    while (std::getline(lines, line)) {
      const auto logits = json::parse(line)["logits"].get<std::vector<double>>();
      got.insert(got.end(), logits.begin(), logits.end());
    }
    REQUIRE_EQ(got.size(), 40);
    const Shape shape{3, 10};
    CHECK(tests::error(Tensor::from(std::vector<double>(got.begin(), got.begin() + 30), shape),
                       y.to(DType::f64)) <= 1e-5);
    for (size_t i = 0; i < 10; ++i) CHECK(std::abs(got[30 + i] - got[i]) <= 1e-5);
    const auto loaded = load_model("resnet20", folder / file);
    CHECK_FALSE(loaded->training());
    CHECK(tests::error((*loaded)(to_channels_last(x)), y) == 0);
  }
}

TEST_CASE("weights of another model, or of another head, are refused with what they look like") {
  const tests::ScratchFolder folder;
  write_weights(folder / "x.npy", {{"x", random_images({1, 3, 32, 32})}});
  write_weights(folder / "w.pth", stored(*random_model("resnet20")));
  write_weights(folder / "two.pth", stored(*random_model("resnet20", {{"num_classes", "2"}})));
  check_refused(folder, {"predict", "w.pth", "x.npy", "--model", "resnet32"}, 3,
                {"w.pth: the weights do not fit resnet32; they look like resnet20's", "missing (",
                 "layer1.3.conv1.weight"});
  check_refused(folder, {"predict", "two.pth", "x.npy", "--model", "resnet20"}, 3,
                {"linear.weight (expects (10, 64), got (2, 64))", "linear.bias"});
  check_refused(folder, {"predict", "w.pth", "x.npy"}, 2, {"does not name its model"});
  answer(folder,
         {"predict", "two.pth", "x.npy", "--model", "resnet20", "--set", "model.num_classes=2"});
}

TEST_CASE("images that a model does not take: the layer and both shapes are named") {
  const tests::ScratchFolder folder;
  write_weights(folder / "w.pth", stored(*random_model("resnet20")));
  write_weights(folder / "glem.pth", stored(*random_model("glem_cnn")));
  for (const auto& [name, shape] : {std::pair{"grey", Shape{2, 1, 32, 32}},
                                    {"one", Shape{4, 32, 32}},
                                    {"tiny", Shape{1, 3, 4, 4}},
                                    {"other", Shape{1, 3, 80, 80}},
                                    {"none", Shape{0, 3, 32, 32}}})
    write_weights(folder / (name + std::string(".npy")), {{"x", random_images(shape)}});
  write_weights(folder / "bytes.npy", {{"x", Tensor::zeros({1, 3, 32, 32}, DType::u8)}});
  const auto refused = [&](const char* model, const char* file, const char* input,
                           const Words& parts) {
    check_refused(folder, {"predict", file, input, "--model", model}, 3, parts);
  };
  refused("resnet20", "w.pth", "grey.npy",
          {"grey.npy: the model does not take its samples of shape (32, 32, 1): conv1: conv2d",
           "expects 3 input channels, got x (1, 32, 32, 1)"});
  refused("resnet20", "w.pth", "one.npy", {"conv1: conv2d", "got x (1, 32, 32, 4)"});
  refused("resnet20", "w.pth", "none.npy", {"got the shape (0, 3, 32, 32)"});
  refused("resnet20", "w.pth", "bytes.npy", {"expects floats"});
  refused("glem_cnn", "glem.pth", "tiny.npy",
          {"layer.4: conv2d: the picture is too small: a window of 3", "(1, 1, 1, 16)"});
  refused("glem_cnn", "glem.pth", "other.npy", {"layer.13: linear: the weight (256, 1600)"});
}

TEST_CASE("a head of another size stays fresh only where init.skip says so") {
  const tests::ScratchFolder folder;
  const auto bytes = [](std::initializer_list<int> values) {
    return std::string(values.begin(), values.end());
  };
  write_bytes(folder / "images", bytes({0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28}) +
                                     std::string(4 * 784, 'x'));
  write_bytes(folder / "labels", bytes({0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 3}));
  write_bytes(folder / "r.toml", R"([data]
kind = "idx"
train = { images = "images", labels = "labels" }
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
[model]
name = "lenet"
[loss]
name = "cross_entropy"
[train]
epochs = 1
[init]
weights = "five.pth"
)");
  const auto five = random_model("lenet", {{"num_classes", "5"}});
  write_weights(folder / "five.pth", stored(*five));
  check_refused(folder, {"train", "r.toml", "--quiet"}, 3,
                {"fc3.weight (expects (10, 84), got (5, 84))", "fc3.bias"});
  check_refused(folder, {"train", "r.toml", "--quiet", "--set", "init.strict=false"}, 3,
                {"fc3.weight (expects (10, 84), got (5, 84))"});
  answer(folder, {"train", "r.toml", "--quiet", "--name", "a", "--set", "optimizer.lr=0", "--set",
                  "init.skip=[\"fc3.*\"]"});
  const auto trained = read_weights(folder / "runs/train/a/weights/last.safetensors").tensors;
  for (const auto& [name, tensor] : stored(*five)) {
    CAPTURE(name);
    if (!name.starts_with("fc3")) CHECK(tests::error(find(trained, name), tensor) == 0);
  }
  CHECK_EQ(find(trained, "fc3.bias").numel(), 10);
}

TEST_CASE("summary foretells the memory of a training step, and takes C x H x W or H x W x C") {
  const tests::ScratchFolder folder;
  for (const auto& [model, input, batch] : {std::tuple{"resnet18", "3x32x32", "4"},
                                            {"resnet18", "64x64x3", "16"},
                                            {"lenet", "1x28x28", "32"},
                                            {"glem_cnn", "3x64x64", "16"}}) {
    CAPTURE(model);
    const Words words = {model, "--input", input, "--batch-size", batch, "--json"};
    const auto with = [&](const Words& first) {
      Words all = first;
      all.insert(all.end(), words.begin(), words.end());
      return json::parse(answer(folder, all));
    };
    const json summary = with({"summary"});
    CHECK_EQ(summary["input"][1], summary["input"][2]);
    // Sanitizer builds take every block from the system: no peak to compare.
    if (tests::slow_build) continue;
    const double peak = with({"bench", "--train", "--steps", "1"})["peak_bytes"];
    CHECK(summary["memory"]["total"].get<double>() == doctest::Approx(peak).epsilon(0.1));
  }
}

TEST_CASE("a real checkpoint of 2018, without counts of batches, is used as it is") {
  const auto file = tests::real_data("checkpoints/resnet20-12fca82f.th");
  if (file.empty()) return tests::skip("resnet20's checkpoint", "it is not here");
  const auto model = load_model("resnet20", file);
  CHECK((*model)(Tensor::zeros({1, 32, 32, 3})).shape() == Shape({1, 10}));
}
