#include "train/trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "tensor/allocator.h"
#include "tensor/check.h"
#include "tensor/parallel.h"
#include "tensor/serialize/file.h"
#include "train/check_data.h"
#include "train/nonfinite.h"
#include "train/plot.h"

namespace lathe {
namespace {

constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

LoaderOptions loader_options(const Recipe& recipe, bool training) {
  LoaderOptions options;
  options.batch_size = recipe.train.batch_size;
  options.shuffle = training && recipe.train.shuffle;
  options.seed = uint64_t(recipe.train.seed);
  options.workers = int(recipe.data.workers);
  return options;
}

std::string counts_text(const Dataset& data) {
  const std::vector<int64_t> counts = class_counts(data);
  std::string text;
  for (size_t i = 0; i < counts.size(); ++i)
    text += fmt::format("{}{} {}", i ? ", " : "", counts[i], data.class_names()[i]);
  return fmt::format("{} samples ({})", data.size(), text);
}

std::string epoch_text(const EpochResult& r, int64_t epochs, bool best) {
  const int width = int(std::to_string(epochs).size());
  std::string text = fmt::format("epoch {:{}}/{}  train loss {:.5g}, accuracy {:.2f} %", r.epoch,
                                 width, epochs, r.train_loss, 100 * r.train_accuracy);
  if (!std::isnan(r.valid_accuracy))
    text +=
        fmt::format("  valid loss {:.5g}, accuracy {:.2f} %", r.valid_loss, 100 * r.valid_accuracy);
  text += fmt::format("  lr {:g}  {:.2f} s", r.lr, r.seconds);
  return best ? text + "  * best" : text;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Evaluator gather(EvalStep& step, Loader& loader, int64_t classes, int64_t positive) {
  Evaluator evaluator(classes, positive);
  loader.begin(0);
  while (const Batch* batch = loader.next()) {
    const StepResult result = step(batch->inputs, batch->labels);
    evaluator.add(result.loss, result.outputs, batch->labels);
  }
  return evaluator;
}

Evaluation evaluate(EvalStep& step, Loader& loader, int64_t classes, int64_t positive,
                    double threshold) {
  return gather(step, loader, classes, positive).result(threshold);
}

Trainer::Trainer(Recipe recipe, Device device) : recipe_(std::move(recipe)), device_(device) {
  auto raw = load_split(recipe_, "train");
  classes_ = class_names(recipe_, *raw);
  positive_ = positive_class(recipe_, classes_);
  raw = with_classes(raw, classes_);
  resolve_pos_weight(recipe_, *raw);
  info_.normalization = measure(recipe_, *raw);
  train_ = normalized(raw, info_.normalization);
  info_.channels = raw->channel_names();
  if (!recipe_.data.valid.empty()) {
    valid_ = with_classes(load_split(recipe_, "valid"), classes_);
    check_channels(*valid_, info_.channels, first_file(recipe_, "valid"));
    valid_ = normalized(valid_, info_.normalization);
  }
  info_.model = recipe_.model.name;
  info_.options = recipe_.model.options;
  info_.classes = classes_;
  info_.recipe = to_toml(recipe_, true);

  model_ = make_model(recipe_, device_);
  load_initial_weights(recipe_, *model_);
  check_model_takes(*model_, *train_, first_file(recipe_, "train"));
  if (valid_) check_model_takes(*model_, *valid_, first_file(recipe_, "valid"));
  loss_ = make_loss(recipe_, int64_t(classes_.size()), device_);
  arena_ = std::make_unique<ParameterArena>(model_->named_parameters());
  optimizer_ = std::make_unique<Optimizer>(*arena_, optimizer_options(recipe_));
  train_step_ = std::make_unique<TrainStep>(*model_, loss_, *optimizer_);
  eval_step_ = std::make_unique<EvalStep>(*model_, loss_);
  trace_first_step();
  allocator(memory_of(device_)).flush();  // of the parameters' memory before the arena
}

Trainer::~Trainer() = default;

/// Traces the step of whole batches, so that a model that does not fit the data or the loss is
/// known before anything is written.
void Trainer::trace_first_step() {
  const int64_t rows = std::min(recipe_.train.batch_size, train_->size());
  std::vector<int64_t> extents = {rows};
  const Shape sample = train_->sample_shape();
  extents.insert(extents.end(), sample.begin(), sample.end());
  train_step_->plan_for(Tensor::empty(Shape(extents), train_->dtype(), device_),
                        Tensor::empty({rows}, DType::i64, device_));
}

std::string Trainer::description() {
  std::string text = model_->print() + "\n";
  text += fmt::format("{} parameters, {}, on {} with {} threads\n", model_->parameter_count(),
                      recipe_.train.dtype, name(device_), num_threads());
  text += "train: " + counts_text(*train_);
  if (valid_) text += "\nvalid: " + counts_text(*valid_);
  return text;
}

void Trainer::prepare(const RunFolder& folder) {
  folder_ = folder;
  train_loader_ = std::make_unique<Loader>(train_, loader_options(recipe_, true));
  if (valid_) valid_loader_ = std::make_unique<Loader>(valid_, loader_options(recipe_, false));
  results_.emplace(folder.results(), recipe_.train.dtype == "f64" ? 17 : 9);
  writer_ = std::make_unique<CheckpointWriter>(*folder_, recipe_, info_, *model_, *optimizer_);
  writer_->check_disk_for(recipe_.train.epochs);
}

void Trainer::start(const RunFolder& folder, const std::string& command_line) {
  prepare(folder);
  state_ = TrainState();
  state_.best_loss = HUGE_VAL;
  atomic_write(folder.recipe(), to_toml(recipe_));
  folder.write_environment(command_line);
  results_->keep_until(0);
  std::error_code missing;  // with --exist-ok, another run's
  for (const char* name : {"best", "last"}) std::filesystem::remove(folder.weights(name), missing);
}

void Trainer::resume(const RunFolder& folder, const std::string& command_line) {
  if (!std::filesystem::exists(folder.weights("last"))) return start(folder, command_line);
  const std::filesystem::path file = folder.weights("last");
  const Weights last = load_weights(file);
  if (!last.state) fail(ErrorKind::data, file.string(), ": holds no training state to go on from");
  const LoadReport report = model_->load_state_dict(last.tensors, false);
  if (!report.fits())
    fail(ErrorKind::data, file.string(), ": the weights do not fit ", recipe_.model.name,
         report.text());
  check_channels(*train_, last.info.channels, first_file(recipe_, "train"));
  std::map<std::string, Tensor> given;
  for (const NamedTensor& t : last.optimizer) given[t.name] = t.tensor;
  for (NamedTensor& own : optimizer_->state()) {
    const auto found = given.find(own.name);
    if (found == given.end() && last.optimizer.empty()) continue;  // before the first step: zero
    if (found == given.end() || found->second.shape() != own.tensor.shape())
      fail(ErrorKind::data, file.string(), ": its optimiser's state does not fit: ", own.name);
    copy_(own.tensor, found->second);
  }
  state_ = *last.state;
  optimizer_->set_steps(state_.steps);
  prepare(folder);
  atomic_write(folder.recipe(), to_toml(recipe_));
  folder.write_environment(command_line);
  results_->keep_until(state_.epoch);
}

bool Trainer::enough_steps() const {
  return recipe_.train.max_steps > 0 && state_.steps >= recipe_.train.max_steps;
}

int Trainer::run(Progress& progress, const std::function<void(const EpochResult&)>& on_epoch) {
  StopSignals signals;
  while (state_.epoch < recipe_.train.epochs && !enough_steps()) {
    const auto start = std::chrono::steady_clock::now();
    if (train_epoch(progress, signals) == Epoch::stopped) {
      writer_->write(state_);
      progress.message(
          fmt::format("stopped; weights and state are in {}", folder_->weights("last").string()));
      return signals.stop();
    }
    const EpochResult result = end_epoch(seconds_since(start));
    record(result, progress, on_epoch);
  }
  return 0;
}

Trainer::Epoch Trainer::train_epoch(Progress& progress, StopSignals& signals) {
  const int64_t epoch = state_.epoch + 1;
  train_loader_->begin(uint32_t(epoch), state_.batches);
  progress.begin(fmt::format("epoch {}/{}", epoch, recipe_.train.epochs), train_->size(),
                 state_.sums.samples);
  while (const Batch* batch = enough_steps() ? nullptr : train_loader_->next()) {
    const StepResult result = (*train_step_)(batch->inputs, batch->labels);
    if (!std::isfinite(result.loss)) stop_nonfinite(*batch, result.loss);
    state_.sums.add(result.loss, result.outputs, batch->labels);
    ++state_.steps;
    ++state_.batches;
    if (state_.steps == 1) writer_->write_initial();  // not before: the first step is soon
    progress.update(state_.sums.samples, state_.sums.mean_loss());
    if (signals.take_save()) writer_->write(state_);
    if (signals.stop()) return Epoch::stopped;
  }
  train_loader_->cancel();
  progress.end();
  return Epoch::finished;
}

EpochResult Trainer::end_epoch(double seconds) {
  EpochResult result{};
  result.epoch = state_.epoch + 1;
  result.train_loss = state_.sums.mean_loss();
  result.train_accuracy = state_.sums.accuracy();
  result.valid_loss = result.valid_accuracy = not_measured;
  result.lr = optimizer_->options().lr;
  if (valid_) {
    const auto start = std::chrono::steady_clock::now();
    const Evaluation e = evaluate(*eval_step_, *valid_loader_, int64_t(classes_.size()), positive_);
    seconds += seconds_since(start);
    result.valid_loss = e.loss;
    result.valid_accuracy = e.accuracy;
    const ClassMeasures& m = e.two_classes() ? e.positive : e.macro;
    result.further = {
        {"valid_precision", m.precision}, {"valid_recall", m.recall}, {"valid_f1", m.f1}};
    if (e.two_classes()) result.further.emplace_back("valid_roc_auc", e.roc_auc);
    if (!std::isfinite(e.loss))
      fail(ErrorKind::numeric, "epoch ", result.epoch, ", step ", state_.steps,
           ": the validation loss is ", e.loss, "; the last good weights are in ",
           folder_->weights("last").string());
  }
  result.seconds = seconds;
  return result;
}

void Trainer::record(const EpochResult& result, Progress& progress,
                     const std::function<void(const EpochResult&)>& on_epoch) {
  const double watched = valid_ ? result.valid_loss : result.train_loss;
  const bool best = watched < state_.best_loss;
  state_.epoch = result.epoch;
  state_.batches = 0;
  state_.sums = {};
  if (best) {
    state_.best_loss = watched;
    state_.best_epoch = result.epoch;
    writer_->keep_best(result.epoch);
  }
  results_->append(result);
  const bool final = result.epoch == recipe_.train.epochs || enough_steps();
  writer_->end_epoch(state_, final);
  progress.epoch_line(epoch_text(result, recipe_.train.epochs, best));
  on_epoch(result);
}

void Trainer::stop_nonfinite(const Batch& batch, double loss) {
  writer_->write_initial();
  const Tensor inputs = batch.inputs.to(device_), labels = batch.labels.to(device_);
  const std::string where = find_nonfinite(*model_, loss_, inputs, labels);
  fail(ErrorKind::numeric, "epoch ", state_.epoch + 1, ", step ", state_.steps + 1,
       ": the loss is ", loss, ": ", where,
       ". Lower optimizer.lr, or set train.clip_norm; the last good weights are in ",
       folder_->weights("last").string());
}

std::string Trainer::summary() const {
  const std::string curves = draw_curves("loss", {{"train", "•", results_->column("train_loss")},
                                                  {"valid", "∘", results_->column("valid_loss")}});
  const char* watched = valid_ ? "valid loss" : "train loss";
  return curves + fmt::format("best epoch {}: {} {:.5g}\nrun folder: {}", state_.best_epoch,
                              watched, state_.best_loss, folder_->path().string());
}

}  // namespace lathe
