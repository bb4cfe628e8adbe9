// A folder in which the program can be used wrongly: a small task, a run that went well, and files
// with one mistake each.
#pragma once

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tensor/serialize/safetensors.h"
#include "tests/apps/program.h"
#include "tests/support.h"

namespace lathe::tests {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct Workshop {
  ScratchFolder scratch;
  fs::path recipe = write_small_task(scratch.path());

  Workshop() {
    const Outcome trained = lathe({"train", "small.toml", "--quiet"});
    REQUIRE_MESSAGE(trained.code == 0, trained.err);
    damage_csv();
    change_columns();
    make_other_weights();
    damage_recipes();
    damage_weights();
  }
  Outcome lathe(const Words& words) const { return run_lathe(words, {.folder = scratch.path()}); }

  void damage_csv() const {
    const std::string good = bytes_of(scratch / "data/train.csv");
    const size_t first = good.find('\n') + 1, second = good.find('\n', first) + 1;
    const size_t third = good.find('\n', second) + 1;
    const std::string row = good.substr(second, third - second);  // line 3 of the file
    auto with_row = [&](const std::string& other) {
      return good.substr(0, second) + other + good.substr(third);
    };
    const size_t comma = row.find(','), next = row.find(',', comma + 1);
    write_bytes(scratch / "empty.csv", "");
    write_bytes(scratch / "header_only.csv", good.substr(0, first));
    write_bytes(scratch / "short_row.csv", with_row(row.substr(0, row.rfind(',')) + "\n"));
    write_bytes(scratch / "long_row.csv", with_row(row.substr(0, row.size() - 1) + ",1\n"));
    write_bytes(scratch / "text_cell.csv",
                with_row(row.substr(0, comma) + ",left" + row.substr(next)));
    write_bytes(scratch / "nan_cell.csv",
                with_row(row.substr(0, comma) + ",nan" + row.substr(next)));
    write_bytes(scratch / "cut.csv", good.substr(0, good.size() / 2));
    write_bytes(scratch / "odd_rows.csv", good.substr(0, third));
    write_bytes(scratch / "no_idx.csv", "X" + good.substr(1));
    const std::string labels = bytes_of(scratch / "data/train_labels.csv");
    write_bytes(scratch / "few_labels.csv",
                labels.substr(0, labels.rfind('\n', labels.size() - 2) + 1));
    write_bytes(scratch / "more_labels.csv", labels + "99999,0\n");
    write_bytes(scratch / "twice_labels.csv", labels + "0,0\n");
    write_bytes(scratch / "label_2.csv", "IDX,Label\n0,2\n");
    write_bytes(scratch / "label_word.csv", "IDX,Label\n0,fake\n");
  }
  /// Files that are good in themselves, but not what the model was trained on.
  void change_columns() const {
    const std::string good = bytes_of(scratch / "data/test.csv");
    const std::string x = ",ldmk1_x,ldmk2_x,", y = ",ldmk2_x,ldmk1_x,";
    std::string permuted = good, narrow;
    permuted.replace(permuted.find(x), x.size(), y);
    write_bytes(scratch / "permuted.csv", permuted);
    std::istringstream lines(good);
    for (std::string line; std::getline(lines, line);)
      narrow += line.substr(0, line.rfind(',')) + "\n";
    write_bytes(scratch / "narrow.csv", narrow);
    const SafeTensors weights =
        read_safetensors(scratch / "runs/train/small/weights/best.safetensors");
    auto metadata = weights.metadata;
    metadata.erase("channels");  // as weights were before they kept the names
    write_safetensors(scratch / "unnamed.safetensors", weights.tensors, metadata);
  }
  /// A network of ten classes, its weights without a word about them, some of them broken.
  void make_other_weights() const {
    std::vector<StoredTensor> tensors;
    auto add = [&](const std::string& name, const Shape& shape) {
      tensors.push_back({name, Tensor::full(shape, 0.01, DType::f32)});
    };
    add("fc1.weight", {4, 4});
    add("fc1.bias", {4});
    add("fc2.weight", {10, 4});
    add("fc2.bias", {10});
    write_safetensors(scratch / "ten.safetensors", tensors);
    SafeTensors weights = read_safetensors(scratch / "runs/train/small/weights/best.safetensors");
    write_safetensors(scratch / "two_of_three.safetensors", weights.tensors,
                      [metadata = weights.metadata]() mutable {
                        metadata["classes"] = "[\"a\", \"b\", \"c\"]";
                        return metadata;
                      }());
    for (StoredTensor& t : weights.tensors)
      if (t.name == "fc2.bias") t.tensor = Tensor::full({1}, NAN, DType::f32);
    write_safetensors(scratch / "nan.safetensors", weights.tensors, weights.metadata);
    const std::string header = std::string("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\2", 16);
    write_bytes(scratch / "images.idx", header + "abcdefgh");
    write_bytes(scratch / "labels.idx", std::string("\0\0\x08\1\0\0\0\2\0\x09", 10));
  }
  void damage_recipes() const {
    fs::create_directories(scratch / "caf\xe9");
    fs::copy_file(recipe, scratch / "caf\xe9/small.toml");
    write_bytes(scratch / "section.toml", "[trian]\nepochs = 1\n");
    write_bytes(scratch / "not_toml.toml", "name = \"x\"\n[train\n");
    write_bytes(scratch / "unknown_key.toml", "[train]\nepochs = 1\nbatchsize = 3\n");
    write_bytes(scratch / "wrong_type.toml", "[train]\n\nepochs = \"many\"\n");
    write_bytes(scratch / "no_data.toml", "name = \"x\"\n");
    write_bytes(scratch / "half_data.toml", "[data]\ntrain = { features = \"data/train.csv\" }\n");
    write_bytes(scratch / "idx_keys.toml",
                "[data]\nkind = \"idx\"\ntrain = { features = \"a\", labels = \"b\" }\n");
  }
  void damage_weights() const {
    const std::string good = bytes_of(scratch / "runs/train/small/weights/best.safetensors");
    write_bytes(scratch / "cut.safetensors", good.substr(0, good.size() - 100));
    std::string flipped = good;
    flipped[12] = '\x01';
    write_bytes(scratch / "flipped.safetensors", flipped);
    write_bytes(scratch / "empty.safetensors", "");
    write_bytes(scratch / "text.safetensors", "these are no weights\n");
    const Tensor x = Tensor::zeros({2});
    write_safetensors(scratch / "other.safetensors", {{"fc1.weight", x}, {"fc9.bias", x}});
    write_safetensors(scratch / "later.safetensors", {{"x", x}}, {{"format_version", "2"}});
    write_safetensors(scratch / "metadata.safetensors", {{"x", x}}, {{"model", "{\"name\": 3"}});
    write_safetensors(scratch / "nameless.safetensors", {{"x", x}}, {});
    write_bytes(scratch / "lfs.pth",
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 102530333\n");
    write_bytes(scratch / "page.pth", "<!DOCTYPE html>\n<html><body>Not found</body></html>\n");
    const std::string checkpoint = bytes_of(golden("weights/kinds.pth"));
    write_bytes(scratch / "cut.pth", checkpoint.substr(0, checkpoint.size() / 2));
    write_bytes(scratch / "attack.pth",
                "\x80\x02"
                "cos\nsystem\n(U\x04"
                "truetR.");
    const std::string header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
    write_bytes(scratch / "objects.npy", std::string("\x93NUMPY\1\0", 8) + char(header.size()) +
                                             '\0' + header + "\x80\x04K\1.");
    fs::create_directories(scratch / "no_run");
    fs::create_directories(scratch / "bad_run/weights");
    fs::copy_file(scratch / "runs/train/small/recipe.toml", scratch / "bad_run/recipe.toml");
    fs::copy_file(scratch / "cut.safetensors", scratch / "bad_run/weights/last.safetensors");
  }
};

inline Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}
/// A training run with a setting.
inline Words set(const std::string& setting) { return {"train", "small.toml", "--set", setting}; }
/// A command on the weights of ten classes, which say nothing about themselves.
inline Words bare(const std::string& command, const Words& more) {
  return with({command, "ten.safetensors", "--model", "mlp", "--set", "data.kind=idx", "--set",
               "model.inputs=4", "--set", "model.hidden=[4]", "--set", "model.outputs=10"},
              more);
}

}  // namespace lathe::tests
