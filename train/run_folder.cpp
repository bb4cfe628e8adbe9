#include "train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "train/environment.h"
#include "train/event_file.h"
#include "train/plots.h"

namespace lathe {

namespace fs = std::filesystem;

namespace {

/// Whether a run writes a file of this name: best, last or epoch_N, or one cut off while it did.
bool is_weights_name(std::string name) {
  const std::string extension = ".safetensors", temporary = ".tmp";
  if (name.starts_with(".") && name.ends_with(temporary))
    name = name.substr(1, name.size() - 1 - temporary.size());
  if (!name.ends_with(extension)) return false;
  name.resize(name.size() - extension.size());
  if (name == "best" || name == "last") return true;
  const std::string epoch = "epoch_";
  return name.starts_with(epoch) && name.size() > epoch.size() &&
         name.find_first_not_of("0123456789", epoch.size()) == std::string::npos;
}

}  // namespace

RunFolder RunFolder::create(const fs::path& project, const std::string& name, bool exist_ok) {
  LATHE_CHECK(!name.empty() && name.find('/') == std::string::npos && name != "." && name != "..",
              "run: expects a name without '/', got '", name, "'");
  std::error_code error;
  fs::create_directories(project, error);
  fs::path path = project / name;
  for (int number = 2; !error; ++number) {
    // Atomic: of two runs that start at once, each gets a folder of its own.
    if (fs::create_directory(path, error) || (exist_ok && !error)) break;
    if (!error) path = project / (name + std::to_string(number));
  }
  if (!error) fs::create_directory(path / "weights", error);
  if (error)
    fail(error == std::errc::no_space_on_device ? ErrorKind::device : ErrorKind::data,
         path.string(), ": cannot make the run's folder: ", error.message());
  return RunFolder(path);
}

RunFolder RunFolder::open(const fs::path& path) {
  if (!fs::is_directory(path)) fail(ErrorKind::data, path.string(), ": there is no such run");
  if (!fs::exists(path / "recipe.toml"))
    fail(ErrorKind::data, path.string(), ": is no run's folder: it has no recipe.toml");
  return RunFolder(path);
}

fs::path RunFolder::weights(const std::string& name) const {
  return path_ / "weights" / (name + ".safetensors");
}

void RunFolder::clear() const {
  std::error_code missing;
  fs::remove(log(), missing);
  fs::remove(results(), missing);
  remove_events(events());
  remove_plots(plots());
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(path_ / "weights", missing))
    if (is_weights_name(entry.path().filename().string())) old.push_back(entry.path());
  for (const fs::path& file : old) fs::remove(file, missing);
}

void RunFolder::write_environment(const std::string& command_line) const {
  nlohmann::ordered_json env = environment();
  env["command_line"] = command_line;
  atomic_write(path_ / "env.json",
               env.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

std::vector<std::pair<std::string, double>> EpochResult::columns() const {
  std::vector<std::pair<std::string, double>> all = {{"train_loss", train_loss},
                                                     {"train_accuracy", train_accuracy},
                                                     {"valid_loss", valid_loss},
                                                     {"valid_accuracy", valid_accuracy},
                                                     {"lr", lr},
                                                     {"seconds", seconds}};
  all.insert(all.end(), further.begin(), further.end());
  return all;
}

nlohmann::ordered_json EpochResult::json() const {
  nlohmann::ordered_json line = {{"epoch", epoch}};
  for (const auto& [name, value] : columns()) line[name] = value;
  return line;
}

void ResultsFile::keep_until(int64_t epoch) {
  std::string kept;
  if (epoch > 0) {
    std::ifstream in(file_);
    std::string line;
    // A last line without its end was cut off by a kill.
    for (bool header = true; std::getline(in, line) && !in.eof(); header = false)
      if (header || std::strtoll(line.c_str(), nullptr, 10) <= epoch) kept += line + "\n";
  }
  atomic_write(file_, kept);
}

void ResultsFile::append(const EpochResult& result) {
  std::string text, header = "epoch";
  std::string line = std::to_string(result.epoch);
  for (const auto& [name, value] : result.columns()) {
    header += "," + name;
    line += std::isnan(value) ? "," : fmt::format(",{:.{}g}", value, digits_);
  }
  std::error_code none;
  if (!fs::exists(file_) || fs::file_size(file_, none) == 0) text = header + "\n";
  text += line + "\n";
  const int file = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  // One call, so that a kill leaves all of it or nothing.
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == ssize_t(text.size());
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!written)
    fail(ErrorKind::device, file_.string(), ": cannot write a line: ", std::strerror(error));
}

namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  if (line.ends_with(',')) cells.emplace_back();
  return cells;
}

double number_of(const std::string& cell) {
  return cell.empty() ? std::numeric_limits<double>::quiet_NaN()
                      : std::strtod(cell.c_str(), nullptr);
}

}  // namespace

std::vector<std::pair<std::string, double>> ResultsFile::line(int64_t epoch) const {
  std::ifstream in(file_);
  std::string text;
  std::getline(in, text);
  const std::vector<std::string> names = cells_of(text);
  while (std::getline(in, text)) {
    const std::vector<std::string> cells = cells_of(text);
    if (cells.size() != names.size() || cells[0] != std::to_string(epoch)) continue;
    std::vector<std::pair<std::string, double>> values;
    for (size_t i = 0; i < cells.size(); ++i) values.emplace_back(names[i], number_of(cells[i]));
    return values;
  }
  return {};
}

std::vector<double> ResultsFile::column(const std::string& name) const {
  std::ifstream in(file_);
  std::string text;
  std::getline(in, text);
  const std::vector<std::string> names = cells_of(text);
  const size_t wanted = size_t(std::find(names.begin(), names.end(), name) - names.begin());
  std::vector<double> values;
  while (wanted < names.size() && std::getline(in, text)) {
    const std::vector<std::string> cells = cells_of(text);
    if (wanted < cells.size()) values.push_back(number_of(cells[wanted]));
  }
  return values;
}

}  // namespace lathe
