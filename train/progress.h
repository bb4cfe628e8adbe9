// What a run shows while it works: on a terminal tqdm's bar, elsewhere a plain line an epoch, or
// JSON lines for programs; always on stderr. What stays on the screen goes to the run's log too,
// with times.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>

namespace lathe {

enum class ProgressStyle { bar, line, json, off };
/// "auto" is a bar where stderr is a terminal, else lines. Quiet is off. Throws for another word.
ProgressStyle progress_style(const std::string& name, bool quiet);

/// "epoch 3/100:  42%|████▏     | 420/1000 [00:12<00:17, 33.1 samples/s, loss 0.213]".
/// `rate` is in samples a second, 0 while it is not known.
std::string bar_text(const std::string& label, int64_t done, int64_t total, double seconds,
                     double rate, double loss, int columns);

class Progress {
 public:
  Progress(ProgressStyle style, bool quiet) : style_(style), quiet_(quiet) {}
  ~Progress() { erase(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// From now on, lines go to this file too.
  void open_log(const std::string& file);

  /// Begins a stretch of work of `total` samples, of which `done` are done.
  void begin(const std::string& label, int64_t total, int64_t done = 0);
  /// Shows how far it is, at most ten times a second.
  void update(int64_t done, double loss);
  void end();

  /// A line for people that stays; not shown when quiet.
  void message(const std::string& text);
  /// The line that stays of an epoch; not shown with --progress json or off.
  /// `more` of it goes to the log alone.
  void epoch_line(const std::string& text, const std::string& more = "");
  /// A line for the log alone.
  void log(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  void show(int64_t done, double loss);
  void erase();
  const ProgressStyle style_;
  const bool quiet_;
  bool shown_ = false;
  std::string label_;
  int64_t total_ = 0, first_ = 0;
  Clock::time_point start_, last_;
  std::ofstream log_;
};

}  // namespace lathe
