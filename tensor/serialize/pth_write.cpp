// Writing .pth: the opcodes that torch.save uses for a dictionary of tensors, and nothing else.
#include "tensor/check.h"
#include "tensor/serialize/pth.h"
#include "tensor/utf8.h"

namespace lathe {
namespace {

const char* storage_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "FloatStorage";
    case DType::f64:
      return "DoubleStorage";
    case DType::bf16:
      return "BFloat16Storage";
    case DType::f16:
      return "HalfStorage";
    case DType::i64:
      return "LongStorage";
    case DType::i32:
      return "IntStorage";
    case DType::u8:
      break;
  }
  return "ByteStorage";
}

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += char(value >> 8 * i);
  return text;
}

std::string text_opcode(const std::string& text) {
  return "X" + little_endian(text.size(), 4) + text;
}

std::string integer_opcode(int64_t value) {
  if (value < 1 << 30) return "J" + little_endian(uint64_t(value), 4);
  return "\x8a\x08" + little_endian(uint64_t(value), 8);
}

std::string tuple_opcode(const std::vector<int64_t>& values) {
  std::string text = "(";
  for (int64_t value : values) text += integer_opcode(value);
  return text + "t";
}

std::string pickled(const std::string& file, const std::vector<StoredTensor>& tensors) {
  std::string text =
      "\x80\x02"
      "ccollections\nOrderedDict\n)R(";
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    LATHE_CHECK(is_utf8(name), file, ": a name is not valid UTF-8");
    const std::vector<int64_t> shape(tensor.shape().begin(), tensor.shape().end());
    text += text_opcode(name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + text_opcode("storage") +
            "ctorch\n" + storage_name(tensor.dtype()) + "\n" + text_opcode(std::to_string(i)) +
            text_opcode("cpu") + integer_opcode(tensor.numel()) + "tQ" + integer_opcode(0) +
            tuple_opcode(shape) + tuple_opcode(dense_strides(shape)) +
            "\x89"
            "ccollections\nOrderedDict\n)RtR";
  }
  return text + "u.";
}

}  // namespace

void write_pth(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors) {
  const std::string pickle = pickled(path.string(), tensors);
  int64_t total = int64_t(pickle.size());
  for (const auto& [name, tensor] : tensors) total += tensor.bytes() + 400;
  AtomicFile file(path, total);
  ZipWriter zip(file);
  zip.add("archive/data.pkl", pickle);
  zip.add("archive/byteorder", "little");
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor host = tensors[i].tensor.to(Device::cpu);
    zip.add("archive/data/" + std::to_string(i),
            {reinterpret_cast<const char*>(host.raw()), size_t(host.bytes())});
  }
  zip.add("archive/version", "3\n");
  zip.finish();
  file.commit();
}

}  // namespace lathe
