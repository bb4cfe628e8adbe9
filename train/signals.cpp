#include "train/signals.h"

#include <signal.h>
#include <unistd.h>

#include <array>

namespace lathe {
namespace {

volatile sig_atomic_t stop_code = 0, save_wanted = 0;

void note_stop(int signal) {
  const int code = 128 + signal;
  if (stop_code != 0) _exit(code);
  stop_code = code;
}
void note_save(int) { save_wanted = 1; }

constexpr std::array<int, 3> caught = {SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, caught.size()> outer;

}  // namespace

StopSignals::StopSignals() {
  stop_code = 0;
  save_wanted = 0;
  for (size_t i = 0; i < caught.size(); ++i) {
    struct sigaction action = {};
    action.sa_handler = caught[i] == SIGHUP ? note_save : note_stop;
    action.sa_flags = SA_RESTART;
    sigaction(caught[i], &action, &outer[i]);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < caught.size(); ++i) sigaction(caught[i], &outer[i], nullptr);
}

int StopSignals::stop() const { return stop_code; }

bool StopSignals::take_save() {
  const bool wanted = save_wanted != 0;
  save_wanted = 0;
  return wanted;
}

}  // namespace lathe
