#include "tensor/serialize/weights_file.h"

#include <algorithm>
#include <set>

#include "tensor/serialize/npy.h"
#include "tensor/serialize/pth.h"
#include "tensor/serialize/safetensors.h"
#include "tensor/suggest.h"
#include "tensor/utf8.h"

namespace lathe {
namespace {

bool contains_early(std::string_view bytes, std::string_view wanted) {
  std::string start(bytes.substr(0, 512));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return start.find(wanted) != std::string::npos;
}

/// What a file is that is none of the formats, in words that say what to do.
std::string description(std::string_view bytes) {
  if (bytes.starts_with("version https://git-lfs")) {
    const size_t at = bytes.find("\nsize ");
    const std::string size(
        at == bytes.npos ? "?" : bytes.substr(at + 6, bytes.find('\n', at + 6) - at - 6));
    return "is a Git LFS pointer, not the file itself (which has " + size.substr(0, 20) +
           " bytes): fetch it with 'git lfs pull', or download it by hand";
  }
  if (contains_early(bytes, "<html") || contains_early(bytes, "<!doctype"))
    return "is an HTML page: a download saved a web page instead of the file";
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar")
    return "is a tar archive, which PyTorch wrote before 0.2: load it there and save it again, or "
           "unpack it when it holds a file of weights";
  if (bytes.starts_with("\x1f\x8b")) return "is compressed by gzip: unpack it first";
  if (bytes.starts_with("\x89HDF")) return "is an HDF5 file (Keras): convert it to safetensors";
  if (bytes.starts_with("GGUF")) return "is a GGUF file, which is not read";
  if (bytes.starts_with("\x80"))
    return "is a Python pickle, but not one that torch.save wrote; a pickle is a program, and none "
           "is run here";
  if (is_utf8(bytes.substr(0, 64)))
    return "is text, not a file of weights (safetensors, .pth, .npy, .npz)";
  return "is in none of the formats that are read (safetensors, .pth, .npy, .npz)";
}

WeightsFile from_safetensors(const std::filesystem::path& path) {
  SafeTensors content = read_safetensors(path);
  return {"safetensors", std::move(content.tensors), std::move(content.metadata), {}};
}

WeightsFile read_npz(ZipArchive& archive) {
  WeightsFile result{"npz", {}, {}, {}};
  for (const ZipEntry& entry : archive.entries()) {
    std::string name(entry.name);
    if (!is_utf8(name)) fail(ErrorKind::data, archive.file(), ": an entry's name is not UTF-8");
    const std::string what = archive.file() + ": '" + name + "'";
    if (!name.ends_with(".npy"))
      fail(ErrorKind::data, what, ": expects an array (.npy) in an .npz archive");
    name.resize(name.size() - 4);
    const auto storage = archive.read(entry);
    result.tensors.push_back({name, read_npy(what, storage, entry.size)});
  }
  return result;
}

WeightsFile read_zip(const std::string& file, const std::shared_ptr<MappedFile>& mapped) {
  ZipArchive archive(file, mapped);
  if (is_pth(archive)) return read_pth(archive);
  for (const ZipEntry& entry : archive.entries())
    if (entry.name.ends_with(".npy")) return read_npz(archive);
  std::vector<std::string> names;
  for (const ZipEntry& entry : archive.entries())
    if (names.size() < 5 && is_utf8(entry.name)) names.emplace_back(entry.name);
  fail(ErrorKind::data, file, ": is a zip archive, but neither PyTorch's nor NumPy's",
       names.empty() ? " (it is empty)" : " (it has " + list_text(names) + ")");
}

/// NumPy's view of a tensor: on the CPU, bf16 as f32.
Tensor for_numpy(const Tensor& tensor) {
  const Tensor host = tensor.to(Device::cpu);
  return host.dtype() == DType::bf16 ? host.to(DType::f32) : host;
}

std::string_view bytes_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.raw()), size_t(tensor.bytes())};
}

void write_npy(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors) {
  LATHE_CHECK(tensors.size() == 1, path.string(), ": an .npy file holds one array, got ",
              tensors.size(), " tensors; .npz holds several");
  const Tensor host = for_numpy(tensors[0].tensor);
  AtomicFile file(path, host.bytes() + 128);
  file.write(npy_header(path.string(), host.dtype(), host.shape()));
  file.write(bytes_of(host));
  file.commit();
}

void write_npz(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors) {
  int64_t total = 0;
  for (const auto& [name, tensor] : tensors) total += tensor.bytes() + 500;
  AtomicFile file(path, total);
  ZipWriter zip(file);
  for (const auto& [name, tensor] : tensors) {
    const Tensor host = for_numpy(tensor);
    zip.add(name + ".npy", npy_header(path.string(), host.dtype(), host.shape()), bytes_of(host));
  }
  zip.finish();
  file.commit();
}

}  // namespace

WeightsFile read_weights(const std::filesystem::path& path) {
  const std::string file = path.string();
  const auto mapped = std::make_shared<MappedFile>(path);
  const std::string_view bytes = mapped->text();
  if (bytes.empty()) fail(ErrorKind::data, file, ": is empty");
  if (is_safetensors(path)) return from_safetensors(path);
  if (bytes.starts_with("PK\3\4") || bytes.starts_with("PK\5\6")) return read_zip(file, mapped);
  if (bytes.starts_with(legacy_pth_start)) return read_legacy_pth(file, mapped);
  if (bytes.starts_with("\x93NUMPY")) {
    const auto storage = std::make_shared<Storage>(mapped->bytes().data(), int64_t(bytes.size()),
                                                   Device::cpu, mapped);
    return {"npy", {{path.stem().string(), read_npy(file, storage, bytes.size())}}, {}, {}};
  }
  const std::string what = description(bytes);
  // A damaged safetensors file begins like nothing else; its own reader says what is wrong.
  if (path.extension() == ".safetensors" && what.starts_with("is in none"))
    return from_safetensors(path);
  fail(ErrorKind::data, file, ": ", what);
}

void write_weights(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::set<std::string_view> names;
  for (const StoredTensor& t : tensors)
    LATHE_CHECK(names.insert(t.name).second, path.string(), ": the tensor name '", t.name,
                "' is given twice");
  const std::string ending = path.extension().string();
  if (ending == ".safetensors") return write_safetensors(path, tensors, metadata);
  if (ending == ".pth" || ending == ".pt") return write_pth(path, tensors);
  if (ending == ".npy") return write_npy(path, tensors);
  if (ending == ".npz") return write_npz(path, tensors);
  fail(ErrorKind::usage, path.string(),
       ": its name must end with the format: .safetensors, .pth, .pt, .npy or .npz");
}

}  // namespace lathe
