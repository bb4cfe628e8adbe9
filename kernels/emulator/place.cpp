#include "kernels/emulator/place.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>

#include "kernels/emulator/options.h"
#include "kernels/emulator/symbols.h"

namespace lathe::emulator {
namespace {

const char* without_folders(const char* file) {
  const char* slash = std::strrchr(file, '/');
  return slash ? slash + 1 : file;
}

const char* name(SyncKind kind) {
  switch (kind) {
    case SyncKind::block_barrier:
      return "__syncthreads";
    case SyncKind::warp_barrier:
      return "__syncwarp";
    case SyncKind::async_wait:
      return "cp_async_wait";
  }
  return "?";
}

std::mutex mutex;
std::set<std::string> listed;
std::atomic<int> generation = 1;  // of the options

// The last answer given to this OS thread: a barrier asks once for every thread of a block.
struct LastAnswer {
  const char* file = nullptr;
  int line = 0, generation = 0;
  const void* kernel = nullptr;
  bool skipped = false;
};
thread_local LastAnswer last;

bool look_up(const Place& place, SyncKind kind, const void* kernel) {
  std::lock_guard lock(mutex);
  const std::string here = text(place), in_kernel = kernel_name(kernel) + "@" + here;
  const Options& current = options();
  if (!current.places_file.empty() && listed.insert(in_kernel).second) {
    std::ofstream(current.places_file, std::ios::app) << in_kernel << " " << name(kind) << "\n";
  }
  return std::any_of(current.skip.begin(), current.skip.end(), [&](const std::string& skipped) {
    return skipped == here || skipped == in_kernel;
  });
}

}  // namespace

std::atomic<bool> watching_places = true;  // until the options were looked at once

void places_changed() {
  std::lock_guard lock(mutex);
  listed.clear();
  generation++;
  watching_places = true;
}

bool Place::operator==(const Place& other) const {
  return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
}

std::string text(const Place& place) {
  return std::string(without_folders(place.file)) + ":" + std::to_string(place.line);
}

bool place_is_skipped(const Place& place, SyncKind kind, const void* kernel) {
  if (options().skip.empty() && options().places_file.empty()) return watching_places = false;
  const LastAnswer asked{place.file, place.line, generation, kernel};
  if (last.file != asked.file || last.line != asked.line || last.kernel != asked.kernel ||
      last.generation != asked.generation) {
    last = asked;
    last.skipped = look_up(place, kind, kernel);
  }
  return last.skipped;
}

}  // namespace lathe::emulator
