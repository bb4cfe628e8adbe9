#include "apps/command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "apps/report_error.h"
#include "tensor/check.h"
#include "tensor/kernel.h"
#include "tensor/parallel.h"
#include "tensor/suggest.h"
#include "train/environment.h"

namespace lathe::apps {
namespace {

/// "TEXT [best]", as --help shows an option.
std::string with_default(const std::string& type, const std::string& value) {
  return value.empty() ? type : type + " [" + value + "]";
}

/// An option whose value is a whole number that fits; CLI11 would take the nearest that does.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, Number& value,
                        const std::string& help) {
  const auto read = [&value, name](const std::string& text) {
    int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    LATHE_CHECK(error == std::errc() && stop == end, name, ": expects a whole number",
                error == std::errc::result_out_of_range ? " below 9.2e18" : "", ", got '", text,
                "'");
    value = number;
  };
  return app.add_option_function<std::string>(name, read, help);
}

}  // namespace

Command& Command::argument(const std::string& name, std::string& value, const std::string& help,
                           bool required) {
  app_.add_option(name, value, help)->required(required)->option_text(" ");
  return *this;
}
Command& Command::argument(const std::string& name, std::vector<std::string>& values,
                           const std::string& help, bool required) {
  app_.add_option(name, values, help)->required(required)->option_text("...");
  return *this;
}
Command& Command::option(const std::string& name, std::string& value, const std::string& help,
                         const std::string& otherwise) {
  app_.add_option(name, value, help)
      ->option_text(with_default("TEXT", value.empty() ? otherwise : value));
  return *this;
}
Command& Command::option(const std::string& name, int64_t& value, const std::string& help) {
  add_number(app_, name, value, help)->option_text("N [" + std::to_string(value) + "]");
  return *this;
}
Command& Command::option(const std::string& name, std::optional<int64_t>& value,
                         const std::string& help, const std::string& otherwise) {
  add_number(app_, name, value, help)->option_text(with_default("N", otherwise));
  return *this;
}
Command& Command::option(const std::string& name, std::vector<std::string>& values,
                         const std::string& help, const std::string& otherwise) {
  // One value each time, so that what follows is not swallowed.
  app_.add_option(name, values, help)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text(with_default("TEXT ...", otherwise));
  return *this;
}
Command& Command::settings(std::vector<std::string>& values) {
  return option("--set", values,
                "key=value: overrides a key of the recipe; lathe train --help-recipe lists them");
}
Command& Command::flag(const std::string& name, bool& value, const std::string& help) {
  app_.add_flag(name, value, help);
  return *this;
}
Command& Command::writes_f16() {
  writes_f16_ = true;
  app_.get_option("--dtype")->description(
      "f32 or f64: type of weights, arithmetic and what is written; f16: what is written alone, "
      "half as large, of about 3 digits, at most 65504");
  return *this;
}

Program::Program()
    : root_(std::make_unique<CLI::App>("Lathe: trains and explains deep networks.", "lathe")) {
  root_->allow_extras();
  root_->require_subcommand(0, 1);  // so that a folder may be called as a command is
  root_->set_version_flag("--version", "lathe " + version());
  root_->footer("lathe COMMAND --help shows a command's options.");
}
Program::~Program() = default;

Command& Program::add(const std::string& name, const std::string& help, const std::string& group) {
  CLI::App* parent = root_.get();
  if (!group.empty()) {
    for (CLI::App* known : root_->get_subcommands({}))
      if (known->get_name() == group) parent = known;
    if (parent == root_.get()) {
      parent = root_->add_subcommand(group, "makes data");
      parent->allow_extras();
      parent->require_subcommand(0, 1);
    }
  }
  CLI::App* app = parent->add_subcommand(name, help);
  app->allow_extras();
  add_common(*app);
  commands_.push_back(std::make_unique<Command>(*app));
  return *commands_.back();
}

void Program::add_common(CLI::App& app) {
  const std::string group = "Common options";
  app.add_option("--device", common.device, "where it computes: auto, cpu, cuda or cuda:N")
      ->option_text("TEXT [auto]")
      ->group(group);
  add_number(app, "--threads", common.threads, "threads to use; 0: all cores")
      ->option_text("N [0]")
      ->group(group);
  add_number(app, "--seed", common.seed, "seed of everything random")
      ->option_text("N [the recipe's, else 0]")
      ->group(group);
  app.add_option("--dtype", common.dtype, "type of weights and arithmetic: f32 or f64")
      ->option_text("TEXT [the recipe's, else f32]")
      ->group(group);
  app.add_flag("--json", common.json, "results as JSON on stdout")->group(group);
  app.add_option("--progress", common.progress, "auto, bar, line, json or off")
      ->option_text("TEXT [auto]")
      ->group(group);
  app.add_flag("--quiet", common.quiet, "nothing on stderr but errors")->group(group);
}

/// `f16`: --dtype may be that.
void Program::apply_common(bool f16) {
  const std::string& device = common.device;
  const bool numbered = device.starts_with("cuda:") && device.size() > 5 &&
                        device.find_first_not_of("0123456789", 5) == std::string::npos;
  LATHE_CHECK(device == "auto" || device == "cpu" || device == "cuda" || numbered,
              "--device: has no value '", device, "'; expects auto, cpu, cuda or cuda:N",
              suggestion(device, {"auto", "cpu", "cuda"}));
  const std::vector<std::string> kinds = {"auto", "bar", "line", "json", "off"};
  LATHE_CHECK(std::find(kinds.begin(), kinds.end(), common.progress) != kinds.end(),
              "--progress: has no value '", common.progress, "'; expects ", list_text(kinds),
              suggestion(common.progress, kinds));
  LATHE_CHECK(common.threads >= 0 && common.threads <= 1024, "--threads: expects 0 to 1024, got ",
              common.threads);
  if (common.threads > 0) set_num_threads(int(common.threads));
  const std::string& dtype = common.dtype;
  LATHE_CHECK(f16 || (dtype != "bf16" && dtype != "f16"),
              "--dtype: 16-bit training is not there yet; use f32 or f64");
  LATHE_CHECK((f16 && dtype == "f16") || dtype.empty() || dtype == "f32" || dtype == "f64",
              "--dtype: has no value '", dtype, "'; expects f32 or f64",
              suggestion(dtype, {"f32", "f64"}));
  LATHE_CHECK(!common.seed || *common.seed >= 0, "--seed: expects at least 0, got ", *common.seed);
}

namespace {

std::vector<std::string> option_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

/// The command that was given, the innermost.
CLI::App& chosen_command(CLI::App& root) {
  CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

/// "data make: " for messages; nothing for the program itself.
std::string prefix(CLI::App& app) {
  std::string name;
  for (CLI::App* a = &app; a->get_parent(); a = a->get_parent())
    name = a->get_name() + (name.empty() ? "" : " ") + name;
  return name.empty() ? "" : name + ": ";
}

}  // namespace

void Program::check_leftovers(CLI::App& chosen) const {
  for (CLI::App* app = &chosen; app; app = app->get_parent())
    for (const std::string& word : app->remaining()) {
      const std::string option = word.substr(0, word.find('='));
      LATHE_CHECK(!word.starts_with("-"), prefix(*app), "unknown option '", option, "'",
                  suggestion(option, option_names(*app)),
                  app == &chosen ? "" : " (options stand behind the command)");
      LATHE_CHECK(app->get_subcommands({}).empty(), prefix(*app), "unknown command '", word, "'",
                  suggestion(word, command_names(*app)));
      fail(ErrorKind::usage, prefix(*app), "does not expect '", word, "'");
    }
}

int Program::parse_and_run(int argc, char** argv) {
  try {
    root_->parse(argc, argv);
  } catch (const CLI::Success& answer) {  // --help, --version
    return root_->exit(answer, std::cout, std::cerr);
  } catch (const CLI::ParseError& e) {
    CLI::App& chosen = chosen_command(*root_);
    check_leftovers(chosen);
    fail(ErrorKind::usage, prefix(chosen), e.what());
  }
  CLI::App& chosen = chosen_command(*root_);
  check_leftovers(chosen);
  for (const auto& command : commands_)
    if (&command->app_ == &chosen) {
      apply_common(command->writes_f16_);
      check_forced_rows();
      return command->body_();
    }
  std::cout << chosen.help();
  return 0;
}

int Program::run(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    command_line += (i ? " " : "") + std::string(argv[i]);
    if (std::string(argv[i]) == "--json") common.json = true;  // even when the rest is wrong
  }
  try {
    const int code = parse_and_run(argc, argv);
    check_stdout();
    return code;
  } catch (...) {
    return report_error(common.json);
  }
}

Device resolve_device(const CommonOptions& common) {
  const std::string& name = common.device;
  if (name == "cpu") return Device::cpu;
  const std::string reason = unavailable(Device::cuda);
  const bool emulated = build_option("cuda") == "EMULATE";
  if (name == "auto") {
    if (!reason.empty() && build_option("cuda") == "ON" && !common.quiet)
      std::cerr << "no CUDA device is used: " << reason << "\n";
    return reason.empty() && !emulated ? Device::cuda : Device::cpu;
  }
  if (!reason.empty()) fail(ErrorKind::device, "--device ", name, ": ", reason);
  if (name != "cuda" && name != "cuda:0")
    fail(ErrorKind::device, "--device ", name, ": only cuda:0 can be used");
  if (emulated && !common.quiet)
    std::cerr << "cuda is emulated in this build: its kernels run on the CPU, slowly\n";
  return Device::cuda;
}

void print_notes(const std::string& file, const std::vector<std::string>& notes,
                 const CommonOptions& common) {
  if (common.quiet) return;
  for (const std::string& note : notes) std::cerr << file << ": " << note << "\n";
}

nlohmann::ordered_json shape_json(const Shape& shape) {
  return std::vector<int64_t>(shape.begin(), shape.end());
}

void check_stdout() {
  if (!std::cout.flush()) fail(ErrorKind::device, "stdout: the results cannot be written");
}

void print_json(const nlohmann::ordered_json& value) {
  std::cout << value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
            << std::endl;
}

}  // namespace lathe::apps
