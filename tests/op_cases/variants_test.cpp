// Driver: each case on each device in each floating type, once as it runs by default, and once with
// each row of each kernel that it calls; results and gradients are compared with the CPU's
// reference rows in f64 on the same (rounded) inputs. Also: every row of every kernel is run by
// some case.
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

#if defined(LATHE_EMULATED)
#include "kernels/emulator/options.h"
#endif

using namespace lathe;
using namespace lathe::tests;

namespace {

struct Counts {
  int runs = 0, declined = 0, untaken = 0;
  std::set<std::string> absent;  // kernels without any row on the device
  std::set<KernelRow> ran[device_count];
};

void compare(const OpCase& op_case, const CaseResult& got, const CaseResult& want, DType dtype) {
  REQUIRE(got.outputs.size() == want.outputs.size());
  for (size_t i = 0; i < got.outputs.size(); ++i) {
    INFO("output ", i);
    const bool floating = is_floating(got.outputs[i].dtype());
    CHECK(error(got.outputs[i], want.outputs[i]) <= (floating ? op_case.tolerance(dtype) : 0));
  }
  for (size_t i = 0; i < got.gradients.size(); ++i) {
    INFO("gradient of input ", i);
    REQUIRE(bool(got.gradients[i]) == bool(want.gradients[i]));
    if (!got.gradients[i]) continue;
    CHECK(error(got.gradients[i], want.gradients[i]) <= op_case.tolerance(dtype));
  }
}

/// The case with one row forced; false when the row declines its arguments.
bool run_forced(const OpCase& op_case, const std::vector<Tensor>& inputs, const CaseResult& want,
                const KernelRow& row, DType dtype, Counts& counts) {
  CaseResult got;
  try {
    const ForceVariant forced(row.first->name() + "=" + row.second + ",*=reference");
    got = run_case(op_case, inputs);
  } catch (const Error& e) {
    const std::string declined = "the row '" + row.second + "' was asked for, but";
    if (std::string(e.what()).find(declined) == std::string::npos)
      FAIL_CHECK(std::string(e.what()));
    ++counts.declined;
    return false;
  }
  CHECK(got.rows.count(row) == 1);
  counts.ran[int(inputs.at(0).device())].insert(row);
  ++counts.runs;
  compare(op_case, got, want, dtype);
  return true;
}

/// Whether an error says no more than that nothing takes a 16-bit type.
bool takes_no_16_bits(const std::string& text, const std::string& no_rows, DType dtype) {
  if (dtype != DType::bf16 && dtype != DType::f16) return false;
  return text.ends_with(concat(": expects f32 or f64, got ", dtype)) ||
         text.find(no_rows + ";") != std::string::npos;
}

/// All rows on a device; 16-bit types are left out where no row takes them.
void run_all(const OpCase& op_case, DType dtype, Device device, Counts& counts) {
  if (op_case.large && (device != Device::cpu || dtype != DType::f32)) return;
  CAPTURE(op_case.name);
  CAPTURE(std::string(name(dtype)));
  CAPTURE(std::string(name(device)));
  const std::vector<Tensor> rounded = convert(make_inputs(op_case), dtype, Device::cpu);
  const std::vector<Tensor> inputs = convert(rounded, dtype, device);
  CaseResult want, got;
  {
    const ForceVariant reference("*=reference");
    want = run_case(op_case, convert(rounded, DType::f64, Device::cpu));
  }
  try {
    got = run_case(op_case, inputs);
  } catch (const Error& e) {
    const std::string text = e.what(),
                      no_rows = concat(": no row on ", device, " takes these arguments");
    if (text.ends_with(no_rows))
      counts.absent.insert(text.substr(0, text.size() - no_rows.size()));
    else if (takes_no_16_bits(text, no_rows, dtype))
      ++counts.untaken;
    else
      FAIL_CHECK(text);
    return;
  }
  compare(op_case, got, want, dtype);
  std::set<const KernelBase*> kernels;
  for (const KernelRow& used : got.rows) kernels.insert(used.first);
  for (const KernelBase* kernel : kernels)
    for (const RowInfo& row : kernel->rows(device)) {
      INFO(kernel->name(), "=", std::string(row.name));
      run_forced(op_case, inputs, want, {kernel, row.name}, dtype, counts);
    }
}

Counts run_device(Device device, bool only_tiny = slow_build) {
  Counts counts;
  for (const OpCase& op_case : op_cases())
    if (op_case.tiny || !only_tiny)
      for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::f16})
        run_all(op_case, dtype, device, counts);
  MESSAGE(concat("variants on ", device, ": ", counts.runs, " runs, ", counts.declined,
                 " declined by a row, ", counts.untaken,
                 " cases in a 16-bit type that no row takes"));
  for (const std::string& kernel : counts.absent)
    skip("op cases of " + kernel, concat("no row on ", device));
  return counts;
}

void check_all_rows_ran(const Counts& counts, Device device) {
  if (slow_build) return;  // the tiny cases need not reach them all
  for (const KernelBase* kernel : KernelBase::all()) {
    if (kernel->name().rfind("test_", 0) == 0) continue;
    for (const RowInfo& row : rows_here(*kernel, device)) {
      INFO(kernel->name(), "=", std::string(row.name), " on ", std::string(name(device)),
           " is run by no op case");
      CHECK(counts.ran[int(device)].count({kernel, row.name}) == 1);
    }
  }
}

}  // namespace

TEST_CASE("op cases: every row equals the reference, cpu") {
  check_all_rows_ran(run_device(Device::cpu), Device::cpu);
}

TEST_CASE("op cases: every row equals the reference, cuda") {
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return skip("op cases on cuda", reason);
  [[maybe_unused]] const size_t listed = skipped().size();
#if defined(LATHE_EMULATED)
  using emulator::Order;
  emulator::Options& options = emulator::options();
  const emulator::Options before = options;
  for (Order order : {Order::reverse, Order::forward}) {
    options.order = order;
    INFO("threads in ", std::string(order == Order::forward ? "forward" : "reverse"), " order");
    skipped().resize(listed);
    check_all_rows_ran(run_device(Device::cuda), Device::cuda);
  }
  options.order = Order::random;
  options.seed = 1;
  options.lazy_streams = true;
  INFO("threads in random order, streams as late as CUDA allows");
  skipped().resize(listed);
  run_device(Device::cuda, true);
  options = before;
#else
  check_all_rows_ran(run_device(Device::cuda), Device::cuda);
#endif
}
