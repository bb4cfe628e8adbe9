// Driver: wrong arguments give exactly the message that the case names.
#include "tests/op_cases/op_case.h"
#include "tests/support.h"

using namespace lathe;

TEST_CASE("op cases: errors") {
  for (const tests::ErrorCase& error_case : tests::error_cases()) {
    CAPTURE(error_case.name);
    CHECK_EQ(tests::message_of(error_case.call), error_case.message);
  }
}
