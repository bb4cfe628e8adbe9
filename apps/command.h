// A command of the program: its arguments and options, and the function that runs it. Each
// command's file has one function add_NAME(Program&) that declares it; main.cpp lists them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/shape.h"

namespace CLI {
class App;
}

namespace lathe::apps {

/// What every command understands.
struct CommonOptions {
  std::string device = "auto";
  int64_t threads = 0;  ///< 0: as many as OpenMP says
  std::optional<int64_t> seed;
  std::string dtype;  ///< empty: the recipe's, or f32
  bool json = false;
  std::string progress = "auto";
  bool quiet = false;
};

class Command {
 public:
  explicit Command(CLI::App& app) : app_(app) {}

  Command& argument(const std::string& name, std::string& value, const std::string& help,
                    bool required = true);
  Command& argument(const std::string& name, std::vector<std::string>& values,
                    const std::string& help, bool required = true);
  /// `otherwise`: what --help shows as the default of a value that is empty, "the recipe's".
  Command& option(const std::string& name, std::string& value, const std::string& help,
                  const std::string& otherwise = "");
  Command& option(const std::string& name, int64_t& value, const std::string& help);
  Command& option(const std::string& name, std::optional<int64_t>& value, const std::string& help,
                  const std::string& otherwise = "");
  /// May be given several times.
  Command& option(const std::string& name, std::vector<std::string>& values,
                  const std::string& help, const std::string& otherwise = "");
  /// --set, whose values recipe_settings() takes.
  Command& settings(std::vector<std::string>& values);
  Command& flag(const std::string& name, bool& value, const std::string& help);
  /// --dtype may also be f16: the type of what is written, not of the arithmetic.
  Command& writes_f16();
  /// What runs when the command was given; its result is the exit code.
  void run(std::function<int()> body) { body_ = std::move(body); }

 private:
  friend class Program;
  CLI::App& app_;
  std::function<int()> body_;
  bool writes_f16_ = false;
};

class Program {
 public:
  Program();
  ~Program();

  /// A new command; with `group`, one of a group: `lathe data make`.
  Command& add(const std::string& name, const std::string& help, const std::string& group = "");
  /// Runs what the command line says and gives the exit code; errors are printed.
  int run(int argc, char** argv);

  CommonOptions common;
  /// What was typed, for the records of a run.
  std::string command_line;

 private:
  int parse_and_run(int argc, char** argv);
  void check_leftovers(CLI::App& chosen) const;
  void add_common(CLI::App& app);
  void apply_common(bool f16);

  std::unique_ptr<CLI::App> root_;
  std::vector<std::unique_ptr<Command>> commands_;
};

/// The device that --device means; says once when it is emulated. Throws Error(usage) for a name
/// that is none, Error(device) for a device that is not there.
Device resolve_device(const CommonOptions& common);

/// What was passed over in a file, for people: on stderr, unless they want quiet.
void print_notes(const std::string& file, const std::vector<std::string>& notes,
                 const CommonOptions& common);

/// A shape as JSON shows it: [2, 3].
nlohmann::ordered_json shape_json(const Shape& shape);
/// Throws Error(device) when what went to stdout could not be written.
void check_stdout();
/// One line of JSON on stdout; numbers that are none (NaN, Inf) become null.
void print_json(const nlohmann::ordered_json& value);

}  // namespace lathe::apps
