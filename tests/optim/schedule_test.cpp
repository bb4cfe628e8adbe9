// Schedules against torch.optim.lr_scheduler.
#include "optim/schedule.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support.h"

using namespace lathe;

namespace {

const nlohmann::json& expected() {
  static const auto golden = nlohmann::json::parse(std::ifstream(tests::golden("schedules.json")));
  return golden;
}

/// The rates of all epochs' first steps; each epoch ends with one of the golden's losses.
std::vector<double> by_epoch(const ScheduleOptions& options, bool lower_is_better = true) {
  const int64_t epochs = expected()["epochs"], steps = expected()["steps"];
  Schedule schedule(options, expected()["lr"], epochs, steps);
  std::vector<double> rates;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    rates.push_back(schedule.lr(epoch, 0));
    CHECK_EQ(schedule.lr(epoch, steps - 1), rates.back());
    schedule.end_epoch(expected()["losses"][size_t(epoch)], lower_is_better);
  }
  return rates;
}

void check_rates(const std::vector<double>& rates, const char* name) {
  CAPTURE(name);
  const auto wanted = expected()[name].get<std::vector<double>>();
  REQUIRE_EQ(rates.size(), wanted.size());
  for (size_t i = 0; i < rates.size(); ++i) {
    CAPTURE(i);
    CHECK(rates[i] == doctest::Approx(wanted[i]).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("schedules give PyTorch's learning rates") {
  check_rates(by_epoch({.kind = ScheduleKind::step, .step_size = 5, .gamma = 0.3}), "step");
  check_rates(by_epoch({.kind = ScheduleKind::multistep, .milestones = {2, 7, 7}, .gamma = 0.5}),
              "multistep");
  check_rates(by_epoch({.kind = ScheduleKind::cosine, .min_lr = 0.01}), "cosine");
  check_rates(
      by_epoch({.kind = ScheduleKind::plateau, .min_lr = 0.03, .factor = 0.5, .patience = 1}),
      "plateau");
  check_rates(by_epoch({.kind = ScheduleKind::plateau,
                        .factor = 0.1,
                        .patience = 2,
                        .cooldown = 2,
                        .threshold = 0.01},
                       false),
              "plateau_max");
  const int64_t epochs = expected()["epochs"], steps = expected()["steps"];
  const Schedule cycle({.kind = ScheduleKind::one_cycle}, expected()["lr"], epochs, steps);
  std::vector<double> rates;
  for (int64_t i = 0; i < epochs * steps; ++i) rates.push_back(cycle.lr(i / steps, i % steps));
  check_rates(rates, "one_cycle");
}

TEST_CASE("a warm-up rises by the same amount each step, to the schedule's own rate") {
  const Schedule schedule({.kind = ScheduleKind::step, .step_size = 3, .warmup_epochs = 2}, 0.8, 4,
                          2);
  std::vector<double> rates;
  for (int64_t i = 0; i < 8; ++i) rates.push_back(schedule.lr(i / 2, i % 2));
  const std::vector<double> wanted = {0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.08, 0.08};
  for (size_t i = 0; i < wanted.size(); ++i) CHECK(rates[i] == doctest::Approx(wanted[i]));
}

TEST_CASE("a schedule goes on from the state that it had") {
  const ScheduleOptions options{.kind = ScheduleKind::plateau, .factor = 0.5, .patience = 1};
  Schedule whole(options, 0.1, 20, 1), first(options, 0.1, 20, 1), second(options, 0.1, 20, 1);
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const double loss = epoch % 7 == 0 ? 1.0 / double(epoch + 1) : 1;
    whole.end_epoch(loss);
    (epoch < 9 ? first : second).end_epoch(loss);
    if (epoch == 8) second.set_state(first.state());
  }
  CHECK_EQ(whole.lr(19, 0), second.lr(19, 0));
  CHECK(whole.lr(19, 0) < 0.1);
}

TEST_CASE("schedules without meaning are refused") {
  const auto refused = [](const ScheduleOptions& options) {
    return tests::message_of([&] { Schedule(options, 0.1, 5, 1); });
  };
  CHECK(refused({.step_size = 0}) == "schedule: step_size is 1 or more, got 0");
  CHECK(refused({.milestones = {3, 2}}) == "schedule: milestones are epochs in ascending order");
  CHECK(refused({.kind = ScheduleKind::plateau, .factor = 1}) ==
        "schedule: plateau's factor lies in [0, 1), got 1");
  CHECK(refused({.warmup_epochs = 6}) ==
        "schedule: warmup_epochs expects 0 to train.epochs = 5, got 6");
}
