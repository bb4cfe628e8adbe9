// Files of weights in every format: what PyTorch and NumPy wrote is read to the bit, and what is
// written reads back.
#include "tensor/serialize/weights_file.h"

#include <zlib.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tensor/serialize/safetensors.h"
#include "tensor/serialize/zip.h"
#include "tests/support.h"

using namespace lathe;
using nlohmann::json;
using tests::bytes_of;
using tests::message_of;

namespace {

uint32_t checksum(const Tensor& t) {
  return uint32_t(crc32_z(0, reinterpret_cast<const Bytef*>(t.raw()), size_t(t.bytes())));
}

const json& goldens() {
  static const json all = json::parse(bytes_of(tests::golden("weights.json")));
  return all;
}

/// Name, dtype, shape and checksum of each tensor, by name.
std::map<std::string, json> lines(const std::vector<StoredTensor>& tensors) {
  std::map<std::string, json> all;
  for (const auto& [name, tensor] : tensors)
    all[name] = {name, safetensors_name(tensor.dtype()),
                 std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end()),
                 tensor.numel() ? checksum(tensor) : 0};
  return all;
}

void check_golden(const std::filesystem::path& file, const json& expected) {
  CAPTURE(file.string());
  const auto found = lines(read_weights(file).tensors);
  CHECK_EQ(found.size(), expected.size());
  for (const json& line : expected) {
    const std::string name = line[0];
    REQUIRE_MESSAGE(found.count(name), name);
    CHECK_EQ(found.at(name), line);
  }
}

std::filesystem::path own(const std::string& name) { return tests::golden("weights/" + name); }

}  // namespace

TEST_CASE("files of PyTorch and NumPy are read to the bit: all types, strides and orders") {
  for (const auto& [name, expected] : goldens()["own"].items()) check_golden(own(name), expected);
}

TEST_CASE("real checkpoints are read to the bit as PyTorch and NumPy read them") {
  for (const auto& [name, expected] : goldens()["shared"].items()) {
    const auto file = tests::real_data(name);
    if (file.empty())
      tests::skip("real checkpoints", name + " is not here");
    else
      check_golden(file, expected);
  }
}

TEST_CASE("a checkpoint's weights are found, and what was passed over is said") {
  const WeightsFile read = read_weights(own("kinds.pth"));
  CHECK_EQ(read.format, "pth");
  CHECK_EQ(read_weights(own("kinds_legacy.pth")).format, "pth (legacy)");
  REQUIRE_EQ(read.notes.size(), 2u);
  CHECK_EQ(read.notes[0], "took 'model'; beside it: epoch, lr, arch, done or optimizer");
  CHECK_EQ(read.notes[1], "took the prefix 'module.' off all names");
  CHECK_EQ(read.metadata.at("epoch"), "7");
  CHECK_EQ(read.metadata.at("lr"), "0.5");
  CHECK_EQ(read.metadata.at("arch"), "tiny");
  CHECK_EQ(read.metadata.at("done"), "false");
}

TEST_CASE("every format is written, and reads back") {
  const tests::ScratchFolder folder;
  const WeightsFile first = read_weights(own("kinds.pth"));
  for (const char* name : {"a.pth", "a.pt", "a.safetensors", "a.npz"}) {
    CAPTURE(name);
    write_weights(folder / name, first.tensors, {{"k", "v"}});
    const WeightsFile again = read_weights(folder / name);
    auto expected = lines(first.tensors);
    if (std::string(name) == "a.npz")  // NumPy has no bf16
      for (const StoredTensor& t : first.tensors)
        if (t.name == "bf16") expected["bf16"] = lines({{"bf16", t.tensor.to(DType::f32)}})["bf16"];
    CHECK_EQ(lines(again.tensors), expected);
    CHECK_EQ(again.metadata.size(), std::string(name) == "a.safetensors" ? 1u : 0u);
    write_weights(folder / "b.pth", again.tensors);  // tensors of a mapped file
    write_weights(folder / name, again.tensors);     // over the file that they are mapped from
    CHECK_EQ(lines(read_weights(folder / name).tensors), expected);
  }
  for (const char* name : {"a.pth", "a.npz"}) {
    ZipArchive archive(name, std::make_shared<MappedFile>(folder / name));
    CHECK(archive.entries().size() > 19);
    for (const ZipEntry& entry : archive.entries()) {
      const auto storage = archive.read(entry);
      const auto* bytes = reinterpret_cast<const Bytef*>(storage->data());
      CHECK_EQ(entry.crc, entry.size ? crc32_z(0, bytes, entry.size) : 0);
      CHECK_EQ(entry.offset % 64, 0u);
    }
  }
  write_weights(folder / "one.npy", {{"x", Tensor::from<float>({1, 2, 3}, {3, 1})}});
  CHECK_EQ(read_weights(folder / "one.npy").tensors.at(0).name, "one");
  CHECK_EQ(read_weights(folder / "one.npy").tensors.at(0).tensor.to_vector<float>(),
           std::vector<float>{1, 2, 3});
  const auto written = [&](const char* name) {
    return message_of([&] { write_weights(folder / name, first.tensors); });
  };
  CHECK(written("a.npy").find("holds one array, got 20") != std::string::npos);
  CHECK(written("a.bin").find(".safetensors, .pth, .pt, .npy or .npz") != std::string::npos);
}

TEST_CASE("tensors stay in the mapped file: a large .pth is read in no time") {
  const tests::ScratchFolder folder;
  const Tensor large = Tensor::full({32 << 20}, 1.5, DType::f32);  // 128 MB
  write_weights(folder / "a.pth", {{"large", large}, {"small", Tensor::zeros({3})}});
  const auto start = std::chrono::steady_clock::now();
  const WeightsFile read = read_weights(folder / "a.pth");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  CHECK(seconds.count() < 0.1);
  CHECK_EQ(reinterpret_cast<uintptr_t>(read.tensors[0].tensor.raw()) % 64, 0u);
  CHECK_EQ(read.tensors[0].tensor.data<float>()[(32 << 20) - 1], 1.5f);
}
