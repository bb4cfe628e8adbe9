#include "data/landmarks.h"

#include <cstring>
#include <unordered_map>

#include "data/csv.h"
#include "data/decimal.h"

namespace lathe {
namespace {

/// A pair of files: the table, and a label for each sample.
struct Part {
  IndexedCsv table;
  std::vector<int64_t> labels;
};

struct LabelRow {
  int64_t line, label;
};

size_t find_column(const CsvReader& reader, const std::vector<std::string>& header,
                   const std::string& name) {
  for (size_t i = 0; i < header.size(); ++i)
    if (header[i] == name) return i;
  std::string names;
  for (const std::string& column : header) names += (names.empty() ? "" : ", ") + column;
  reader.refuse(1, "expects a column '", name, "', has ", names);
}

/// The whole number in a cell, which may be written as 16, "16" or 16.0.
int64_t whole_number(const CsvReader& reader, const CsvRow& row, size_t column, const char* name) {
  const std::string& cell = row.cells[column];
  const char* const end = cell.data() + cell.size();
  double value = 0;
  if (parse_decimal(cell.data(), end, value) != end || value != std::trunc(value) ||
      std::abs(value) > 1e15)
    reader.refuse(row.line, "column ", column + 1, " (", name, "): expects a whole number, has '",
                  cell, "'");
  return int64_t(value);
}

std::unordered_map<int64_t, LabelRow> read_labels(CsvReader& reader) {
  const std::vector<std::string> header = read_csv_header(reader);
  const size_t idx = find_column(reader, header, "idx"),
               label = find_column(reader, header, "label");
  std::unordered_map<int64_t, LabelRow> labels;
  for (CsvRow row; reader.next(row);) {
    if (row.cells.size() != header.size())
      reader.refuse(row.line, "expects ", header.size(), " columns as in the header, has ",
                    row.cells.size());
    const int64_t index = whole_number(reader, row, idx, "idx");
    const int64_t value = whole_number(reader, row, label, "label");
    if (value != 0 && value != 1)
      reader.refuse(row.line, "column ", label + 1, " (label): expects 0 or 1, has ", value);
    const auto [first, fresh] = labels.try_emplace(index, LabelRow{row.line, value});
    if (!fresh)
      reader.refuse(row.line, "the label of IDX ", index, " is given twice, first on line ",
                    first->second.line);
  }
  if (labels.empty()) reader.refuse(reader.line(), "no labels follow the header");
  return labels;
}

void join_labels(Part& part, const LandmarkFiles& files, const LandmarkOptions& options) {
  CsvReader reader(files.labels);
  auto labels = read_labels(reader);
  const IndexedCsv& table = part.table;
  for (size_t row = 0; row < table.index.size(); row += size_t(options.rows_per_sample)) {
    const auto found = labels.find(table.index[row]);
    if (found == labels.end())
      fail(ErrorKind::data, files.features.string(), ":", table.first_line + int64_t(row),
           ": the sample that begins here has IDX ", table.index[row], ", for which ",
           files.labels.string(), " has no label");
    if (found->second.line < 0)
      fail(ErrorKind::data, files.features.string(), ":", table.first_line + int64_t(row),
           ": a second sample begins with IDX ", table.index[row]);
    part.labels.push_back(found->second.label);
    found->second.line = -1;  // taken
  }
  const std::pair<const int64_t, LabelRow>* unused = nullptr;  // the first of the file
  for (const auto& label : labels)
    if (label.second.line > 0 && (!unused || label.second.line < unused->second.line))
      unused = &label;
  if (unused)
    reader.refuse(unused->second.line, "the label of IDX ", unused->first,
                  " belongs to no sample: no ", options.rows_per_sample, " rows of ",
                  files.features.string(), " begin with it");
}

Part read_part(const LandmarkFiles& files, const LandmarkOptions& options) {
  Part part{read_indexed_csv(files.features, options.dtype), {}};
  const int64_t rows = int64_t(part.table.index.size());
  if (part.table.index_name != "idx")
    fail(ErrorKind::data, files.features.string(), ":1: expects the first column 'IDX', has '",
         part.table.index_name, "'");
  if (rows % options.rows_per_sample != 0)
    fail(ErrorKind::data, files.features.string(), ":", part.table.first_line + rows - 1,
         ": expects ", options.rows_per_sample, " rows a sample, but ", rows, " rows leave ",
         rows % options.rows_per_sample, " at the end");
  if (files.labels.empty())
    part.labels.assign(size_t(rows / options.rows_per_sample), -1);
  else
    join_labels(part, files, options);
  return part;
}

}  // namespace

std::shared_ptr<TensorDataset> read_landmarks(const std::vector<LandmarkFiles>& files,
                                              const LandmarkOptions& options) {
  LATHE_CHECK(!files.empty(), "landmarks: expects at least one pair of files");
  LATHE_CHECK(options.rows_per_sample > 0, "landmarks: expects rows_per_sample of 1 or more, got ",
              options.rows_per_sample);
  std::vector<Part> parts;
  int64_t samples = 0;
  for (const LandmarkFiles& pair : files) {
    parts.push_back(read_part(pair, options));
    check_columns(pair.features.string(), parts.back().table.columns, parts[0].table.columns,
                  files[0].features.string());
    samples += int64_t(parts.back().labels.size());
  }

  const int64_t columns = int64_t(parts[0].table.columns.size());
  const Shape shape{samples, options.rows_per_sample * columns};
  Tensor inputs;
  std::vector<int64_t> labels;
  if (parts.size() == 1) {
    inputs = parts[0].table.values.reshape(shape);
  } else {
    inputs = Tensor::empty(shape, options.dtype);
    std::byte* to = inputs.raw();
    for (const Part& part : parts) {
      std::memcpy(to, part.table.values.raw(), size_t(part.table.values.bytes()));
      to += part.table.values.bytes();
    }
  }
  for (const Part& part : parts)
    labels.insert(labels.end(), part.labels.begin(), part.labels.end());
  return std::make_shared<TensorDataset>(inputs, Tensor::from(labels, {samples}),
                                         std::vector<std::string>{"0", "1"}, columns,
                                         parts[0].table.columns);
}

}  // namespace lathe
