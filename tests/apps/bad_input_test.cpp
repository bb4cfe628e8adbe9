// Every mistake that a user can make is answered with the right exit code and a message that says
// what was expected, and loses nothing.
#include <map>

#include "tensor/device.h"
#include "tests/apps/workshop.h"

using namespace lathe;
using namespace lathe::tests;

namespace {

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

/// The test set with other features.
std::string test_set(const std::string& split, const std::string& features) {
  return "data." + split + "={features=\"" + features + "\",labels=\"data/test_labels.csv\"}";
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
      {"inspect text", {"inspect", "small.toml"}, 3, "is text, not a file of weights"},
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
