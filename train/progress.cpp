#include "train/progress.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tensor/check.h"

namespace lathe {
namespace {

constexpr double shown_every = 0.1;  // seconds, as tqdm

std::string clock_text(double seconds) {
  const int64_t s = std::llround(std::max(0.0, seconds));
  return s < 3600 ? fmt::format("{:02}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

/// A bar of so many characters, in eighths of a character.
std::string blocks(double share, int width) {
  static constexpr const char* parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = int(std::clamp(share, 0.0, 1.0) * width * 8);
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  text += parts[eighths % 8];
  return text + std::string(size_t(width - eighths / 8 - (eighths % 8 > 0)), ' ');
}

int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ProgressStyle progress_style(const std::string& name, bool quiet) {
  if (quiet || name == "off") return ProgressStyle::off;
  if (name == "bar") return ProgressStyle::bar;
  if (name == "line") return ProgressStyle::line;
  if (name == "json") return ProgressStyle::json;
  LATHE_CHECK(name == "auto", "progress: expects auto, bar, line, json or off, got '", name, "'");
  return isatty(STDERR_FILENO) ? ProgressStyle::bar : ProgressStyle::line;
}

std::string bar_text(const std::string& label, int64_t done, int64_t total, double seconds,
                     double rate, double loss, int columns) {
  const double share = total > 0 ? double(done) / double(total) : 1;
  const std::string left = fmt::format("{}: {:3}%|", label, int(share * 100));
  const std::string rest = rate > 0 ? clock_text(double(total - done) / rate) : "?";
  const std::string right = fmt::format(
      "| {}/{} [{}<{}, {} samples/s, loss {:.4g}]", done, total, clock_text(seconds), rest,
      rate >= 100 ? fmt::format("{:.0f}", rate) : fmt::format("{:.3g}", rate), loss);
  const int room = columns - 1 - int(left.size() + right.size());
  return left + blocks(share, std::clamp(room, 1, 40)) + right;
}

void Progress::open_log(const std::string& file) { log_.open(file, std::ios::app); }

void Progress::begin(const std::string& label, int64_t total, int64_t done) {
  label_ = label;
  total_ = total;
  first_ = done;
  start_ = last_ = Clock::now();
}

void Progress::update(int64_t done, double loss) {
  if (style_ != ProgressStyle::bar && style_ != ProgressStyle::json) return;
  const Clock::time_point now = Clock::now();
  if (std::chrono::duration<double>(now - last_).count() < shown_every) return;
  last_ = now;
  show(done, loss);
}

void Progress::show(int64_t done, double loss) {
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const double rate = seconds > 0 ? double(done - first_) / seconds : 0;
  if (style_ == ProgressStyle::json) {
    nlohmann::ordered_json event = {
        {"stage", label_}, {"done", done}, {"total", total_}, {"seconds", seconds}, {"loss", loss}};
    std::cerr << event.dump() << "\n";
    return;
  }
  std::cerr << "\r" << bar_text(label_, done, total_, seconds, rate, loss, terminal_columns())
            << "\x1b[K" << std::flush;
  shown_ = true;
}

void Progress::end() { erase(); }

void Progress::erase() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

void Progress::log(const std::string& text) {
  if (log_.is_open())
    log_ << fmt::format("{:%Y-%m-%d %H:%M:%S} ", fmt::localtime(std::time(nullptr))) << text
         << std::endl;
}

void Progress::message(const std::string& text) {
  erase();
  log(text);
  if (!quiet_) std::cerr << text << std::endl;
}

void Progress::epoch_line(const std::string& text, const std::string& more) {
  erase();
  log(text + more);
  if (style_ == ProgressStyle::bar || style_ == ProgressStyle::line) std::cerr << text << std::endl;
}

}  // namespace lathe
