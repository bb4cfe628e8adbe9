#include "data/csv.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "data/decimal.h"
#include "tensor/parallel.h"
#include "tensor/utf8.h"

namespace lathe {
namespace {

constexpr double largest_index = 9007199254740992.0;  // 2^53: whole numbers are exact up to here

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_number(std::string_view text) {
  double value;
  const char* const end = text.data() + text.size();
  return parse_decimal(text.data(), end, value) == end;
}

/// The cell as a message shows it: shortened, on one line.
std::string shown(std::string text) {
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  for (char& c : text)
    if (uint8_t(c) < 32) c = ' ';
  return "'" + text + "'";
}

/// Parses the number of one cell and moves behind the cell's comma. `p` becomes null behind the
/// last cell. False when the cell is not a number.
inline bool parse_cell(const char*& p, const char* end, double& value) {
  while (p != end && is_blank(*p)) ++p;
  const bool quoted = p != end && *p == '"';
  const char* next = parse_decimal(p + quoted, end, value);
  if (!next) return false;
  if (quoted && (next == end || *next++ != '"')) return false;
  while (next != end && is_blank(*next)) ++next;
  if (next != end && *next != ',') return false;
  p = next == end ? nullptr : next + 1;
  return true;
}

/// Parses a line of an index and `columns` numbers; false when it is not that.
template <class T>
bool parse_line(const char* p, const char* end, int64_t columns, int64_t& index, T* values) {
  double value;
  if (!parse_cell(p, end, value) || value != std::trunc(value) || std::abs(value) > largest_index)
    return false;
  index = int64_t(value);
  for (int64_t i = 0; i < columns; ++i) {
    if (!p || !parse_cell(p, end, value)) return false;
    if (std::abs(value) > double(std::numeric_limits<T>::max())) return false;
    values[i] = T(value);
  }
  return p == nullptr;
}

/// Says what is wrong with a row that parse_line refused.
template <class T>
[[noreturn]] void refuse_row(const CsvReader& reader, const CsvRow& row,
                             const std::vector<std::string>& header) {
  const auto& cells = row.cells;
  if (cells.size() != header.size())
    reader.refuse(row.line, "expects ", header.size(), " columns as in the header, has ",
                  cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string where = concat("column ", i + 1, " (", header[i], "): ");
    double value = 0;
    const char* const end = cells[i].data() + cells[i].size();
    if (cells[i].empty()) reader.refuse(row.line, where, "expects a number, the cell is empty");
    if (parse_decimal(cells[i].data(), end, value) != end)
      reader.refuse(row.line, where, "expects a finite number, has ", shown(cells[i]));
    if (i == 0 && (value != std::trunc(value) || std::abs(value) > largest_index))
      reader.refuse(row.line, where, "expects a whole number, has ", shown(cells[i]));
    if (std::abs(value) > double(std::numeric_limits<T>::max()))
      reader.refuse(row.line, where, shown(cells[i]), " is too large for ", dtype_of<T>);
  }
  reader.refuse(row.line, "expects a line of numbers");
}

/// The lines of a text, cut into blocks that threads work on. A line belongs to the block in which
/// it begins.
class LineBlocks {
 public:
  explicit LineBlocks(std::string_view text) : text_(text) {
    const int64_t blocks = int64_t(text.size() + block_bytes - 1) / block_bytes;
    first_row_.resize(size_t(blocks) + 1);
    parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block)
        for_each_line(block, [&](const char*, const char*) {
          ++first_row_[size_t(block) + 1];
          return true;
        });
    });
    for (size_t i = 1; i < first_row_.size(); ++i) first_row_[i] += first_row_[i - 1];
  }

  int64_t rows() const { return first_row_.back(); }

  /// Calls f(row, begin, end) for every line, in parallel, until it returns false. Returns the
  /// first row for which it did; rows() for none.
  template <class F>
  int64_t first_failure(const F& f) const {
    std::atomic<int64_t> failure = rows();
    parallel_for(0, int64_t(first_row_.size()) - 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        int64_t row = first_row_[size_t(block)];
        if (row >= failure.load()) return;  // only rows behind a failure are left here
        for_each_line(block, [&](const char* first, const char* last) {
          return f(row, first, last) && ++row;
        });
        if (row == first_row_[size_t(block) + 1]) continue;
        int64_t known = failure.load();
        while (row < known && !failure.compare_exchange_weak(known, row)) {
        }
        return;
      }
    });
    return failure;
  }

 private:
  static constexpr int64_t block_bytes = 1 << 20;

  const char* line_start(int64_t offset) const {
    if (offset == 0) return text_.data();
    if (offset >= int64_t(text_.size())) return text_.data() + text_.size();
    const char* from = text_.data() + offset - 1;
    const void* found = std::memchr(from, '\n', text_.size() - size_t(offset) + 1);
    return found ? static_cast<const char*>(found) + 1 : text_.data() + text_.size();
  }

  template <class F>
  void for_each_line(int64_t block, const F& f) const {
    const char* const end = text_.data() + text_.size();
    const char* const stop = line_start((block + 1) * block_bytes);
    for (const char* p = line_start(block * block_bytes); p < stop;) {
      const void* found = std::memchr(p, '\n', size_t(end - p));
      const char* const line_end = found ? static_cast<const char*>(found) : end;
      if (!f(p, line_end - (line_end > p && line_end[-1] == '\r'))) return;
      p = line_end + 1;
    }
  }

  std::string_view text_;
  std::vector<int64_t> first_row_;  // of each block
};

}  // namespace

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

CsvReader::CsvReader(const std::filesystem::path& path) : file_(path.string()), mapped_(path) {
  text_ = mapped_.text();
  mapped_.expect_sequential_reads();
  if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  const size_t last = text_.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) fail(ErrorKind::data, file_, ": the file is empty");
  text_ = text_.substr(0, last + 1);
}

bool CsvReader::next(CsvRow& row) {
  row.cells.clear();
  row.line = line_;
  if (position_ >= text_.size()) return false;
  for (;;) {
    while (position_ < text_.size() && is_blank(text_[position_])) ++position_;
    if (position_ < text_.size() && text_[position_] == '"') {
      row.cells.push_back(quoted_cell());
    } else {
      const size_t end = std::min(text_.find_first_of(",\n", position_), text_.size());
      std::string_view cell = text_.substr(position_, end - position_);
      if ((end == text_.size() || text_[end] == '\n') && cell.ends_with('\r'))
        cell.remove_suffix(1);
      row.cells.emplace_back(trim(cell));
      position_ = end;
    }
    if (position_ == text_.size()) return true;
    if (text_[position_++] == '\n') {
      ++line_;
      return true;
    }
  }
}

/// The cell whose opening quote is at position_, which moves to the comma or line end behind it.
std::string CsvReader::quoted_cell() {
  const int64_t opened = line_;
  std::string cell;
  for (++position_;; ++position_) {
    if (position_ >= text_.size()) refuse(opened, "a quoted cell that begins here is not closed");
    const char c = text_[position_];
    line_ += c == '\n';
    if (c != '"') {
      cell += c;
    } else if (position_ + 1 < text_.size() && text_[position_ + 1] == '"') {
      cell += text_[++position_];
    } else {
      break;
    }
  }
  ++position_;
  while (position_ < text_.size() && (is_blank(text_[position_]) || text_[position_] == '\r'))
    ++position_;
  if (position_ < text_.size() && text_[position_] != ',' && text_[position_] != '\n')
    refuse(line_, "text follows the closing quote of a cell");
  return cell;
}

std::vector<std::string> read_csv_header(CsvReader& reader) {
  CsvRow row;
  reader.next(row);
  if (std::all_of(row.cells.begin(), row.cells.end(), is_number))
    reader.refuse(row.line, "expects a header with the columns' names, has numbers");
  std::set<std::string> seen;
  for (size_t i = 0; i < row.cells.size(); ++i) {
    std::string& name = row.cells[i];
    if (name.empty()) reader.refuse(row.line, "column ", i + 1, " of the header has no name");
    if (!is_utf8(name)) reader.refuse(row.line, "column ", i + 1, " of the header is not UTF-8");
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c < 128 ? char(std::tolower(c)) : char(c); });
    if (!seen.insert(name).second)
      reader.refuse(row.line, "the header has the column ", shown(name), " twice");
  }
  return row.cells;
}

void check_columns(const std::string& file, const std::vector<std::string>& columns,
                   const std::vector<std::string>& expected, const std::string& whose) {
  if (columns == expected) return;
  const size_t both = std::min(columns.size(), expected.size());
  size_t i = 0;
  while (i < both && columns[i] == expected[i]) ++i;
  const std::string has = i < columns.size() ? "is " + shown(columns[i]) : "is not there";
  const std::string other = i < expected.size() ? "has " + shown(expected[i]) : "has none";
  std::vector<std::string> sorted = columns, wanted = expected;
  std::sort(sorted.begin(), sorted.end());
  std::sort(wanted.begin(), wanted.end());
  const std::string how =
      sorted == wanted ? "the names are the same in another order"
      : columns.size() == expected.size()
          ? "its columns are other ones"
          : concat("it has ", columns.size(), " columns behind the index, not ", expected.size());
  fail(ErrorKind::data, file, ":1: column ", i + 2, " ", has, ", where ", whose, " ", other, "; ",
       how);
}

IndexedCsv read_indexed_csv(const std::filesystem::path& path, DType dtype) {
  CsvReader reader(path);
  const std::vector<std::string> header = read_csv_header(reader);
  if (header.size() < 2)
    reader.refuse(1, "expects an index and at least one more column, has ", shown(header[0]),
                  " alone");
  const LineBlocks lines(reader.rest());
  if (lines.rows() == 0) reader.refuse(reader.line(), "no rows follow the header");

  IndexedCsv table;
  table.index_name = header[0];
  table.columns.assign(header.begin() + 1, header.end());
  table.first_line = reader.line();
  table.index.resize(size_t(lines.rows()));
  const int64_t columns = int64_t(table.columns.size());
  table.values = Tensor::empty({lines.rows(), columns}, dtype);
  dispatch_float("csv", dtype, [&]<class T>() {
    T* const values = table.values.data<T>();
    const int64_t bad = lines.first_failure([&](int64_t row, const char* begin, const char* end) {
      return parse_line(begin, end, columns, table.index[size_t(row)], values + row * columns);
    });
    CsvRow row;
    for (int64_t i = 0; i <= bad && bad < lines.rows(); ++i) reader.next(row);
    if (bad < lines.rows()) refuse_row<T>(reader, row, header);
  });
  return table;
}

}  // namespace lathe
