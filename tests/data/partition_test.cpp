#include "data/partition.h"

#include <map>
#include <set>

#include "tests/support.h"

using namespace lathe;

namespace {

/// How many of each (part, label) there are.
std::map<std::pair<int64_t, int64_t>, int> counts(const std::vector<int64_t>& parts,
                                                  const std::vector<int64_t>& labels) {
  std::map<std::pair<int64_t, int64_t>, int> all;
  for (size_t i = 0; i < parts.size(); ++i) ++all[{parts[i], labels[i]}];
  return all;
}

}  // namespace

TEST_CASE("parts: stratified to the sample, decided by the seed") {
  std::vector<int64_t> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(i % 10 == 0);
  const std::vector<std::string> none(labels.size());
  const auto parts = partition(labels, none, {0.8, 0.1, 0.1}, 1);
  auto count = counts(parts, labels);
  CHECK(count[{0, 0}] == 720);
  CHECK(count[{1, 0}] == 90);
  CHECK(count[{2, 0}] == 90);
  CHECK(count[{0, 1}] == 80);
  CHECK(count[{1, 1}] == 10);
  CHECK(parts == partition(labels, none, {0.8, 0.1, 0.1}, 1));
  CHECK(parts != partition(labels, none, {0.8, 0.1, 0.1}, 2));
}

TEST_CASE("parts: groups stay together; the shares of classes stay near") {
  std::vector<int64_t> labels;
  std::vector<std::string> groups;
  for (int g = 0; g < 200; ++g)
    for (int i = 0; i <= g % 7; ++i) {
      labels.push_back((g + i) % 2);
      groups.push_back("video" + std::to_string(g));
    }
  const auto parts = partition(labels, groups, {0.2, 0.2, 0.2, 0.2, 0.2}, 3);
  std::map<std::string, std::set<int64_t>> seen;
  for (size_t i = 0; i < parts.size(); ++i) seen[groups[i]].insert(parts[i]);
  for (const auto& [group, where] : seen) CHECK_MESSAGE(where.size() == 1, group);
  for (const auto& [key, n] : counts(parts, labels))
    CHECK(n == doctest::Approx(double(labels.size()) / 10).epsilon(0.05));
}

TEST_CASE("parts: more of them than groups is an error") {
  CHECK(tests::message_of([] {
          partition({0, 1, 0, 1}, {"a", "a", "b", "b"}, {0.5, 0.25, 0.25}, 0);
        }) == "data: 3 parts expect as many samples, or groups of them, got 2");
}
