// Ctrl-C, SIGTERM and SIGHUP while training: what was asked for is noted, and the loop looks at it
// between steps.
#pragma once

namespace lathe {

/// While alive, these signals are noted instead of ending the process: SIGINT (Ctrl-C) and SIGTERM
/// ask for a stop at the next step, a second one ends the process at once; SIGHUP asks to save and
/// go on.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The exit code of the stop that was asked for: 130 or 143; 0 for none.
  int stop() const;
  /// Whether a save was asked for since the last call.
  bool take_save();
};

}  // namespace lathe
