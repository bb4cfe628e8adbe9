// Driver: leaves out, one at a time, each barrier, warp barrier and wait for asynchronous copies
// that the CUDA rows pass in the tiny cases. Some order of threads must then give a wrong result or
// an error; so each of them is needed, and the tests would notice its loss. Each kernel must need
// the barriers of the functions that it calls, too. One that no kernel needs says so in the source,
// with `// redundant: REASON` on its line, and one that only some need with `// for some: REASON`.
// Every one that stands in a source of kernels/ must be reached.
#if defined(LATHE_EMULATED)

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "kernels/emulator/options.h"
#include "tensor/parallel.h"
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

using namespace lathe;
using namespace lathe::tests;

namespace {

// A case with one row forced.
struct ForcedRun {
  const OpCase* op_case;
  DType dtype;
  std::string choices;  // for ForceVariant
};

CaseResult run(const ForcedRun& forced, const std::string& choices, DType dtype, Device device) {
  const ForceVariant force(choices);
  const std::vector<Tensor> rounded =
      convert(make_inputs(*forced.op_case), forced.dtype, Device::cpu);
  return run_case(*forced.op_case, convert(rounded, dtype, device));
}

bool equal(const std::vector<Tensor>& got, const std::vector<Tensor>& want, double tolerance) {
  for (size_t i = 0; i < got.size(); i++) {
    if (!got[i]) continue;
    const double allowed = is_floating(got[i].dtype()) ? tolerance : 0;
    if (!(error(got[i], want[i]) <= allowed)) return false;
  }
  return true;
}

// Whether the run ends with the reference's results. A failed launch leaves no trace.
bool succeeds(const ForcedRun& forced, const CaseResult& want) {
  try {
    const CaseResult got = run(forced, forced.choices, forced.dtype, Device::cuda);
    const double tolerance = forced.op_case->tolerance(forced.dtype);
    return equal(got.outputs, want.outputs, tolerance) &&
           equal(got.gradients, want.gradients, tolerance);
  } catch (const Error&) {
    emulator::reset();
    return false;
  }
}

// The lines "kernel@file.cu:48 __syncthreads" that the emulator has written; empties the file.
std::vector<std::string> take_places(const std::string& file) {
  std::vector<std::string> places;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    places.push_back(line.substr(0, line.find(' ')));
  std::remove(file.c_str());
  return places;
}

// Runs every CUDA row in the tiny cases and notes which runs pass each place.
std::map<std::string, std::vector<ForcedRun>> find_places(const std::vector<OpCase>& cases) {
  std::map<std::string, std::vector<ForcedRun>> passed;
  emulator::Options& options = emulator::options();
  options.places_file = "mutation_places.txt";
  const auto try_run = [&](const ForcedRun& forced) -> std::set<KernelRow> {
    emulator::places_changed();
    try {
      const CaseResult result = run(forced, forced.choices, forced.dtype, Device::cuda);
      for (const std::string& place : take_places(options.places_file)) {
        passed[place].push_back(forced);
      }
      return result.rows;
    } catch (const Error&) {  // the row declines, or there is none
      emulator::reset();
      take_places(options.places_file);
      return {};
    }
  };
  for (const OpCase& op_case : cases) {
    if (!op_case.tiny) continue;
    for (DType dtype : {DType::f32, DType::bf16}) {
      std::set<const KernelBase*> kernels;
      for (const KernelRow& used : try_run({&op_case, dtype, ""})) kernels.insert(used.first);
      for (const KernelBase* kernel : kernels) {
        for (const RowInfo& row : kernel->rows(Device::cuda)) {
          try_run({&op_case, dtype, concat(kernel->name(), "=", row.name, ",*=reference")});
        }
      }
    }
  }
  options.places_file.clear();
  emulator::places_changed();
  return passed;
}

// Whether some order of threads gives a wrong result or an error in some run.
bool some_run_fails(const std::vector<ForcedRun>& runs, const std::vector<CaseResult>& want) {
  using emulator::Order;
  emulator::Options& options = emulator::options();
  for (size_t i = 0; i < runs.size(); i++) {
    for (const auto& [order, seed] : {std::pair{Order::forward, 0},
                                      {Order::reverse, 0},
                                      {Order::random, 1},
                                      {Order::random, 2}}) {
      options.order = order;
      options.seed = uint64_t(seed);
      if (!succeeds(runs[i], want[i])) return true;
    }
  }
  return false;
}

// Whether the loss of the synchronisation at this place is noticed. It is left out in a process of
// its own, since a kernel that reads what nobody has written may well read where no memory is.
bool loss_is_noticed(const std::string& place, const std::vector<ForcedRun>& runs) {
  std::vector<CaseResult> want;
  for (const ForcedRun& forced : runs) {
    want.push_back(run(forced, "*=reference", DType::f64, Device::cpu));
  }
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // instead of doctest's report
    set_num_threads(1);             // the others stayed behind
    emulator::options().threads = 1;
    emulator::options().skip = {place};
    emulator::places_changed();
    _exit(some_run_fails(runs, want));
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

// The source line of "kernel@file.cu:48"; the file lies in kernels/.
std::string source_line(const std::string& place) {
  const size_t at = place.find('@') + 1, colon = place.rfind(':');
  std::ifstream file(std::string(LATHE_SOURCE) + "/kernels/" + place.substr(at, colon - at));
  std::string line;
  for (int n = std::stoi(place.substr(colon + 1)); n > 0; n--) std::getline(file, line);
  return line;
}

// "file.cu:48" of every synchronisation that stands in a kernel's source.
std::vector<std::string> written_places() {
  std::vector<std::string> places;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(LATHE_SOURCE) + "/kernels")) {
    const std::string file = entry.path().filename();
    if (!file.ends_with(".cu") && !file.ends_with(".cuh")) continue;
    std::ifstream lines(entry.path());
    std::string line;
    for (int n = 1; std::getline(lines, line); n++) {
      line = line.substr(0, line.find("//"));
      for (const char* call : {"__syncthreads", "__syncwarp(", "cp_async_wait<"})
        if (line.find(call) != std::string::npos) {
          places.push_back(concat(file, ":", n));
          break;
        }
    }
  }
  return places;
}

}  // namespace

TEST_CASE("mutations: each barrier that is left out is missed") {
  const std::vector<OpCase> cases = op_cases();
  const std::map<std::string, std::vector<ForcedRun>> places = find_places(cases);
  std::map<std::string, bool> noticed;
  std::set<std::string> reached;
  int redundant = 0;
  for (const auto& [place, runs] : places) {
    const std::string file_line = place.substr(place.find('@') + 1), line = source_line(place);
    reached.insert(file_line);
    if (line.find("// redundant: ") != std::string::npos) {
      redundant++;
      continue;
    }
    const bool for_some = line.find("// for some: ") != std::string::npos;
    bool& seen = noticed[for_some ? "some@" + file_line : place];
    if (!seen) seen = loss_is_noticed(place, runs);
  }
  for (const auto& [noticed_place, seen] : noticed) {
    const std::string& place = noticed_place;  // clang 14 captures no structured bindings
    INFO(place, " can be left out: remove it, add a tiny case that needs it, or say on its line ",
         "why it stays: // redundant: REASON");
    CHECK(seen);
  }
  for (const std::string& place : written_places()) {
    INFO(place, " is reached by no tiny case");
    CHECK(reached.count(place) == 1);
  }
  MESSAGE(concat("mutations: ", noticed.size(), " places of synchronisation, ", redundant,
                 " redundant; in ", places.size(), " kernels and places"));
}

#endif
