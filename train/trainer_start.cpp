// How a run begins: its data, model and step, in a new folder or from where one stopped. Whatever
// can be refused is refused before anything is written.
#include <algorithm>
#include <cmath>

#include "data/disjoint.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "tensor/suggest.h"
#include "train/check_data.h"
#include "train/trainer.h"

namespace lathe {
namespace {

LoaderOptions loader_options(const Recipe& recipe, bool training) {
  LoaderOptions options;
  options.batch_size = recipe.train.batch_size;
  options.shuffle = training && recipe.train.shuffle;
  options.balance = training && recipe.data.balance;
  options.seed = uint64_t(recipe.train.seed);
  options.workers = int(recipe.data.workers);
  return options;
}

/// The keys that decide which samples an epoch's batches hold and that differ.
std::vector<std::string> changed_order(const Recipe& before, const Recipe& now) {
  std::vector<std::string> keys;
  auto compare = [&](const char* key, const auto& was, const auto& is) {
    if (was != is) keys.push_back(key);
  };
  compare("data.kind", before.data.kind, now.data.kind);
  compare("data.train", before.data.train, now.data.train);
  compare("data.rows_per_sample", before.data.rows_per_sample, now.data.rows_per_sample);
  compare("data.folds", before.data.folds, now.data.folds);
  compare("data.fold", before.data.fold, now.data.fold);
  compare("data.balance", before.data.balance, now.data.balance);
  compare("train.batch_size", before.train.batch_size, now.train.batch_size);
  compare("train.accumulate", before.train.accumulate, now.train.accumulate);
  compare("train.shuffle", before.train.shuffle, now.train.shuffle);
  if (now.train.shuffle) compare("train.seed", before.train.seed, now.train.seed);
  return keys;
}

}  // namespace

Trainer::Trainer(Recipe recipe, Device device) : recipe_(std::move(recipe)), device_(device) {
  read_data();
  check_monitors(recipe_, valid_.get());
  info_.model = recipe_.model.name;
  info_.options = recipe_.model.options;
  info_.classes = classes_;
  info_.recipe = to_toml(recipe_, true);
  build();
  trace_first_step();
}

Trainer::~Trainer() = default;

void Trainer::read_data() {
  check_splits(recipe_);
  auto raw = load_split(recipe_, "train", Stage::train, &left_out_);
  classes_ = class_names(recipe_, *raw);
  positive_ = positive_class(recipe_, classes_);
  raw = with_classes(raw, classes_);
  check_classes(*raw, first_file(recipe_, "train"));
  warning_ = resolve_pos_weight(recipe_, *raw);
  info_.normalization = measure(recipe_, *raw);
  train_ = normalized(raw, info_.normalization);
  info_.channels = raw->channel_names();
  if (has_split(recipe_, "valid")) {
    // A fold's files are data.train's, whose bad ones are known already.
    auto* const left_out = recipe_.data.folds > 0 ? nullptr : &left_out_;
    valid_ = with_classes(load_split(recipe_, "valid", Stage::eval, left_out), classes_);
    if (recipe_.data.kind != "images")  // of these, check_splits() has seen all three splits
      check_disjoint(origins_of(*train_), "data.train", origins_of(*valid_), "data.valid");
    check_channels(*valid_, info_.channels, first_file(recipe_, "valid"));
    valid_ = normalized(valid_, info_.normalization);
  }
}

/// The model, what updates it, and the steps.
void Trainer::build() {
  model_ = make_model(recipe_, device_);
  check_model_takes(*model_, *train_, first_file(recipe_, "train"));
  if (valid_) check_model_takes(*model_, *valid_, first_file(recipe_, "valid"));
  class_weights_ = loss_class_weights(recipe_);
  loss_ = make_loss(recipe_, int64_t(classes_.size()), device_);
  updates_ = make_updates(recipe_, *model_);
  const int64_t samples = recipe_.train.batch_size * recipe_.train.accumulate;
  schedules_ =
      make_schedules(recipe_, *updates_.optimizer, (train_->size() + samples - 1) / samples);
  if (recipe_.train.ema > 0) average_ = std::make_unique<WeightAverage>(*model_, recipe_.train.ema);
  const MixingOptions mixing = {recipe_.train.mixup, recipe_.train.cutmix,
                                uint64_t(recipe_.train.seed)};
  if (mixing.mixup > 0 || mixing.cutmix > 0)
    mixing_ = std::make_unique<Mixing>(mixing, loss_, train_->sample_shape());
  train_step_ =
      std::make_unique<TrainStep>(*model_, mixing_ ? mixing_->loss() : loss_, *updates_.optimizer);
  eval_step_ = std::make_unique<EvalStep>(*model_, loss_);
}

/// Traces the step of whole batches, so that a model that does not fit the data or the loss is
/// known before anything is written.
void Trainer::trace_first_step() {
  const int64_t rows = std::min(recipe_.train.batch_size, train_->size());
  std::vector<int64_t> extents = {rows};
  const Shape sample = train_->sample_shape();
  extents.insert(extents.end(), sample.begin(), sample.end());
  const Tensor inputs = Tensor::empty(Shape(extents), train_->dtype(), device_),
               labels = Tensor::empty({rows}, DType::i64, device_);
  if (recipe_.train.accumulate > 1)
    train_step_->accumulating_plan(inputs, labels, true);
  else
    train_step_->plan_for(inputs, labels);
}

/// Before the folder of a new run is made.
void Trainer::check_start(const std::filesystem::path& folder) {
  load_initial_weights(recipe_, *model_);
  check_disk(folder, bytes_of_run(recipe_, info_, learnt()));
}

void Trainer::prepare(const RunFolder& folder) {
  folder_ = folder;
  state_.epoch_samples = train_->size();
  train_loader_ = std::make_unique<Loader>(train_, loader_options(recipe_, true));
  if (valid_) valid_loader_ = std::make_unique<Loader>(valid_, loader_options(recipe_, false));
  results_.emplace(folder.results(), recipe_.train.dtype == "f64" ? 17 : 9);
  writer_ = std::make_unique<CheckpointWriter>(*folder_, recipe_, info_, learnt());
}

void Trainer::start(const RunFolder& folder, const std::string& command_line) {
  state_ = TrainState();
  if (average_) average_->restart();  // from init.weights
  prepare(folder);
  folder.clear();  // with --exist-ok, of another run's
  write_beginning(command_line);
}

void Trainer::resume(const RunFolder& folder, const std::string& command_line) {
  const std::filesystem::path file = folder.weights("last");
  if (!std::filesystem::exists(file)) {
    if (std::filesystem::exists(folder.weights("best")))
      fail(ErrorKind::data, file.string(), ": there is no such file to go on from, but there is ",
           "best: begin a new run with init.weights set to that");
    check_start(folder.path());
    return start(folder, command_line);
  }
  const Weights last = load_weights(file);
  if (!last.state) fail(ErrorKind::data, file.string(), ": holds no training state to go on from");
  load_state(file.string(), last);
  check_same_epoch(file.string(), last);
  check_disk(folder.path(), bytes_of_run(recipe_, info_, learnt()));
  prepare(folder);
  write_beginning(command_line);
}

void Trainer::load_state(const std::string& file, const Weights& last) {
  const LoadReport report = model_->load_state_dict(last.tensors, false);
  if (!report.fits())
    fail(ErrorKind::data, file, ": the weights do not fit ", recipe_.model.name, report.text());
  check_channels(*train_, last.info.channels, first_file(recipe_, "train"));
  std::map<std::string, Tensor> given;
  for (const NamedTensor& t : last.optimizer) given[t.name] = t.tensor;
  for (NamedTensor& own : updates_.optimizer->state()) {
    const auto found = given.find(own.name);
    if (found == given.end() && last.optimizer.empty()) continue;  // before the first step: zero
    if (found == given.end() || found->second.shape() != file_shape(own.tensor.shape(), own.layout))
      fail(ErrorKind::data, file, ": its optimiser's state does not fit: ", own.name);
    copy_(own.tensor, from_file_layout(found->second, own.layout));
  }
  load_averages(file, last);
  state_ = *last.state;
  updates_.optimizer->set_steps(state_.steps);
  for (size_t g = 0; g < schedules_.size(); ++g) {
    Schedule::State state = state_.schedule;
    if (g > 0) state.lr = g <= state_.group_rates.size() ? state_.group_rates[g - 1] : -1;
    schedules_[g].set_state(state);
  }
}

/// Averages that a run did not have yet begin from its weights.
void Trainer::load_averages(const std::string& file, const Weights& last) {
  if (!average_) return;
  average_->restart();
  if (last.averages.empty()) return;
  for (NamedTensor own : average_->tensors()) {
    const auto found = std::find_if(last.averages.begin(), last.averages.end(),
                                    [&](const NamedTensor& t) { return t.name == own.name; });
    if (found == last.averages.end() ||
        found->tensor.shape() != file_shape(own.tensor.shape(), own.layout))
      fail(ErrorKind::data, file, ": its averages do not fit: ", own.name);
    copy_(own.tensor, from_file_layout(found->tensor, own.layout));
  }
}

/// An epoch that was begun goes on in the order in which it was begun.
void Trainer::check_same_epoch(const std::string& file, const Weights& last) const {
  const TrainState& state = *last.state;
  if (state.batches == 0) return;
  if (!last.info.recipe.empty()) {
    const Recipe before = parse_recipe({last.info.recipe, file, std::filesystem::current_path()});
    const std::vector<std::string> changed = changed_order(before, recipe_);
    LATHE_CHECK(changed.empty(), "--resume: the run stopped within epoch ", state.epoch + 1,
                ", whose order depends on ", list_text(changed),
                ": expects what it was; it may change where an epoch has ended");
  }
  if (state.epoch_samples > 0 && state.epoch_samples != train_->size())
    fail(ErrorKind::data, "data.train: the run stopped within epoch ", state.epoch + 1, " of ",
         state.epoch_samples, " samples, now there are ", train_->size());
}

void Trainer::write_beginning(const std::string& command_line) {
  atomic_write(folder_->recipe(), to_toml(recipe_));
  folder_->write_environment(command_line);
  results_->keep_until(state_.epoch);
  cut_events(folder_->events(), state_.steps, state_.epoch);
  events_ = std::make_unique<RunEvents>(*folder_, recipe_.log);
}

}  // namespace lathe
