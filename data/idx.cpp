#include "data/idx.h"

#include <zlib.h>

#include <algorithm>

namespace lathe {
namespace {

constexpr uint64_t most_from_a_byte = 1032;  // deflate's best ratio: what a gzip file may become

/// zlib's reader, which passes plain files through.
class GzipFile {
 public:
  explicit GzipFile(const std::filesystem::path& path) : name_(path.string()) {
    if (std::filesystem::is_directory(path))
      fail(ErrorKind::data, name_, ": expects a file, this is a folder");
    if (!std::filesystem::exists(path)) fail(ErrorKind::data, name_, ": there is no such file");
    file_ = gzopen(name_.c_str(), "rb");
    if (!file_) fail(ErrorKind::data, name_, ": cannot be opened");
    gzbuffer(file_, 1 << 17);
    const uint64_t size = std::filesystem::file_size(path);
    most_bytes_ = gzdirect(file_) ? size : size * most_from_a_byte;
  }
  ~GzipFile() { gzclose(file_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  uint64_t most_bytes() const { return most_bytes_; }  ///< that the file can hold, inflated

  /// Reads up to so many bytes; fewer at the end of the file.
  uint64_t read(void* to, uint64_t bytes) {
    uint64_t done = 0;
    while (done < bytes) {
      const int got = gzread(file_, static_cast<char*>(to) + done,
                             unsigned(std::min<uint64_t>(bytes - done, 1 << 30)));
      int code = Z_OK;
      const char* const message = gzerror(file_, &code);
      if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
        fail(ErrorKind::data, name_, ": damaged or cut gzip data after byte ", position_ + done,
             " (", code == Z_BUF_ERROR ? "the end is missing" : message, ")");
      if (got == 0) break;
      done += uint64_t(got);
    }
    position_ += done;
    return done;
  }

 private:
  std::string name_;
  gzFile file_ = nullptr;
  uint64_t most_bytes_ = 0, position_ = 0;
};

/// The extents that follow the magic number.
Shape read_shape(GzipFile& file, const std::string& name) {
  uint8_t magic[4], bytes[4];
  if (file.read(magic, 4) != 4 || magic[0] != 0 || magic[1] != 0)
    fail(ErrorKind::data, name,
         ": byte 0: this is not an IDX file, which begins with two zero bytes");
  if (magic[2] != 8)
    fail(ErrorKind::data, name, ": byte 2: expects the type 8 (unsigned bytes), has ",
         int(magic[2]));
  if (magic[3] < 1 || magic[3] > 4)
    fail(ErrorKind::data, name, ": byte 3: expects 1 to 4 dimensions, has ", int(magic[3]));
  std::vector<int64_t> extents;
  uint64_t elements = 1;
  for (int i = 0; i < magic[3]; ++i) {
    if (file.read(bytes, 4) != 4) fail(ErrorKind::data, name, ": the file ends inside its header");
    const uint64_t extent = uint64_t(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    if (extent != 0 && elements > file.most_bytes() / extent)
      fail(ErrorKind::data, name, ": byte ", 4 + 4 * i,
           ": the extents of the header ask for more "
           "bytes than the file can hold");
    elements *= extent;
    extents.push_back(int64_t(extent));
  }
  return Shape(extents);
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  const std::string name = path.string();
  GzipFile file(path);
  const Shape shape = read_shape(file, name);
  Tensor data = Tensor::empty(shape, DType::u8);
  const uint64_t got = file.read(data.raw(), uint64_t(shape.numel()));
  if (got != uint64_t(shape.numel()))
    fail(ErrorKind::data, name, ": expects ", shape.numel(), " bytes for the shape ", shape,
         ", the file ends after ", got);
  char more;
  if (file.read(&more, 1) != 0)
    fail(ErrorKind::data, name, ": bytes follow behind the ", shape.numel(), " of the shape ",
         shape);
  return data;
}

IdxDataset::IdxDataset(const std::filesystem::path& images, const std::filesystem::path& labels,
                       DType dtype)
    : images_(read_idx(images)), dtype_(dtype) {
  if (images_.rank() != 3)
    fail(ErrorKind::data, images.string(), ": expects images (N, height, width), has shape ",
         images_.shape());
  if (images_.dim(0) == 0) fail(ErrorKind::data, images.string(), ": holds no images");
  if (labels.empty()) return;
  labels_ = read_idx(labels);
  if (labels_.rank() != 1)
    fail(ErrorKind::data, labels.string(), ": expects labels (N), has shape ", labels_.shape());
  if (images_.dim(0) != labels_.dim(0))
    fail(ErrorKind::data, labels.string(), ": has ", labels_.dim(0), " labels for the ",
         images_.dim(0), " images of ", images.string());
  const uint8_t* const label = labels_.data<uint8_t>();
  const int classes = 1 + *std::max_element(label, label + size());
  for (int i = 0; i < classes; ++i) class_names_.push_back(std::to_string(i));
}

void IdxDataset::fill(int64_t index, uint32_t, void* to) const {
  const int64_t pixels = images_.dim(1) * images_.dim(2);
  const uint8_t* const from = images_.data<uint8_t>() + index * pixels;
  dispatch_float("idx", dtype_, [&]<class T>() {
    T* const values = static_cast<T*>(to);
    for (int64_t i = 0; i < pixels; ++i) values[i] = T(from[i]) / T(255);
  });
}

}  // namespace lathe
