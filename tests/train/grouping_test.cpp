#include "train/grouping.h"

#include "tests/support.h"

using namespace lathe;

namespace {

/// Samples that are known by their names alone.
class NamedSamples final : public Dataset {
 public:
  struct Sample {
    std::string source, group;
    int64_t label;
  };
  explicit NamedSamples(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  int64_t size() const override { return int64_t(samples_.size()); }
  Shape sample_shape() const override { return {1}; }
  DType dtype() const override { return DType::f32; }
  int64_t channels() const override { return 1; }
  void fill(int64_t, uint32_t, void*) const override {}
  int64_t label(int64_t i) const override { return samples_[size_t(i)].label; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::string group(int64_t i) const override { return samples_[size_t(i)].group; }
  std::string source(int64_t i) const override { return samples_[size_t(i)].source; }

 private:
  std::vector<Sample> samples_;
  std::vector<std::string> names_ = {"fake", "real"};
};

Evaluator with_scores(const Dataset& data, const std::vector<double>& scores) {
  Evaluator samples(2);
  for (size_t i = 0; i < scores.size(); ++i) samples.add({scores[i]}, data.label(int64_t(i)));
  return samples;
}

}  // namespace

TEST_CASE("a group's score is the mean of its members' probabilities") {
  const NamedSamples data({{"a/1.jpg", "v1", 0},
                           {"a/2.jpg", "v1", 0},
                           {"b/1.jpg", "v2", 1},
                           {"b/2.jpg", "v2", 1},
                           {"b/3.jpg", "v2", 1},
                           {"b/4.jpg", "", 1},
                           {"b/5.jpg", "", 0},
                           {"b/6.jpg", "v1", 1}});  // a group of both classes counts for each
  const Evaluator groups =
      by_group(with_scores(data, {0.7, 0.1, 0.9, 0.3, 0.45, 0.2, 0.6, 0.8}), data);
  const Evaluation e = groups.result();
  CHECK_EQ(e.samples, 5);
  std::vector<double> scores = groups.scores();
  std::sort(scores.begin(), scores.end());
  const std::vector<double> wanted = {0.2, 0.4, 0.55, 0.6, 0.8};
  for (size_t i = 0; i < wanted.size(); ++i) CHECK_EQ(scores[i], doctest::Approx(wanted[i]));
  CHECK_EQ(e.confusion, Confusion{{1, 1}, {1, 2}});
  CHECK_EQ(e.accuracy, doctest::Approx(0.6));

  const NamedSamples none({{"a", "", 0}, {"b", "", 1}});
  CHECK(by_group(with_scores(none, {0.1, 0.2}), none).rows().empty());
  CHECK_NE(tests::message_of([&] {
             by_group(with_scores(none, {0.1}), none);
           }).find("1 evaluated samples, but the data have 2"),
           std::string::npos);
}

TEST_CASE("samples by folder, where their files are in several") {
  const NamedSamples data(
      {{"x/b/1.jpg", "", 1}, {"x/a/1.jpg", "", 0}, {"x/a/2.jpg", "", 0}, {"", "", 1}});
  const auto folders = by_folder(with_scores(data, {0.7, 0.1, 0.9, 0.3}), data);
  REQUIRE_EQ(folders.size(), 2);
  CHECK_EQ(folders[0].first, "x/a");
  CHECK_EQ(folders[0].second.result().accuracy, 0.5);
  CHECK_EQ(mean_score(folders[0].second), doctest::Approx(0.5));
  CHECK_EQ(folders[1].first, "x/b");
  CHECK_EQ(folders[1].second.rows().size(), 1);
  const NamedSamples one({{"x/a/1.jpg", "", 0}, {"x/a/2.jpg", "", 0}});
  CHECK(by_folder(with_scores(one, {0.7, 0.1}), one).empty());
}
