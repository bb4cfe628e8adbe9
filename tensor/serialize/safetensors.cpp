#include "tensor/serialize/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "tensor/serialize/file.h"
#include "tensor/serialize/safetensors_header.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

constexpr uint64_t length_bytes = 8, largest_header = 100'000'000;

struct TypeName {
  DType dtype;
  const char* name;
};
constexpr TypeName type_names[] = {{DType::f32, "F32"}, {DType::f64, "F64"}, {DType::bf16, "BF16"},
                                   {DType::f16, "F16"}, {DType::i64, "I64"}, {DType::i32, "I32"},
                                   {DType::u8, "U8"}};

/// The file's header, its end checked against the file's size.
std::string_view header_text(const std::string& file, std::string_view bytes) {
  if (bytes.size() < length_bytes)
    fail(ErrorKind::data, file, ": expects a safetensors file, but it ends after ", bytes.size(),
         " bytes, inside the header's length");
  uint64_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > largest_header)
    fail(ErrorKind::data, file, ": byte 0: the header's length is ", length,
         ", the most allowed is ", largest_header);
  if (length > bytes.size() - length_bytes)
    fail(ErrorKind::data, file, ": byte 0: the header's length is ", length, ", but only ",
         bytes.size() - length_bytes, " bytes follow");
  if (length == 0 || bytes[length_bytes] != '{')
    fail(ErrorKind::data, file, ": byte 8: the header does not begin with '{'");
  return bytes.substr(length_bytes, length);
}

DType dtype_of_entry(const std::string& file, const TensorEntry& entry) {
  for (const TypeName& type : type_names)
    if (entry.dtype == type.name) return type.dtype;
  fail(ErrorKind::data, file, ": header: '", entry.name, "' has the dtype '", entry.dtype,
       "', which is not one of F32, F64, BF16, F16, I64, I32, U8");
}

Shape shape_of_entry(const std::string& file, const TensorEntry& entry) {
  if (entry.shape.size() > size_t(Shape::max_rank))
    fail(ErrorKind::data, file, ": header: '", entry.name, "' has ", entry.shape.size(),
         " dimensions, the most that tensors have here is ", Shape::max_rank);
  std::vector<int64_t> extents;
  unsigned __int128 elements = 1;
  for (uint64_t extent : entry.shape) {
    elements *= std::max<uint64_t>(extent, 1);
    if (elements > uint64_t(1) << 59)
      fail(ErrorKind::data, file, ": header: '", entry.name,
           "' has a shape of more than 2^59 elements");
    extents.push_back(int64_t(extent));
  }
  return Shape(extents);
}

/// Throws unless the entry, which begins where the one before it ended, is as long as its shape
/// says.
void check_place(const std::string& file, const TensorEntry& entry, uint64_t expected_begin,
                 uint64_t needed) {
  const uint64_t begin = entry.offsets[0], end = entry.offsets[1];
  if (begin != expected_begin)
    fail(ErrorKind::data, file, ": header: '", entry.name, "' begins at offset ", begin, ", ",
         begin < expected_begin ? "inside" : "behind a hole after", " the tensor that ends at ",
         expected_begin);
  if (end < begin || end - begin != needed)
    fail(ErrorKind::data, file, ": header: '", entry.name, "' lies from offset ", begin, " to ",
         end, ", but its shape and dtype need ", needed, " bytes");
}

Tensor tensor_in_file(const std::shared_ptr<Storage>& storage, int64_t offset, const Shape& shape,
                      DType dtype) {
  const auto address = reinterpret_cast<uintptr_t>(storage->data() + offset);
  if (address % uintptr_t(size_of(dtype)) == 0) return Tensor::view(storage, offset, shape, dtype);
  Tensor copy = Tensor::empty(shape, dtype);
  std::memcpy(copy.raw(), storage->data() + offset, size_t(copy.bytes()));
  return copy;
}

std::string json_text(const std::string& file, const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::usage, file, ": a name or metadata entry is not valid UTF-8");
  }
}

std::string header_of(const std::string& file, const std::vector<StoredTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata)
      header +=
          (header.back() == '{' ? "" : ",") + json_text(file, key) + ':' + json_text(file, value);
    header += '}';
  }
  std::set<std::string_view> names;
  int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    LATHE_CHECK(name != "__metadata__" && names.insert(name).second, file, ": the tensor name '",
                name, "' is given twice or reserved");
    if (header.size() > 1) header += ',';
    header += json_text(file, name) + ":{\"dtype\":\"" + safetensors_name(tensor.dtype()) +
              "\",\"shape\":[";
    for (int i = 0; i < tensor.rank(); ++i)
      header += (i ? "," : "") + std::to_string(tensor.dim(i));
    header += "],\"data_offsets\":[" + std::to_string(offset) + ',' +
              std::to_string(offset + tensor.bytes()) + "]}";
    offset += tensor.bytes();
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  LATHE_CHECK(header.size() <= largest_header, file, ": its header would have ", header.size(),
              " bytes, the most allowed is ", largest_header);
  return header;
}

}  // namespace

Tensor SafeTensors::find(const std::string& name) const {
  return lathe::find(tensors, name);
}

const char* safetensors_name(DType dtype) {
  for (const TypeName& type : type_names)
    if (type.dtype == dtype) return type.name;
  fail(ErrorKind::usage, "safetensors: there is no name for this dtype");
}

SafeTensors read_safetensors(const std::filesystem::path& path) {
  const std::string file = path.string();
  const auto mapped = std::make_shared<MappedFile>(path);
  const std::string_view json = header_text(file, mapped->text());
  SafetensorsHeader header = parse_safetensors_header(file, json);
  std::stable_sort(
      header.entries.begin(), header.entries.end(),
      [](const TensorEntry& a, const TensorEntry& b) { return a.offsets < b.offsets; });

  const auto elements = mapped->bytes().subspan(length_bytes + json.size());
  const auto storage =
      std::make_shared<Storage>(elements.data(), int64_t(elements.size()), Device::cpu, mapped);
  SafeTensors result{{}, std::move(header.metadata)};
  uint64_t end = 0;
  for (TensorEntry& entry : header.entries) {
    const DType dtype = dtype_of_entry(file, entry);
    const Shape shape = shape_of_entry(file, entry);
    const auto needed = uint64_t(shape.numel() * size_of(dtype));
    check_place(file, entry, end, needed);
    if (needed > elements.size() - end)
      fail(ErrorKind::data, file, ": '", entry.name, "' ends at offset ", end + needed,
           ", but the file has only ", elements.size(), " bytes behind its header");
    result.tensors.push_back(
        {std::move(entry.name), tensor_in_file(storage, int64_t(end), shape, dtype)});
    end += needed;
  }
  if (end != elements.size())
    fail(ErrorKind::data, file, ": byte ", length_bytes + json.size() + end, ": ",
         elements.size() - end, " bytes follow that belong to no tensor");
  return result;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(path.string(), tensors, metadata);
  const uint64_t length = header.size();
  int64_t total = int64_t(length_bytes + length);
  for (const auto& [name, tensor] : tensors) total += tensor.bytes();

  AtomicFile file(path, total);
  file.write(&length, sizeof length);
  file.write(header);
  for (const auto& [name, tensor] : tensors) {
    const Tensor host = tensor.to(Device::cpu);
    file.write(host.raw(), size_t(host.bytes()));
  }
  file.commit();
}

bool is_safetensors(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char start[length_bytes + 1];
  if (!file.read(start, sizeof start)) return false;
  uint64_t length;
  std::memcpy(&length, start, sizeof length);
  return length <= largest_header && start[length_bytes] == '{';
}

}  // namespace lathe
