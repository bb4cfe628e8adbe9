#include "kernels/emulator/options.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "tensor/check.h"

namespace lathe::emulator {
namespace {

uint64_t number(const char* variable, const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  LATHE_CHECK(digits, variable, ": expected a number, got '", text, "'");
  return std::strtoull(text.c_str(), nullptr, 10);
}

void read_order(Options& options, const std::string& text) {
  if (text == "forward") return;
  if (text == "reverse") {
    options.order = Order::reverse;
  } else if (text.starts_with("random:")) {
    options.order = Order::random;
    options.seed = number("LATHE_EMULATOR_ORDER", text.substr(7));
  } else {
    LATHE_CHECK(false, "LATHE_EMULATOR_ORDER: expected forward, reverse or random:SEED, got '",
                text, "'");
  }
}

// With stacks for blocks of 1024 threads, these take half of the 65530 memory mappings that Linux
// allows a process.
constexpr unsigned most_default_threads = 16;

Options from_environment() {
  Options options;
  options.threads = std::clamp(std::thread::hardware_concurrency(), 1u, most_default_threads);
  if (const char* text = std::getenv("LATHE_EMULATOR_ORDER")) read_order(options, text);
  if (const char* text = std::getenv("LATHE_EMULATOR_STREAMS")) {
    const std::string streams = text;
    LATHE_CHECK(streams == "eager" || streams == "lazy",
                "LATHE_EMULATOR_STREAMS: expected eager or lazy, got '", streams, "'");
    options.lazy_streams = streams == "lazy";
  }
  if (const char* text = std::getenv("LATHE_EMULATOR_THREADS")) {
    options.threads =
        unsigned(std::clamp<uint64_t>(number("LATHE_EMULATOR_THREADS", text), 1, 256));
  }
  if (const char* text = std::getenv("LATHE_EMULATOR_SKIP")) {
    std::istringstream list(text);
    for (std::string place; std::getline(list, place, ',');) options.skip.push_back(place);
  }
  if (const char* text = std::getenv("LATHE_EMULATOR_PLACES")) options.places_file = text;
  return options;
}

}  // namespace

Options& options() {
  static Options instance = from_environment();
  return instance;
}

}  // namespace lathe::emulator
