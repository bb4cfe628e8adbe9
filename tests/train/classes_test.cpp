// Classes by name, and what training refuses about them.
#include "tests/support.h"
#include "train/check_data.h"
#include "train/task.h"

using namespace lathe;
using tests::message_of;
using Names = std::vector<std::string>;

namespace {

std::shared_ptr<const Dataset> samples(const std::vector<int64_t>& labels, const Names& classes) {
  const Shape rows{int64_t(labels.size())};
  return std::make_shared<TensorDataset>(Tensor::zeros({rows[0], 2}), Tensor::from(labels, rows),
                                         classes, 2);
}

}  // namespace

TEST_CASE("classes are found by name, in any case; numbers get names in their order") {
  const Names real_first = {"real", "fake"};
  CHECK(with_classes(samples({0, 1}, {"fake", "real"}), real_first)->label(0) == 1);
  CHECK(with_classes(samples({0, 1}, {"FAKE", "REAL"}), real_first)->label(0) == 1);
  CHECK(with_classes(samples({0, 1}, {"0", "1"}), real_first)->label(0) == 0);
  CHECK(with_classes(samples({0, 0}, {"real"}), {"fake", "real"})->label(0) == 1);
  CHECK(message_of([&] {
          with_classes(samples({0, 1}, {"cat", "dog"}), real_first);
        }) ==
        "data.classes: expects names for all of the data's classes cat or dog, got real or fake");
}

TEST_CASE("training wants two classes, and a class for each sample") {
  CHECK(message_of([] {
          check_classes(*samples({1, 1}, {"fake", "real"}), "x.csv");
        }) == "x.csv: expects samples of two classes to train on, all are of the class real");
  CHECK(message_of([] {
          check_classes(*samples({0, -1}, {"fake", "real"}), "x.csv");
        }) == "x.csv: sample 1 has no class to train on");
  CHECK_NOTHROW(check_classes(*samples({0, 1}, {"fake", "real"}), "x.csv"));
}
