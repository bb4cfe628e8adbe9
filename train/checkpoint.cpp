#include "train/checkpoint.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tensor/check.h"
#include "tensor/serialize/safetensors.h"
#include "tensor/serialize/weights_file.h"

namespace lathe {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *optimizer_prefix = "optimizer.", *average_prefix = "ema.";

/// JSON has no NaN: the best value before any epoch is null.
Json number_json(double value) { return std::isnan(value) ? Json() : Json(value); }
double number_from(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Json state_json(const TrainState& state) {
  return {{"epoch", state.epoch},
          {"batches", state.batches},
          {"steps", state.steps},
          {"loss_sum", state.sums.loss},
          {"loss_weight", state.sums.weight},
          {"correct", state.sums.correct},
          {"samples", state.sums.samples},
          {"epoch_samples", state.epoch_samples},
          {"best_loss", number_json(state.best.value)},
          {"best_epoch", state.best_epoch},
          {"stopping", {number_json(state.stopping.value), state.stopping.epochs_since}},
          {"schedule",
           {state.schedule.lr, number_json(state.schedule.best), state.schedule.bad_epochs,
            state.schedule.cooldown}},
          {"group_rates", state.group_rates}};
}

TrainState state_from(const Json& json) {
  TrainState state;
  state.epoch = json.at("epoch");
  state.batches = json.at("batches");
  state.steps = json.at("steps");
  state.sums.loss = json.at("loss_sum");
  state.sums.correct = json.at("correct");
  state.sums.samples = json.at("samples");
  state.sums.weight = json.value("loss_weight", double(state.sums.samples));
  state.epoch_samples = json.value("epoch_samples", int64_t{0});
  state.best.value = number_from(json.at("best_loss"));
  state.best_epoch = json.at("best_epoch");
  if (json.contains("stopping")) {  // files of before there were schedules have neither
    const Json& stopping = json.at("stopping");
    state.stopping = {number_from(stopping.at(0)), stopping.at(1)};
    const Json& schedule = json.at("schedule");
    state.schedule = {schedule.at(0), number_from(schedule.at(1)), schedule.at(2), schedule.at(3)};
  }
  state.group_rates = json.value("group_rates", std::vector<double>());
  return state;
}

std::map<std::string, std::string> metadata_of(const Weights& weights) {
  const WeightsInfo& info = weights.info;
  std::map<std::string, std::string> metadata = {
      {"format_version", std::to_string(weights_format_version)},
      {"epoch", std::to_string(info.epoch)}};
  if (!info.model.empty()) {
    Json options = Json::object();
    for (const auto& [name, value] : info.options) options[name] = Json::parse(value);
    metadata["model"] = Json{{"name", info.model}, {"options", options}}.dump();
  }
  if (!info.classes.empty()) metadata["classes"] = Json(info.classes).dump();
  if (!info.channels.empty()) metadata["channels"] = Json(info.channels).dump();
  if (!info.recipe.empty()) metadata["recipe"] = info.recipe;
  if (weights.state) metadata["state"] = state_json(*weights.state).dump();
  return metadata;
}

std::vector<StoredTensor> stored_tensors(const Weights& weights) {
  std::vector<StoredTensor> all;
  const auto stored = [](const NamedTensor& t) { return to_file_layout(t.tensor, t.layout); };
  for (const NamedTensor& t : weights.tensors) all.push_back({t.name, stored(t)});
  if (weights.info.normalization) {
    all.push_back({Normalization::mean_name, weights.info.normalization->mean});
    all.push_back({Normalization::std_name, weights.info.normalization->std});
  }
  for (const NamedTensor& t : weights.optimizer)
    all.push_back({optimizer_prefix + t.name, stored(t)});
  for (const NamedTensor& t : weights.averages) all.push_back({average_prefix + t.name, stored(t)});
  return all;
}

void read_metadata(const std::string& file, const std::map<std::string, std::string>& metadata,
                   Weights& weights) {
  auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  const std::string version = text("format_version");
  if (!version.empty() && std::atoi(version.c_str()) > weights_format_version)
    fail(ErrorKind::data, file, ": has format_version ", version,
         ", but this Lathe knows only those up to ", weights_format_version,
         ": a later Lathe is needed");
  WeightsInfo& info = weights.info;
  try {
    if (const std::string model = text("model"); !model.empty()) {
      const Json json = Json::parse(model);
      info.model = json.at("name");
      for (const auto& [name, value] : json.at("options").items())
        info.options[name] = value.dump();
    }
    if (const std::string classes = text("classes"); !classes.empty())
      info.classes = Json::parse(classes).get<std::vector<std::string>>();
    if (const std::string channels = text("channels"); !channels.empty())
      info.channels = Json::parse(channels).get<std::vector<std::string>>();
    if (const std::string state = text("state"); !state.empty())
      weights.state = state_from(Json::parse(state));
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorKind::data, file, ": its metadata are damaged: ", e.what());
  }
  info.recipe = text("recipe");
  info.epoch = std::atoll(text("epoch").c_str());
}

}  // namespace

void save_weights(const std::filesystem::path& file, const Weights& weights) {
  write_safetensors(file, stored_tensors(weights), metadata_of(weights));
}

Weights load_weights(const std::filesystem::path& file) {
  const WeightsFile content = read_weights(file);
  Weights weights;
  weights.notes = content.notes;
  // What stands in other formats beside the tensors is not Lathe's.
  if (content.format == "safetensors") read_metadata(file.string(), content.metadata, weights);
  const std::string optimizer = optimizer_prefix, average = average_prefix;
  for (const StoredTensor& t : content.tensors) {
    if (weights.state && t.name.starts_with(optimizer))
      weights.optimizer.push_back({t.name.substr(optimizer.size()), t.tensor});
    else if (weights.state && t.name.starts_with(average))
      weights.averages.push_back({t.name.substr(average.size()), t.tensor});
    else if (t.name != Normalization::mean_name && t.name != Normalization::std_name)
      weights.tensors.push_back({t.name, t.tensor});
  }
  const Tensor mean = find(content.tensors, Normalization::mean_name);
  const Tensor deviation = find(content.tensors, Normalization::std_name);
  if (bool(mean) != bool(deviation) || (mean && mean.shape() != deviation.shape()))
    fail(ErrorKind::data, file.string(), ": ", Normalization::mean_name, " and ",
         Normalization::std_name, " do not go together");
  if (mean) weights.info.normalization = {mean.to(DType::f64), deviation.to(DType::f64)};
  return weights;
}

int64_t size_on_disk(const Weights& weights) {
  int64_t bytes = 8;
  for (const StoredTensor& t : stored_tensors(weights))
    bytes += t.tensor.bytes() + 100 + int64_t(t.name.size());
  for (const auto& [key, value] : metadata_of(weights))
    bytes += int64_t(key.size() + value.size()) + 8;
  return bytes;
}

void check_disk(const std::filesystem::path& folder, int64_t bytes) {
  std::error_code unknown;
  std::filesystem::path there = std::filesystem::absolute(folder);
  while (!std::filesystem::exists(there, unknown) && there.has_relative_path())
    there = there.parent_path();
  const auto space = std::filesystem::space(there, unknown);
  if (unknown || int64_t(space.available) >= bytes) return;
  fail(ErrorKind::device, folder.string(), ": needs ", bytes, " bytes, but only ", space.available,
       " are free there; make room, or name a folder on another disk");
}

}  // namespace lathe
