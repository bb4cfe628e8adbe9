#include "tensor/kernel.h"

#include "tests/support.h"

namespace lathe::kernels {
DECLARE_KERNEL(test_twice, Tensor& y, const Tensor& x);

namespace {
std::string ran;
void twice_even(Tensor&, const Tensor&) { ran = "even"; }
void twice_any(Tensor&, const Tensor&) { ran = "any"; }
Fit fits_even(Tensor&, const Tensor& x) {
  return x.numel() % 2 == 0 ? Fit() : "needs an even number of elements";
}
}  // namespace

// The reference is registered first on purpose: ranks decide, not the order of registration.
REGISTER_KERNELS(test_twice, cpu, reference, {"reference", twice_any, fits_even});
REGISTER_KERNELS(test_twice, cpu, tuned, {"even", twice_even, fits_even});
}  // namespace lathe::kernels

using namespace lathe;
using kernels::ran;
using tests::message_of;

TEST_CASE("a kernel runs its best row that takes the arguments") {
  Tensor x = Tensor::zeros({4}), odd = Tensor::zeros({3});
  kernels::test_twice(x, x);
  CHECK_EQ(ran, "even");
  CHECK_EQ(
      message_of([&] { kernels::test_twice(odd, odd); }),
      "test_twice: no row on cpu takes these arguments; even: needs an even number of elements; "
      "reference: needs an even number of elements");
}

TEST_CASE("LATHE_VARIANT's choices force rows") {
  Tensor x = Tensor::zeros({4}), odd = Tensor::zeros({3});
  {
    ForceVariant force("*=reference");
    kernels::test_twice(x, x);
    CHECK_EQ(ran, "any");
  }
  {
    ForceVariant force("test_twice=even,*=reference");
    kernels::test_twice(x, x);
    CHECK_EQ(ran, "even");
    CHECK_EQ(message_of([&] { kernels::test_twice(odd, odd); }),
             "test_twice: the row 'even' was asked for, but needs an even number of elements");
  }
  auto check = [](const std::string& text) {
    ForceVariant force(text);
    return message_of([] { check_forced_rows(); });
  };
  CHECK_EQ(check("test_twice=even,*=reference"), "no error");
  CHECK_EQ(check("test_twise=even"),
           "LATHE_VARIANT: there is no kernel 'test_twise'; did you mean 'test_twice'?");
  CHECK_EQ(check("test_twice=evne"),
           "LATHE_VARIANT: test_twice has no row 'evne'; did you mean 'even'?");
  CHECK_EQ(check("*=refrence"),
           "LATHE_VARIANT: no kernel has a row 'refrence'; did you mean 'reference'?");
  CHECK_EQ(check("reference"), "LATHE_VARIANT: expects kernel=row, got 'reference'");
  ForceVariant force("test_twice=fast");
  CHECK_EQ(message_of([&] { kernels::test_twice(x, x); }), "test_twice: has no row 'fast' on cpu");
}
