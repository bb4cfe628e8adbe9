#include "data/csv.h"

#include <cstdio>
#include <cstring>

#include "data/decimal.h"
#include "tensor/random.h"
#include "tests/support.h"

using namespace lathe;
using tests::write_bytes;

namespace {

/// The message without the folder; "accepted" when there is none.
std::string refusal(const std::string& text, DType dtype = DType::f64) {
  const tests::ScratchFolder folder;
  const auto file = write_bytes(folder / "a.csv", text);
  try {
    read_indexed_csv(file, dtype);
  } catch (const Error& e) {
    CHECK_EQ(e.kind(), ErrorKind::data);
    const std::string message = e.what(), prefix = folder.path().string() + "/";
    CHECK_EQ(message.substr(0, prefix.size()), prefix);
    return message.substr(prefix.size());
  }
  return "accepted";
}

std::vector<std::vector<std::string>> rows_of(const std::string& text) {
  const tests::ScratchFolder folder;
  CsvReader reader(write_bytes(folder / "a.csv", text));
  std::vector<std::vector<std::string>> rows;
  for (CsvRow row; reader.next(row);) rows.push_back(row.cells);
  return rows;
}

double parsed(const std::string& text) {
  double value = NAN;
  const char* const end = text.data() + text.size();
  return parse_decimal(text.data(), end, value) == end ? value : NAN;
}

}  // namespace

TEST_CASE("decimals equal strtod to the last bit") {
  const char* const texts[] = {"0",
                               "-0",
                               "+1.5",
                               ".5",
                               "5.",
                               "1e5",
                               "1E-5",
                               "1e+22",
                               "1e23",
                               "9007199254740993",
                               "9007199254740992.5",
                               "0.1",
                               "123456789012345678",
                               "1234567890123456789012345678901234567890",
                               "0.000000000000000000000000000000000000000000000123456789",
                               "1.7976931348623157e308",
                               "2.2250738585072014e-308",
                               "4.9e-324",
                               "2.2250738585072011e-308",
                               "1e-400",
                               "-1e-400",
                               "0.30000000000000004",
                               "8.98846567431158e307",
                               "0e9999",
                               "6.02214076e23",
                               "1e0000000000005"};
  for (const char* text : texts) {
    const double expected = std::strtod(text, nullptr), got = parsed(text);
    CHECK_MESSAGE(std::memcmp(&expected, &got, sizeof got) == 0, text);
  }
  for (const char* text : {"", "-", ".", "e5", "1e", "1e+", "nan", "inf", "0x10", "1e400", "-1e999",
                           "--1", "1.2.3", "1 2", "1,5", "abc", "1e5x"})
    CHECK_MESSAGE(std::isnan(parsed(text)), text);
  const RandomStream random(3, Purpose::test);
  const char* const formats[] = {"%.17g", "%.5f", "%.3e", "%.16g", "%.20g", "%.9g"};
  for (uint64_t i = 0; i < 60000; ++i) {
    const int exponent =
        i % 3 ? int(random.below(2 * i, 40)) - 20 : int(random.below(2 * i, 600)) - 300;
    const double value = (random.uniform53(2 * i + 1) - 0.5) * std::pow(10.0, exponent);
    char text[400];
    std::snprintf(text, sizeof text, formats[i % 6], value);
    const double expected = std::strtod(text, nullptr), got = parsed(text);
    if (std::memcmp(&expected, &got, sizeof got) != 0) FAIL(text);
  }
}

TEST_CASE("CSV cells follow RFC 4180") {
  using Rows = std::vector<std::vector<std::string>>;
  CHECK_EQ(rows_of("a,b\n1,2\n"), Rows{{"a", "b"}, {"1", "2"}});
  CHECK_EQ(rows_of("\xef\xbb\xbf"
                   "a,b\r\n1,2\r\n\r\n"),
           Rows{{"a", "b"}, {"1", "2"}});
  CHECK_EQ(rows_of("\"x, \"\"y\"\"\",\"two\nlines\", plain \n,\"\"\nlast,"),
           Rows{{"x, \"y\"", "two\nlines", "plain"}, {"", ""}, {"last", ""}});
  const auto message = [](const std::string& text) {
    return tests::message_of([&] { rows_of(text); });
  };
  CHECK(message("a\nb,\"c\n").ends_with("a.csv:2: a quoted cell that begins here is not closed"));
  CHECK(message("a\n\"b\"c\n").ends_with("a.csv:2: text follows the closing quote of a cell"));
}

TEST_CASE("a table of numbers is read in any spelling") {
  const tests::ScratchFolder folder;
  const auto file =
      write_bytes(folder / "a.csv",
                  "\xef\xbb\xbf"
                  "IDX, \"x\" ,Y\r\n0,1.5,-2e3\r\n\"16\", \"0.25\" , 7 \r\n32.0,0,.5");
  const IndexedCsv table = read_indexed_csv(file, DType::f64);
  CHECK_EQ(table.index_name, "idx");
  CHECK_EQ(table.columns, std::vector<std::string>{"x", "y"});
  CHECK_EQ(table.index, std::vector<int64_t>{0, 16, 32});
  CHECK_EQ(table.values.shape(), Shape({3, 2}));
  CHECK_EQ(table.values.to_vector<double>(), std::vector<double>{1.5, -2000, 0.25, 7, 0, 0.5});
  CHECK_EQ(table.first_line, 2);
  CHECK_EQ(read_indexed_csv(file, DType::f32).values.data<float>()[2], 0.25f);
}

TEST_CASE("a large table is read by several threads as by one") {
  const tests::ScratchFolder folder;
  std::string text = "i,a,b\n";
  for (int i = 0; i < 200000; ++i)
    text += std::to_string(i) + "," + std::to_string(i * 0.5) + "," + std::to_string(-i) + "\n";
  const IndexedCsv table = read_indexed_csv(write_bytes(folder / "a.csv", text), DType::f64);
  REQUIRE_EQ(table.index.size(), 200000u);
  bool equal = true;
  for (int64_t i = 0; i < 200000; ++i)
    equal &= table.index[size_t(i)] == i && table.values.data<double>()[2 * i] == double(i) * 0.5 &&
             table.values.data<double>()[2 * i + 1] == double(-i);
  CHECK(equal);
  text.replace(text.find("\n150000,") + 8, 1, "x");  // the first of two errors is the one named
  text.replace(text.find("\n190000,") + 8, 1, "x");
  CHECK_EQ(refusal(text),
           "a.csv:150002: column 2 (a): expects a finite number, has 'x5000.000000'");
}

TEST_CASE("bad tables of numbers are refused by line and column") {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"", "a.csv: the file is empty"},
      {"\r\n\n  ", "a.csv: the file is empty"},
      {"\xef\xbb\xbf", "a.csv: the file is empty"},
      {"idx,a,b\n", "a.csv:1: no rows follow the header"},
      {"1,2,3\n4,5,6\n", "a.csv:1: expects a header with the columns' names, has numbers"},
      {"idx\n1\n", "a.csv:1: expects an index and at least one more column, has 'idx' alone"},
      {"idx,a,\n1,2,3\n", "a.csv:1: column 3 of the header has no name"},
      {"idx,a,A\n1,2,3\n", "a.csv:1: the header has the column 'a' twice"},
      {"idx,a,\xff\n1,2,3\n", "a.csv:1: column 3 of the header is not UTF-8"},
      {"idx,a,b\n0,1,2\n1,2\n", "a.csv:3: expects 3 columns as in the header, has 2"},
      {"idx,a,b\n0,1,2\n1,2,3,4\n", "a.csv:3: expects 3 columns as in the header, has 4"},
      {"idx,a,b\n0,1,2,\n", "a.csv:2: expects 3 columns as in the header, has 4"},
      {"idx,a,b\n0,1,2\n\n1,2,3\n", "a.csv:3: expects 3 columns as in the header, has 1"},
      {"idx,a,b\n0,1,2\n1,2,3\n2,5", "a.csv:4: expects 3 columns as in the header, has 2"},
      {"idx,a,b\n0,1,\n", "a.csv:2: column 3 (b): expects a number, the cell is empty"},
      {"idx,a,b\n0,left eye,2\n", "a.csv:2: column 2 (a): expects a finite number, has 'left eye'"},
      {"idx,a,b\r\n0,1,nan\r\n", "a.csv:2: column 3 (b): expects a finite number, has 'nan'"},
      {"idx,a,b\n0,1,NaN\n", "a.csv:2: column 3 (b): expects a finite number, has 'NaN'"},
      {"idx,a,b\n0,-inf,2\n", "a.csv:2: column 2 (a): expects a finite number, has '-inf'"},
      {"idx,a,b\n0,1e999,2\n", "a.csv:2: column 2 (a): expects a finite number, has '1e999'"},
      {"idx,a,b\n0,1e300,2\n", "a.csv:2: column 2 (a): '1e300' is too large for f32"},
      {"idx,a,b\n0.5,1,2\n", "a.csv:2: column 1 (idx): expects a whole number, has '0.5'"},
      {"idx,a,b\n1e30,1,2\n", "a.csv:2: column 1 (idx): expects a whole number, has '1e30'"},
      {"idx,a,b\n0,\"1,2\n", "a.csv:2: a quoted cell that begins here is not closed"},
      {"idx,a,b\n0,\"1\n\",2\n", "a.csv:2: column 2 (a): expects a finite number, has '1 '"},
      {"\"i\ndx\",a,b\n0,x,2\n", "a.csv:3: column 2 (a): expects a finite number, has 'x'"},
      {std::string("idx,a,b\n0,1\0,2\n", 15),
       "a.csv:2: column 2 (a): expects a finite number, has '1 '"},
  };
  for (const Case& c : cases)
    CHECK_EQ(refusal(c.text, c.text.find("1e300") != std::string::npos ? DType::f32 : DType::f64),
             c.message);
}

TEST_CASE("no damage to a CSV crashes the reader") {
  const tests::ScratchFolder folder;
  std::string good =
      "\xef\xbb\xbf"
      "IDX,\"a\",b\r\n";
  for (int i = 0; i < 6; ++i) good += std::to_string(i) + ",\"1.25\",-3e-2\r\n";
  const RandomStream random(2, Purpose::test);
  int refused = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    std::string bytes = good;
    for (uint64_t k = 0; k < 1 + i % 3; ++k) {
      const uint64_t at = 16 * i + 4 * k;
      if (random.below(at, 3) == 0)
        bytes.resize(random.below(at + 1, bytes.size()) + 1);
      else
        bytes[random.below(at + 1, bytes.size())] =
            i % 2 ? "\",\n\r-e.0 "[random.below(at + 2, 9)] : char(random.below(at + 2, 256));
    }
    try {
      read_indexed_csv(write_bytes(folder / "a.csv", bytes), i % 2 ? DType::f32 : DType::f64);
    } catch (const Error& e) {
      CHECK_EQ(e.kind(), ErrorKind::data);
      ++refused;
    }
  }
  CHECK(refused > 500);
}
