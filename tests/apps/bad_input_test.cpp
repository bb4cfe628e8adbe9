// Every mistake that a user can make is answered with the right exit code and a message that says
// what was expected, and loses nothing.
#include <map>
#include <nlohmann/json.hpp>

#include "tensor/device.h"
#include "tensor/serialize/safetensors.h"
#include "tests/apps/program.h"
#include "tests/support.h"

using namespace lathe;
using tests::bytes_of;
using tests::write_bytes;
using Words = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

struct Mistake {
  std::string name;
  Words command;
  int code;
  std::string message;  ///< a part of what stands on stderr
};

/// Everything below a folder: path to bytes.
std::map<std::string, std::string> snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files[entry.path().string()] = entry.is_regular_file() ? bytes_of(entry.path()) : "";
  return files;
}

/// A folder with a small task, a run that went well, and files with one mistake each.
struct Workshop {
  tests::ScratchFolder scratch;
  fs::path recipe = tests::write_small_task(scratch.path());

  Workshop() {
    const tests::Outcome trained = lathe({"train", "small.toml", "--quiet"});
    REQUIRE_MESSAGE(trained.code == 0, trained.err);
    damage_csv();
    change_columns();
    make_other_weights();
    damage_recipes();
    damage_weights();
  }
  tests::Outcome lathe(const Words& words) const {
    return tests::run_lathe(words, {.folder = scratch.path()});
  }

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
    fs::create_directories(scratch / "no_run");
    fs::create_directories(scratch / "bad_run/weights");
    fs::copy_file(scratch / "runs/train/small/recipe.toml", scratch / "bad_run/recipe.toml");
    fs::copy_file(scratch / "cut.safetensors", scratch / "bad_run/weights/last.safetensors");
  }
};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}
/// The test set with other features.
std::string test_set(const std::string& split, const std::string& features) {
  return "data." + split + "={features=\"" + features + "\",labels=\"data/test_labels.csv\"}";
}
/// A training run with a setting.
Words set(const std::string& setting) { return {"train", "small.toml", "--set", setting}; }

/// A command on the weights of ten classes, which say nothing about themselves.
Words bare(const std::string& command, const Words& more) {
  return with({command, "ten.safetensors", "--model", "mlp", "--set", "data.kind=idx", "--set",
               "model.inputs=4", "--set", "model.hidden=[4]", "--set", "model.outputs=10"},
              more);
}

std::vector<Mistake> mistakes() {
  const std::string run = "runs/train/small";
  std::vector<Mistake> all = {
      {"command", {"trian"}, 2, "unknown command 'trian'; did you mean 'train'?"},
      {"no recipe", {"train"}, 2, "expects a RECIPE, or --resume RUN"},
      {"option",
       {"train", "small.toml", "--quite"},
       2,
       "unknown option '--quite'; did you mean '--quiet'?"},
      {"extra word", {"env", "now"}, 2, "env: does not expect 'now'"},
      {"option before", {"--json", "env"}, 2, "options stand behind the command"},
      {"no value", {"train", "small.toml", "--set"}, 2, "--set"},
      {"no equals", set("train.epochs"), 2, "expects key=value, got 'train.epochs'"},
      {"key", set("train.epoch=3"), 2, "unknown key 'train.epoch'; did you mean 'train.epochs'?"},
      {"key without its section", set("epochs=3"), 2, "did you mean 'train.epochs'?"},
      {"short key without its section", set("lr=3"), 2, "did you mean 'optimizer.lr'?"},
      {"mistyped key without its section", set("epocs=3"), 2, "did you mean 'train.epochs'?"},
      {"mistyped section",
       {"train", "section.toml"},
       2,
       "section.toml:1: unknown key 'trian'; did you mean 'train'?"},
      {"section", set("train=3"), 2, "'train' is a section"},
      {"text for integer", set("train.epochs=ten"), 2, "expects an integer, got the text 'ten'"},
      {"no epochs", set("train.epochs=0"), 2, "expects at least 1, got the integer 0"},
      {"batch size 0", set("train.batch_size=0"), 2, "train.batch_size expects at least 1"},
      {"part of a batch", set("train.batch_size=1.5"), 2, "expects an integer, got the number 1.5"},
      {"negative lr", set("optimizer.lr=-1"), 2, "optimizer.lr expects at least 0"},
      {"nan lr", set("optimizer.lr=nan"), 2, "expects a finite number"},
      {"list for lr", set("optimizer.lr=[1]"), 2, "expects a number, got a list"},
      {"optimizer", set("optimizer.name=adma"), 2, "did you mean 'adam'?"},
      {"one beta", set("optimizer.betas=[0.9]"), 2, "two numbers [beta1, beta2]"},
      {"beta 1", set("optimizer.betas=[0.9, 1.0]"), 2, "expects two numbers below 1"},
      {"nesterov", set("optimizer.nesterov=true"), 2, "expects a momentum above 0"},
      {"16 bits", set("train.dtype=bf16"), 2, "16-bit training is not there yet"},
      {"dtype", set("train.dtype=f23"), 2, "expects f32 or f64"},
      {"bool", set("train.shuffle=maybe"), 2, "expects true or false, got the text 'maybe'"},
      {"loss", set("loss.name=mse"), 2, "expects bce_with_logits or cross_entropy"},
      {"loss of another model", set("loss.name=cross_entropy"), 2,
       "expects a logit for each of 2 classes"},
      {"pos_weight", set("loss.pos_weight=many"), 2, "expects a number or \"auto\""},
      {"smoothing", set("loss.label_smoothing=2"), 2, "expects at most 1"},
      {"one class", set("data.classes=[\"real\"]"), 2, "expects two names or more"},
      {"a class twice", set("data.classes=[\"a\", \"a\"]"), 2, "names 'a' twice"},
      {"positive", set("data.positive=rael"), 2, "did you mean 'real'?"},
      {"kind", set("data.kind=landmark"), 2, "did you mean 'landmarks'?"},
      {"rows", set("data.rows_per_sample=0"), 2, "expects at least 1"},
      {"model", set("model.name=landmark_mpl"), 2, "did you mean 'landmark_mlp'?"},
      {"model's option", set("model.hiden=[8]"), 2, "did you mean 'hidden'?"},
      {"model's value", set("model.hidden=[0]"), 2, "hidden"},
      {"model's inputs", set("model.inputs=100"), 3,
       "data/train.csv: the model does not take its samples of shape (2176,): fc1: "},
      {"files' part", set("data.train.feature=x"), 2, "did you mean 'features'?"},
      {"device", {"train", "small.toml", "--device", "cuad"}, 2, "did you mean 'cuda'?"},
      {"no such device", {"train", "small.toml", "--device", "cuda:7"}, 5, "--device cuda:7"},
      {"threads", {"env", "--threads", "-1"}, 2, "--threads: expects 0 to 1024"},
      {"threads' text", {"env", "--threads", "two"}, 2, "--threads"},
      {"progress", {"train", "small.toml", "--progress", "bars"}, 2, "did you mean 'bar'?"},
      {"dtype option",
       {"train", "small.toml", "--dtype", "f8"},
       2,
       "--dtype: has no value 'f8'; expects f32 or f64"},
      {"dtype's nearest", {"train", "small.toml", "--dtype", "f23"}, 2, "did you mean 'f32'?"},
      {"dtype of 16 bits",
       {"train", "small.toml", "--dtype", "bf16"},
       2,
       "16-bit training is not there yet"},
      {"seed", {"train", "small.toml", "--seed", "-1"}, 2, "--seed: expects at least 0"},
      {"seed too large",
       {"train", "small.toml", "--seed", "99999999999999999999"},
       2,
       "--seed: expects a whole number below 9.2e18, got '99999999999999999999'"},
      {"seed of words",
       {"train", "small.toml", "--seed", "1x"},
       2,
       "expects a whole number, got '1x'"},
      {"path that is not UTF-8", set("data.train.features=caf\xe9.csv"), 2,
       "caf\xe9.csv: is not UTF-8"},
      {"folder that is not UTF-8",
       {"train", "caf\xe9/small.toml"},
       2,
       "caf\xe9/small.toml: data.train is not UTF-8: "},
      {"number for a file", set("data.train.features=123"), 3, "/123: there is no such file"},
      {"date for a file", set("data.train.labels=2024-01-01"), 3,
       "/2024-01-01: there is no such file"},
      {"number for weights", set("init.weights=123"), 3, "/123: there is no such file"},
      {"many digits", {"inspect", "a.b:99999999999999999999:c"}, 3, "a.b:99999999999999999999:c"},
      {"many digits, JSON",
       {"inspect", "a.b:99999999999999999999:c", "--json"},
       3,
       "a.b:99999999999999999999:c"},
      {"name", {"train", "small.toml", "--name", "a/b"}, 2, "expects a name without '/'"},
      {"project is a file", {"train", "small.toml", "--project", "small.toml"}, 3, "small.toml"},
      {"missing recipe", {"train", "smal.toml"}, 3, "smal.toml: there is no such recipe"},
      {"folder for a recipe",
       {"train", "data"},
       3,
       "data: is a folder, expects a recipe, a TOML file"},
      {"run for a recipe", {"train", run}, 3, "goes on by --resume"},
      {"data that can be made", set("data.train.features=nowhere/train.csv"), 3,
       "nowhere` makes synthetic ones"},
      {"not TOML", {"train", "not_toml.toml"}, 2, "not_toml.toml:2: not TOML"},
      {"recipe's key",
       {"train", "unknown_key.toml"},
       2,
       "unknown_key.toml:3: unknown key 'train.batchsize'; did you mean 'train.batch_size'?"},
      {"recipe's type",
       {"train", "wrong_type.toml"},
       2,
       "wrong_type.toml:3: train.epochs expects an integer"},
      {"no data", {"train", "no_data.toml"}, 2, "no_data.toml: data.train names no files"},
      {"half the data",
       {"train", "half_data.toml"},
       2,
       "expects { features = \"…\", labels = \"…\" }"},
      {"other kind's keys",
       {"train", "idx_keys.toml"},
       2,
       "expects { images = \"…\", labels = \"…\" }"},
      {"missing CSV", set("data.train.features=nowhere.csv"), 3, "nowhere.csv"},
      {"folder for CSV", set("data.train.features=data"), 3, "data"},
      {"empty CSV", set("data.train.features=empty.csv"), 3, "empty.csv"},
      {"no rows", set("data.train.features=header_only.csv"), 3, "header_only.csv"},
      {"short row", set("data.train.features=short_row.csv"), 3, "short_row.csv:3: "},
      {"long row", set("data.train.features=long_row.csv"), 3, "long_row.csv:3: "},
      {"text cell", set("data.train.features=text_cell.csv"), 3, "text_cell.csv:3: "},
      {"nan cell", set("data.train.features=nan_cell.csv"), 3, "nan_cell.csv:3: "},
      {"cut CSV", set("data.train.features=cut.csv"), 3, "cut.csv"},
      {"odd rows", set("data.train.features=odd_rows.csv"), 3, "odd_rows.csv"},
      {"no IDX", set("data.train.features=no_idx.csv"), 3, "no_idx.csv"},
      {"few labels", set("data.train.labels=few_labels.csv"), 3, "few_labels.csv"},
      {"labels without rows", set("data.train.labels=more_labels.csv"), 3, "more_labels.csv"},
      {"labels twice", set("data.train.labels=twice_labels.csv"), 3, "twice_labels.csv"},
      {"third label", set("data.train.labels=label_2.csv"), 3, "label_2.csv:2: "},
      {"label's text", set("data.train.labels=label_word.csv"), 3, "label_word.csv:2: "},
      {"other names in valid", set(test_set("valid", "permuted.csv")), 3,
       "permuted.csv:1: column 2 is 'ldmk2_x', where the training data has 'ldmk1_x'; the names "
       "are the same in another order"},
      {"a column less in valid", set(test_set("valid", "narrow.csv")), 3,
       "narrow.csv:1: column 137 is not there, where the training data has 'ldmk68_y'; it has 135 "
       "columns behind the index, not 136"},
      {"a column less in train",
       with(set(test_set("train", "narrow.csv")), {"--set", "data.valid=[]"}), 3,
       "narrow.csv: the model does not take its samples of shape (2160,): fc1: "},
      {"other names among the files",
       set("data.train=[{features=\"data/test.csv\",labels=\"data/test_labels.csv\"},"
           "{features=\"permuted.csv\",labels=\"data/test_labels.csv\"}]"),
       3, "permuted.csv:1: column 2 is 'ldmk2_x', where "},
      {"CSV for idx",
       with(set("data.kind=idx"),
            {"--set", "data.train={images=\"data/train.csv\",labels=\"data/train.csv\"}", "--set",
             "data.valid=[]", "--set", "data.test=[]"}),
       3, "train.csv"},
      {"missing weights", set("init.weights=nowhere.safetensors"), 3, "nowhere.safetensors"},
      {"weights that do not fit", set("init.weights=other.safetensors"), 3, "fc9.bias"},
      {"text for weights", set("init.weights=text.safetensors"), 3, "text.safetensors"},
      {"empty weights", set("init.weights=empty.safetensors"), 3, "empty.safetensors"},
      {"resume nothing", {"train", "--resume", "runs/train/smell"}, 3, "there is no such run"},
      {"resume no run", {"train", "--resume", "no_run"}, 3, "it has no recipe.toml"},
      {"resume and recipe",
       {"train", "small.toml", "--resume", run},
       2,
       "expects a RECIPE, or --resume RUN"},
      {"resume under a name", {"train", "--resume", run, "--name", "x"}, 2, "--name"},
      {"resume in a project", {"train", "--resume", run, "--project", "x"}, 2, "--project"},
      {"resume over it", {"train", "--resume", run, "--exist-ok"}, 2, "--exist-ok"},
      {"more weights than any disk holds",
       with(set("train.epochs=4000000000000000000"), {"--set", "checkpoint.every=1"}), 5,
       "are free there"},
      {"resume damaged", {"train", "--resume", "bad_run"}, 3, "last.safetensors"},
      {"eval nothing", {"eval", "nowhere"}, 3, "there is no such run or weights file"},
      {"eval no run", {"eval", "no_run"}, 3, "it has no recipe.toml"},
      {"eval cut", {"eval", "cut.safetensors"}, 3, "cut.safetensors"},
      {"eval flipped", {"eval", "flipped.safetensors"}, 3, "flipped.safetensors"},
      {"eval later version", {"eval", "later.safetensors"}, 3, "a later Lathe is needed"},
      {"eval metadata", {"eval", "metadata.safetensors"}, 3, "its metadata are damaged"},
      {"eval nameless", {"eval", "nameless.safetensors"}, 2, "say --model NAME"},
      {"eval split", {"eval", run, "--split", "tset"}, 2, "did you mean 'test'?"},
      {"eval weights", {"eval", run, "--weights", "bset"}, 3, "did you mean 'best'?"},
      {"eval threshold", {"eval", run, "--threshold", "2"}, 2, "expects a number from 0 to 1"},
      {"eval of other names",
       {"eval", run, "--set", test_set("test", "permuted.csv")},
       3,
       "permuted.csv:1: column 2 is 'ldmk2_x', where the training data has 'ldmk1_x'"},
      {"eval of a column less without names",
       {"eval", "unnamed.safetensors", "--split", "test", "--set", test_set("test", "narrow.csv")},
       3,
       "narrow.csv: has 135 channels, but the weights were trained on 136"},
      {"predict other names", {"predict", run, "permuted.csv"}, 3, "permuted.csv:1: column 2"},
      {"eval nan weights",
       {"eval", "nan.safetensors", "--split", "test"},
       4,
       "nan.safetensors: the output for sample 0 of data.test is nan: the parameter fc2.bias has "
       "nan"},
      {"predict nan weights",
       {"predict", "nan.safetensors", "data/test.csv"},
       4,
       "the output for sample 0 of data/test.csv is nan"},
      {"classes and outputs",
       {"eval", "two_of_three.safetensors", "--split", "test"},
       3,
       "names 3 classes, but landmark_mlp has 1 outputs, for 2"},
      {"more classes than outputs",
       bare("predict", {"images.idx", "--num-classes", "100000000000"}), 2,
       "--num-classes: mlp has 10 outputs, for 10 classes, got 100000000000"},
      {"classes below 2", bare("predict", {"images.idx", "--num-classes", "-5"}), 2,
       "--num-classes: expects at least 2, got -5"},
      {"classes that are named",
       {"predict", run, "data/test.csv", "--num-classes", "3"},
       2,
       "names its 2 classes itself"},
      {"model that is named",
       {"eval", run, "--model", "mlp"},
       2,
       "names its model itself, landmark_mlp"},
      {"classes that are named otherwise",
       {"eval", run, "--set", "data.classes=[\"a\", \"b\"]"},
       2,
       "names its classes itself"},
      {"options that are named",
       {"eval", run, "--set", "model.hidden=[9]"},
       2,
       "names its model and its options itself"},
      {"threshold of ten classes",
       bare("eval", {"--split", "test", "--threshold", "0.7", "--set",
                     "data.test={images=\"images.idx\",labels=\"labels.idx\"}"}),
       2, "--threshold: expects two classes, got 10"},
      {"eval threshold's word", {"eval", run, "--threshold", "bset"}, 2, "did you mean 'best'?"},
      {"predict without input", {"predict", run}, 2, "INPUT"},
      {"predict nothing", {"predict", run, "nowhere.csv"}, 3, "nowhere.csv"},
      {"predict cut", {"predict", run, "odd_rows.csv"}, 3, "odd_rows.csv"},
      {"predict to nowhere",
       {"predict", run, "data/test.csv", "--output", "no/where.csv"},
       2,
       "no/where.csv"},
      {"inspect nothing", {"inspect", "nowhere"}, 3, "nowhere"},
      {"inspect text", {"inspect", "small.toml"}, 3, "is no safetensors file"},
      {"inspect three", {"inspect", "a", "b", "c"}, 2, "expects one file, or two, got 3"},
      {"summary", {"summary", "landmark_mpl"}, 2, "did you mean 'landmark_mlp'?"},
      {"summary of no file", {"summary", "nowhere.toml"}, 3, "nowhere.toml"},
      {"summary input", {"summary", "mlp", "--input", "3x"}, 2, "--input"},
      {"bench both", {"bench", "mlp", "--train", "--infer"}, 2, "not both"},
      {"bench ops", {"bench", "mlp", "--infer", "--ops"}, 2, "--ops: is there for training only"},
      {"kernels of a family", {"kernels", "softmx"}, 2, "did you mean 'softmax'?"},
      {"bench steps", {"bench", "mlp", "--steps", "0"}, 2, "--steps: expects at least 1"},
      {"kernel", {"kernels", "matmull"}, 2, "did you mean 'matmul'?"},
      {"kind of data", {"data", "make", "landmark", "x"}, 2, "did you mean 'landmarks'?"},
      {"data without folder", {"data", "make", "landmarks"}, 2, "DIR"},
      {"data sizes",
       {"data", "make", "landmarks", "x", "--train", "0"},
       2,
       "--train: expects at least 1"},
      {"data command", {"data", "mkae"}, 2, "did you mean 'make'?"},
  };
  if (!unavailable(Device::cuda).empty())
    all.push_back({"no device", {"train", "small.toml", "--device", "cuda"}, 5, "--device cuda: "});
  return all;
}

}  // namespace

TEST_CASE("every mistake is answered, with the right exit code, and loses nothing") {
  const Workshop workshop;
  const auto before = snapshot(workshop.scratch.path());
  for (const Mistake& m : mistakes()) {
    const tests::Outcome outcome = workshop.lathe(m.command);
    INFO(m.name, ": ", outcome.err);
    CHECK_EQ(outcome.code, m.code);
    CHECK_NE(outcome.err.find(m.message), std::string::npos);
    CHECK_EQ(outcome.err.find("internal"), std::string::npos);
  }
  const auto after = snapshot(workshop.scratch.path());
  for (const auto& entry : after) {
    const auto old = before.find(entry.first);
    CHECK_MESSAGE((old != before.end() && old->second == entry.second), entry.first,
                  " was made or changed");
  }
  CHECK_EQ(after.size(), before.size());
  MESSAGE(mistakes().size(), " mistakes");
}

TEST_CASE("with --json an error is an object that says where") {
  const Workshop workshop;
  auto error = [&](const Words& command) {
    return nlohmann::json::parse(workshop.lathe(command).out)["error"];
  };
  const auto cell = error(with(set("data.train.features=text_cell.csv"), {"--json"}));
  CHECK_EQ(cell["kind"], "data");
  CHECK_EQ(cell["line"], 3);
  CHECK_EQ(fs::path(cell["file"].get<std::string>()).filename(), "text_cell.csv");
  const auto key = error({"train", "wrong_type.toml", "--json"});
  CHECK_EQ(key["kind"], "usage");
  CHECK_EQ(key["line"], 3);
  CHECK_EQ(error({"trian", "--json"})["file"], nullptr);
}

TEST_CASE("weights that do not fit: missing, unexpected and mismatched are listed together") {
  const Workshop workshop;
  const std::string message = workshop.lathe(set("init.weights=other.safetensors")).err;
  for (const char* part :
       {"fc1.bias", "fc2.weight", "fc9.bias", "fc1.weight (expects (8, 2176), got (2,))"})
    CHECK_NE(message.find(part), std::string::npos);
}

TEST_CASE("weights that say nothing about themselves: the model's outputs say how many classes") {
  const Workshop workshop;
  const tests::Outcome predicted = workshop.lathe(bare("predict", {"images.idx", "--json"}));
  REQUIRE_MESSAGE(predicted.code == 0, predicted.err);
  const auto line = nlohmann::json::parse(predicted.out.substr(0, predicted.out.find('\n')));
  CHECK_EQ(line["probabilities"].size(), 10);
  const tests::Outcome evaluated =
      workshop.lathe(bare("eval", {"--split", "test", "--json", "--num-classes", "10", "--set",
                                   "data.test={images=\"images.idx\",labels=\"labels.idx\"}"}));
  REQUIRE_MESSAGE(evaluated.code == 0, evaluated.err);
  CHECK_EQ(nlohmann::json::parse(evaluated.out)["confusion"].size(), 10);
}

TEST_CASE("results that cannot be written are an error") {
  if (!fs::exists("/dev/full")) return tests::skip("full stdout", "there is no /dev/full");
  const Workshop workshop;
  for (const Words& words : {Words{"env"},
                             {"kernels", "--json"},
                             {"summary", "mlp"},
                             {"--help"},
                             {"train", "--help-recipe"},
                             {"predict", "runs/train/small", "data/test.csv"},
                             {"eval", "runs/train/small"}}) {
    const tests::Outcome outcome =
        tests::run_lathe(words, {.folder = workshop.scratch.path(), .out = "/dev/full"});
    INFO(words[0]);
    CHECK_EQ(outcome.code, 5);
    CHECK_NE(outcome.err.find("stdout: the results cannot be written"), std::string::npos);
  }
}

TEST_CASE("predict --output: links and devices stay what they are, - is stdout") {
  const Workshop workshop;
  const fs::path folder = workshop.scratch.path();
  const Words words = {"predict", "runs/train/small", "data/test.csv", "--output"};
  const std::string lines = workshop.lathe(with(words, {"-"})).out;
  CHECK_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  fs::create_symlink("elsewhere/real.csv", folder / "link.csv");
  fs::create_directories(folder / "elsewhere");
  for (int i = 0; i < 2; ++i) {  // the file is not there at first
    CHECK_EQ(workshop.lathe(with(words, {"link.csv"})).code, 0);
    CHECK(fs::is_symlink(folder / "link.csv"));
    CHECK_EQ(bytes_of(folder / "elsewhere/real.csv"), lines);
  }
  CHECK_EQ(workshop.lathe(with(words, {"/dev/null"})).code, 0);
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_EQ(workshop.lathe(with(words, {"/dev/full"})).code, 5);
}

TEST_CASE("LATHE_VARIANT that names no kernel or row is refused") {
  for (const auto& [variant, message] :
       {std::pair("matmull=reference", "there is no kernel 'matmull'; did you mean 'matmul'?"),
        {"*=refrence", "no kernel has a row 'refrence'; did you mean 'reference'?"}}) {
    const tests::Outcome outcome =
        tests::run_lathe({"bench", "mlp", "--steps", "1"},
                         {.environment = {std::string("LATHE_VARIANT=") + variant}});
    CHECK_EQ(outcome.code, 2);
    CHECK_NE(outcome.err.find(message), std::string::npos);
  }
}

TEST_CASE("summary and bench take a model of two outputs") {
  for (const char* command : {"summary", "bench"}) {
    const tests::Outcome outcome =
        tests::run_lathe({command, "mlp", "--set", "model.outputs=2", "--set", "model.inputs=4"});
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
  }
}

TEST_CASE("--help shows the default of every option that has one") {
  const std::string help = tests::run_lathe({"train", "--help"}).out +
                           tests::run_lathe({"eval", "--help"}).out +
                           tests::run_lathe({"bench", "--help"}).out;
  for (const char* option :
       {"--seed N [the recipe's, else 0]", "--dtype TEXT [the recipe's, else f32]",
        "--name TEXT [the recipe's name]", "--resume TEXT [none: a new run]",
        "--split TEXT ... [valid and test]", "--report TEXT [none]",
        "--optimizer TEXT [the recipe's, else adam]"})
    CHECK_MESSAGE(help.find(option) != std::string::npos, option);
}

TEST_CASE("eval --report writes the metrics and a line for each sample") {
  const Workshop workshop;
  const tests::Outcome outcome =
      workshop.lathe({"eval", "runs/train/small", "--report", "report/new"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const fs::path folder = workshop.scratch / "report/new";
  const auto metrics = nlohmann::json::parse(bytes_of(folder / "metrics.json"));
  CHECK_EQ(metrics["valid"]["samples"], 4);
  CHECK(fs::exists(folder / "metrics.txt"));
  std::istringstream lines(bytes_of(folder / "predictions.csv"));
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK_EQ(line, "split,index,label,class,p(real)");
  int count = 0;
  for (; std::getline(lines, line); ++count) {
    const std::string start = (count < 4 ? "valid," : "test,") + std::to_string(count % 4) + ",";
    CHECK_EQ(line.substr(0, start.size()), start);
    const double p = std::stod(line.substr(line.rfind(',') + 1));
    CHECK_EQ(line.find(",real,0") != line.npos || line.find(",real,1") != line.npos, p > 0.5);
  }
  CHECK_EQ(count, 8);
}
