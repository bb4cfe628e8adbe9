#include "tensor/serialize/safetensors.h"

#include <cstring>

#include "tensor/random.h"
#include "tests/support.h"

using namespace lathe;
using tests::bytes_of;
using tests::message_of;

namespace {

/// A file of this header, padded or not, and this many bytes of elements.
std::string file_with(const std::string& header, size_t elements) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(elements, '\1');
}

std::string refusal(const std::string& bytes) {
  const tests::ScratchFolder folder;
  const auto file = tests::write_bytes(folder / "x.safetensors", bytes);
  try {
    read_safetensors(file);
  } catch (const Error& e) {
    CHECK_EQ(e.kind(), ErrorKind::data);
    const std::string message = e.what(), name = file.string() + ": ";
    CHECK_EQ(message.substr(0, name.size()), name);
    return message.substr(name.size());
  }
  return "accepted";
}

void check_round_trip(const std::filesystem::path& file) {
  const tests::ScratchFolder folder;
  const SafeTensors read = read_safetensors(file);
  write_safetensors(folder / "copy", read.tensors, read.metadata);
  CHECK_EQ(bytes_of(folder / "copy"), bytes_of(file));
  CHECK(is_safetensors(folder / "copy"));
}

}  // namespace

TEST_CASE("a file of the reference implementation is read, and written again byte for byte") {
  const SafeTensors read = read_safetensors(tests::golden("reference.safetensors"));
  REQUIRE_EQ(read.tensors.size(), 7u);
  CHECK_EQ(read.metadata.at("format"), "pt \\ \"x\"\t");
  CHECK_EQ(read.tensors[0].name, "a \"quoted\" n\xc3\xa4me\n");
  CHECK_EQ(read.tensors[0].tensor.to_vector<int64_t>(), std::vector<int64_t>{-1, 1ll << 40});
  CHECK_EQ(read.find("weight").shape(), Shape({2, 3}));
  CHECK_EQ(read.find("weight").data<float>()[5], 1.25f);
  CHECK_EQ(read.find("scalar").rank(), 0);
  CHECK_EQ(read.find("scalar").data<double>()[0], 2.5);
  CHECK_EQ(read.find("empty").shape(), Shape({3, 0, 2}));
  CHECK_EQ(float(read.find("half").data<f16>()[2]), 65504.0f);
  CHECK_EQ(read.find("ints").data<int32_t>()[0], 7);
  CHECK_EQ(read.find("bytes").data<uint8_t>()[2], 255);
  CHECK_FALSE(read.find("absent"));
  check_round_trip(tests::golden("reference.safetensors"));
}

TEST_CASE("a real safetensors file is written again byte for byte") {
  const auto file = tests::real_data("checkpoints/jfk-codes.safetensors");
  if (file.empty())
    return tests::skip("real safetensors file", "jfk-codes.safetensors is not here");
  check_round_trip(file);
}

TEST_CASE("unaligned elements are read, insertion order is kept, an empty file is a file") {
  const tests::ScratchFolder folder;
  const Tensor bytes = Tensor::from<uint8_t>({1, 2, 3}, {3});
  const Tensor values = Tensor::from<double>({0.1, -2}, {2});
  write_safetensors(folder / "a", {{"z", bytes}, {"b", values}});
  const SafeTensors read = read_safetensors(folder / "a");
  CHECK_EQ(read.tensors[0].name, "z");
  CHECK_EQ(read.tensors[1].tensor.to_vector<double>(), values.to_vector<double>());
  write_safetensors(folder / "a", {});
  CHECK(read_safetensors(folder / "a").tensors.empty());
  CHECK_EQ(bytes_of(folder / "a").size(), 16u);
  CHECK(message_of([&] {
          write_safetensors(folder / "a", {{"z", bytes}, {"z", bytes}});
        }).find("'z' is given twice") != std::string::npos);
}

TEST_CASE("tensors read from a file can be changed, and saved over the file they came from") {
  const tests::ScratchFolder folder;
  write_safetensors(folder / "a", {{"x", Tensor::from<float>({1, 2}, {2})}});
  const SafeTensors read = read_safetensors(folder / "a");
  read.tensors[0].tensor.data<float>()[0] = 5;
  write_safetensors(folder / "a", read.tensors);
  CHECK_EQ(read_safetensors(folder / "a").tensors[0].tensor.to_vector<float>(),
           std::vector<float>{5, 2});
  CHECK_EQ(read.tensors[0].tensor.to_vector<float>(), std::vector<float>{5, 2});
}

TEST_CASE("damaged and hostile safetensors files are refused by name and place") {
  struct Case {
    std::string bytes, message;
  };
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return "{\"a\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets +
           "]}}";
  };
  const std::string two =
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{"
      "\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[";
  const Case cases[] = {
      {"", "expects a safetensors file, but it ends after 0 bytes, inside the header's length"},
      {file_with("{}", 0).substr(0, 7),
       "expects a safetensors file, but it ends after 7 bytes, inside the header's length"},
      {std::string("\xe8\3\0\0\0\0\0\0{}", 10),
       "byte 0: the header's length is 1000, but only 2 bytes follow"},
      {std::string(8, '\xff') + "{}",
       "byte 0: the header's length is 18446744073709551615, the most allowed is 100000000"},
      {file_with("", 4), "byte 8: the header does not begin with '{'"},
      {file_with(" {}", 0), "byte 8: the header does not begin with '{'"},
      {file_with("{\"a\":", 0), "byte 13: the header is not valid JSON"},
      {file_with("{} x", 0), "byte 11: the header is not valid JSON"},
      {file_with("{\"\xff\":{}}", 0), "byte 10: the header is not valid JSON"},
      {file_with("{\"a\":3}", 0), "header: 'a' has a number where the format has none"},
      {file_with("{\"a\":[]}", 0), "header: 'a' has an array where the format has none"},
      {file_with("{\"a\":{}}", 0), "header: 'a' lacks its dtype"},
      {file_with("{\"a\":{\"dtype\":\"U8\"}}", 0), "header: 'a' lacks its shape"},
      {file_with("{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0),
       "header: 'a' expects 2 data_offsets, has 0"},
      {file_with("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0),
       "header: 'a' has the key 'dtype' twice"},
      {file_with("{\"a\":{\"shape\":[],\"shape\":[]}}", 0),
       "header: 'a' has the key 'shape' twice"},
      {file_with("{\"a\":{\"strides\":[]}}", 0), "header: 'a' has an unknown key 'strides'"},
      {file_with("{\"a\":{\"shape\":[[1]]}}", 0),
       "header: 'a' has an array where the format has none"},
      {file_with("{\"a\":{\"shape\":{\"b\":1}}}", 0),
       "header: 'a' has an object where the format has none"},
      {file_with("{\"__metadata__\":{\"k\":1}}", 0),
       "header: '__metadata__' has a number where the format has none"},
      {file_with("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0),
       "header: '__metadata__' has the key 'k' twice"},
      {file_with("{\"__metadata__\":{},\"__metadata__\":{}}", 0),
       "header: '__metadata__' is given twice"},
      {file_with(entry("-1", "0,4"), 4),
       "header: 'a' has a negative number where the format has none"},
      {file_with(entry("1.0", "0,4"), 4), "header: 'a' has 1.0 where the format has none"},
      {file_with(entry("18446744073709551616", "0,4"), 4),
       "header: 'a' has 18446744073709551616 where the format has none"},
      {file_with(entry("4294967296,4294967296", "0,0"), 0),
       "header: 'a' has a shape of more than 2^59 elements"},
      {file_with(entry("0,18446744073709551615", "0,0"), 0),
       "header: 'a' has a shape of more than 2^59 elements"},
      {file_with(entry("1,1,1,1,1,1,1", "0,4"), 4),
       "header: 'a' has 7 dimensions, the most that tensors have here is 6"},
      {file_with(entry("1", "0,8"), 8),
       "header: 'a' lies from offset 0 to 8, but its shape and dtype need 4 bytes"},
      {file_with(entry("1", "0,18446744073709551615"), 4),
       "header: 'a' lies from offset 0 to 18446744073709551615, but its shape and dtype need 4 "
       "bytes"},
      {file_with(entry("2", "0,8"), 7),
       "'a' ends at offset 8, but the file has only 7 bytes behind its header"},
      {file_with(entry("1", "4,8"), 8),
       "header: 'a' begins at offset 4, behind a hole after the tensor that ends at 0"},
      {file_with(two + "2,6]}}", 8),
       "header: 'b' begins at offset 2, inside the tensor that ends at 4"},
      {file_with(two + "5,9]}}", 9),
       "header: 'b' begins at offset 5, behind a hole after the tensor that ends at 4"},
      {file_with(two + "4,8]}}", 9), "byte 121: 1 bytes follow that belong to no tensor"},
      {file_with("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":"
                 "\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                 0),
       "header: 'a' is given twice"},
      {file_with("{\"a\":{\"dtype\":\"Q4\",\"shape\":[],\"data_offsets\":[0,1]}}", 1),
       "header: 'a' has the dtype 'Q4', which is not one of F32, F64, BF16, F16, I64, I32, U8"},
      {file_with("{\"a\":" + std::string(100000, '['), 0),
       "header: 'a' has an array where the format has none"},
      {file_with("{\"a\":{\"shape\":[" + std::string(1000, '1') + "]}}", 0),
       "byte 1022: the header is not valid JSON"},
  };
  for (const Case& c : cases) CHECK_EQ(refusal(c.bytes), c.message);
}

TEST_CASE("a header of a hundred thousand overlapping tensors is refused") {
  std::string header = "{";
  for (int i = 0; i < 100000; ++i)
    header += (i ? ",\"w" : "\"w") + std::to_string(i) +
              "\":{\"dtype\":\"F32\",\"shape\":[200,200],\"data_offsets\":[0,160000]}";
  CHECK_EQ(refusal(file_with(header + "}", 1 << 20)),
           "header: 'w1' begins at offset 0, inside the tensor that ends at 160000");
}

TEST_CASE("no bit flip and no truncation of a file crashes the reader") {
  const std::string good = bytes_of(tests::golden("reference.safetensors"));
  const RandomStream random(1, Purpose::test);
  const tests::ScratchFolder folder;
  int refused = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    std::string bytes = good;
    if (i % 2 == 0)
      bytes[random.below(2 * i, bytes.size())] ^= char(1 << random.below(2 * i + 1, 8));
    else
      bytes.resize(random.below(2 * i, bytes.size()));
    try {
      const SafeTensors read = read_safetensors(tests::write_bytes(folder / "x", bytes));
      for (const auto& [name, tensor] : read.tensors) tensor.clone();
    } catch (const Error& e) {
      CHECK_EQ(e.kind(), ErrorKind::data);
      ++refused;
    }
  }
  CHECK(refused > 1500);  // every truncation, and most flips within the header
}
