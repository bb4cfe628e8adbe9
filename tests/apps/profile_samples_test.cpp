// Every kernel's CUDA rows can be profiled. Nothing is run here.
#include "apps/profile_samples.h"

#include "tests/support.h"

using namespace lathe;

TEST_CASE("profile: every row of every CUDA kernel takes a sample's arguments") {
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return tests::skip("samples of profiles", reason);
  const std::vector<apps::Sample> samples = apps::profile_samples();
  const auto takes = [&](const KernelBase* kernel) {
    for (const apps::Sample& sample : samples) {
      if (sample.kernel != kernel) continue;
      try {
        sample.bind();
        return true;
      } catch (const Error&) {  // the forced row declines
      }
    }
    return false;
  };
  for (const KernelBase* kernel : KernelBase::all()) {
    if (kernel->name().starts_with("test_")) continue;
    for (const RowInfo& row : kernel->rows(Device::cuda)) {
      const std::string choice = concat(kernel->name(), "=", row.name);
      INFO(choice);
      const ForceVariant forced(choice);
      CHECK(takes(kernel));
    }
  }
}
