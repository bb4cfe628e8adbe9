// CSV files as RFC 4180 describes them: cells in quotes (a quote inside is doubled), lines ended by
// LF or CRLF, a byte-order mark in front or not, blank lines at the end ignored. One reader gives
// rows of text; the other turns a large file of numbers into a tensor on all cores. Errors name
// file, line and column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/serialize/file.h"
#include "tensor/tensor.h"

namespace lathe {

struct CsvRow {
  int64_t line = 0;  ///< on which the row begins; the first is 1
  std::vector<std::string> cells;
};

/// A text as a cell, in quotes where it must be.
std::string csv_cell(const std::string& text);

/// Reads rows one after another.
class CsvReader {
 public:
  /// Throws Error(data) when the file cannot be read or holds nothing.
  explicit CsvReader(const std::filesystem::path& path);
  /// The next row, spaces around unquoted cells removed; false at the end. Throws Error(data) for a
  /// quote that is not closed or has text behind it.
  bool next(CsvRow& row);
  /// The text behind the last row read, without blank lines at its end.
  std::string_view rest() const { return text_.substr(position_); }
  int64_t line() const { return line_; }  ///< on which rest() begins
  const std::string& file() const { return file_; }
  /// Throws Error(data) about a line of this file.
  template <class... Parts>
  [[noreturn]] void refuse(int64_t line, const Parts&... parts) const {
    fail(ErrorKind::data, file_, ":", line, ": ", parts...);
  }

 private:
  std::string quoted_cell();

  std::string file_;
  MappedFile mapped_;
  std::string_view text_;
  size_t position_ = 0;
  int64_t line_ = 1;
};

/// The file's first row, lower-case for comparison. Throws Error(data) when two names are equal,
/// one is empty or not UTF-8, or all are numbers (a file without a header).
std::vector<std::string> read_csv_header(CsvReader& reader);

/// Throws Error(data), which names the first difference, unless a file's columns behind its index
/// are those expected, in the same order. `whose` says whose these are: "the training data".
void check_columns(const std::string& file, const std::vector<std::string>& columns,
                   const std::vector<std::string>& expected, const std::string& whose);

/// A table of numbers whose first column, whole numbers, names the rows.
struct IndexedCsv {
  std::string index_name;            ///< of the first column, lower-case
  std::vector<std::string> columns;  ///< of `values`, lower-case
  std::vector<int64_t> index;        ///< the first column
  Tensor values;                     ///< (rows, columns), f32 or f64
  int64_t first_line = 0;            ///< of row 0; every row is one line
};

/// Reads a table of numbers. Throws Error(data) naming line and column for a row that is longer or
/// shorter than the header, a cell that is empty, text, not finite or too large for the dtype, an
/// index that is not whole, and a table without rows.
IndexedCsv read_indexed_csv(const std::filesystem::path& path, DType dtype);

}  // namespace lathe
