#include "data/landmarks.h"

#include "data/normalize.h"
#include "tests/support.h"

using namespace lathe;
using tests::write_bytes;

namespace {

/// Four rows of two columns in two samples, whose labels are 1 and 0.
const std::string features = "IDX,x,y\n0,1,2\n1,3,4\n2,5,6\n3,7,8\n";
const std::string labels = "idx,LABEL\n0,1\n2,0\n";

std::string refusal(const std::string& feature_text, const std::string& label_text,
                    const LandmarkOptions& options = {.rows_per_sample = 2}) {
  const tests::ScratchFolder folder;
  const LandmarkFiles files{write_bytes(folder / "f.csv", feature_text),
                            write_bytes(folder / "l.csv", label_text)};
  std::string message = tests::message_of([&] { read_landmarks({files}, options); });
  const std::string prefix = folder.path().string() + "/";
  for (size_t at; (at = message.find(prefix)) != std::string::npos;)
    message.erase(at, prefix.size());
  return message;
}

}  // namespace

TEST_CASE("landmark rows become samples, joined with their labels by IDX") {
  const tests::ScratchFolder folder;
  const auto f = write_bytes(folder / "f.csv", features);
  const auto l = write_bytes(folder / "l.csv", "Label , Idx,who\r\n0,2,ann\r\n1,0,bob\r\n");
  const auto data = read_landmarks({{f, l}}, {.rows_per_sample = 2, .dtype = DType::f64});
  CHECK_EQ(data->size(), 2);
  CHECK_EQ(data->sample_shape(), Shape({4}));
  CHECK_EQ(data->channels(), 2);
  CHECK_EQ(data->inputs().to_vector<double>(), std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_EQ(data->labels().to_vector<int64_t>(), std::vector<int64_t>{1, 0});
  CHECK_EQ(data->channel_names(), std::vector<std::string>{"x", "y"});
  CHECK_EQ(data->class_names(), std::vector<std::string>{"0", "1"});
  CHECK_EQ(class_counts(*data), std::vector<int64_t>{1, 1});

  const auto joined = read_landmarks({{f, l}, {f}}, {.rows_per_sample = 2, .dtype = DType::f64});
  CHECK_EQ(joined->size(), 4);
  CHECK_EQ(joined->labels().to_vector<int64_t>(), std::vector<int64_t>{1, 0, -1, -1});
  double sample[4];
  joined->fill(3, 0, sample);
  CHECK_EQ(sample[2], 7);
}

TEST_CASE("bad landmark files are refused by file and line") {
  struct Case {
    std::string features, labels, message;
  };
  const Case cases[] = {
      {"frame,x,y\n0,1,2\n1,3,4\n", labels, "f.csv:1: expects the first column 'IDX', has 'frame'"},
      {features + "4,9,9\n", labels,
       "f.csv:6: expects 2 rows a sample, but 5 rows leave 1 at the end"},
      {features, "", "l.csv: the file is empty"},
      {features, "IDX,label\n", "l.csv:1: no labels follow the header"},
      {features, "IDX,class\n0,1\n", "l.csv:1: expects a column 'label', has idx, class"},
      {features, "0,1\n2,0\n", "l.csv:1: expects a header with the columns' names, has numbers"},
      {features, "IDX,label\n0,1\n",
       "f.csv:4: the sample that begins here has IDX 2, for which l.csv has no label"},
      {features, labels + "4,1\n6,1\n",
       "l.csv:4: the label of IDX 4 belongs to no sample: no 2 rows of f.csv begin with it"},
      {features, labels + "0,1\n", "l.csv:4: the label of IDX 0 is given twice, first on line 2"},
      {features, "IDX,label\n0,1\n2,2\n", "l.csv:3: column 2 (label): expects 0 or 1, has 2"},
      {features, "IDX,label\n0,1\n2,-1\n", "l.csv:3: column 2 (label): expects 0 or 1, has -1"},
      {features, "IDX,label\n0,1\n2,real\n",
       "l.csv:3: column 2 (label): expects a whole number, has 'real'"},
      {features, "IDX,label\n0,1\n2,0.5\n",
       "l.csv:3: column 2 (label): expects a whole number, has '0.5'"},
      {features, "IDX,label\n0,1\n2\n", "l.csv:3: expects 2 columns as in the header, has 1"},
      {"IDX,x,y\n0,1,2\n1,3,4\n0,5,6\n1,7,8\n", labels,
       "f.csv:4: a second sample begins with IDX 0"},
      {features + "4,9\n", labels, "f.csv:6: expects 3 columns as in the header, has 2"},
  };
  for (const Case& c : cases) CHECK_EQ(refusal(c.features, c.labels), c.message);
  CHECK_EQ(refusal(features, labels, {.rows_per_sample = 0}),
           "landmarks: expects rows_per_sample of 1 or more, got 0");
  CHECK(tests::message_of([] {
          read_landmarks({{"no/such.csv", "l.csv"}});
        }) == "no/such.csv: there is no such file");
}

TEST_CASE("the real landmark CSVs are read") {
  for (const auto& [split, samples] : {std::pair("train", 28), {"valid", 10}, {"test", 8}}) {
    const std::string folder = "lrnet/csv/";
    const auto f = tests::real_data(folder + split + ".csv");
    if (f.empty()) return tests::skip("real landmark CSVs", "lrnet/csv is not here");
    const auto l = tests::real_data(folder + split + "_labels.csv");
    const auto data = read_landmarks({{f, l}}, {.dtype = DType::f64});
    CHECK_EQ(data->size(), samples);
    CHECK_EQ(data->sample_shape(), Shape({2176}));
    CHECK_EQ(class_counts(*data)[0] * 2, samples);
    if (std::string(split) == "train") CHECK_EQ(data->inputs().data<double>()[0], -0.855);
  }
}

TEST_CASE("standard normalisation uses each column's mean and deviation, and leaves constants") {
  const Tensor x = Tensor::from<double>({1, 5, 3, 5, 5, 5, 7, 5}, {2, 4});
  const auto data = std::make_shared<TensorDataset>(x, Tensor::from<int64_t>({0, 1}, {2}),
                                                    std::vector<std::string>{"0", "1"}, 2);
  const Normalization n = measure_normalization(*data);
  CHECK_EQ(n.mean.to_vector<double>(), std::vector<double>{4, 5});
  CHECK_EQ(n.std.to_vector<double>(), std::vector<double>{std::sqrt(5.0), 1});
  const NormalizedDataset normalized(data, n);
  double sample[4];
  normalized.fill(1, 0, sample);
  CHECK(std::abs(sample[0] - 1 / std::sqrt(5.0)) < 1e-15);
  CHECK_EQ(sample[1], 0);
  CHECK_EQ(tests::message_of([&] {
             NormalizedDataset(data, {x, x});
           }),
           "normalize: the data has 2 channels, but the statistics have shape (2, 4) and type f64");
}
