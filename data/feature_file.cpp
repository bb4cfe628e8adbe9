#include "data/feature_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tensor/check.h"
#include "tensor/parallel.h"
#include "tensor/serialize/npy.h"

namespace lathe {
namespace {

std::string safetensors_beginning(const FeatureFileLayout& layout) {
  const int64_t label_bytes = layout.rows * 8;
  std::vector<int64_t> shape = {layout.rows};
  shape.insert(shape.end(), layout.row.begin(), layout.row.end());
  const char* const type = layout.dtype == DType::f16   ? "F16"
                           : layout.dtype == DType::f32 ? "F32"
                                                        : "F64";
  nlohmann::ordered_json header;
  header["__metadata__"] = layout.metadata;
  header["labels"] = {
      {"dtype", "I64"}, {"shape", {layout.rows}}, {"data_offsets", {0, label_bytes}}};
  header["features"] = {{"dtype", type},
                        {"shape", shape},
                        {"data_offsets", {label_bytes, label_bytes + layout.bytes()}}};
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string all(reinterpret_cast<const char*>(&length), 8);  // little-endian, as this machine is
  all += text;
  all.append(reinterpret_cast<const char*>(layout.labels.data()), size_t(label_bytes));
  return all;
}
static_assert(std::endian::native == std::endian::little);

/// A row from (H, W, C), or from (F), to the file's order and type; whether all of it is finite.
template <class From, class To>
bool convert_row(const From* from, const Shape& row, To* to) {
  const int64_t channels = row[0], pixels = row.numel() / channels;
  bool finite = true;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t p = 0; p < pixels; ++p) {
      const To value = To(from[p * channels + c]);
      finite &= std::isfinite(double(value));
      to[c * pixels + p] = value;
    }
  return finite;
}

}  // namespace

std::string FeatureWriter::beginning() const {
  if (target_.extension() == ".safetensors") return safetensors_beginning(layout_);
  LATHE_CHECK(target_.extension() == ".npy", target_.string(),
              ": expects a file .safetensors or .npy");
  std::vector<int64_t> shape = {layout_.rows};
  shape.insert(shape.end(), layout_.row.begin(), layout_.row.end());
  return npy_header(target_.string(), layout_.dtype, Shape(shape));
}

FeatureWriter::FeatureWriter(const std::filesystem::path& target, const FeatureFileLayout& layout)
    : target_(target), partial_(target.string() + ".partial"), layout_(layout) {
  const std::string start_text = beginning();
  begin_ = int64_t(start_text.size());
  file_ = open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0)
    fail(ErrorKind::device, partial_.string(), ": cannot be written: ", std::strerror(errno));
  if (target_.extension() == ".npy" && ftruncate(file_, 0) != 0)
    fail(ErrorKind::device, partial_.string(), ": cannot be written: ", std::strerror(errno));
  struct stat status {};
  fstat(file_, &status);
  if (status.st_size < begin_) {  // new, or stopped before the first row
    write(start_text.data(), begin_, 0);
    keep(0);
    return;
  }
  std::string there(start_text.size(), 0);
  if (pread(file_, there.data(), there.size(), 0) != ssize_t(there.size()) || there != start_text) {
    close(file_);
    fail(ErrorKind::data, partial_.string(),
         ": holds the beginning of other features (other images, layer, weights or type); remove "
         "it");
  }
  rows_ = std::min(layout_.rows, (status.st_size - begin_) / row_bytes());
}

FeatureWriter::~FeatureWriter() {
  if (file_ >= 0) close(file_);
}

void FeatureWriter::write(const void* data, int64_t bytes, int64_t at) {
  for (int64_t done = 0; done < bytes;) {
    const ssize_t n =
        pwrite(file_, static_cast<const char*>(data) + done, size_t(bytes - done), at + done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      fail(ErrorKind::device, partial_.string(), ": cannot be written after ", rows_, " of ",
           layout_.rows, " rows: ", std::strerror(n < 0 ? errno : ENOSPC), "; ", layout_.bytes(),
           " bytes are needed. The same command goes on from there");
    done += n;
  }
}

void FeatureWriter::keep(int64_t rows) {
  rows_ = std::min(rows_, rows);
  if (ftruncate(file_, begin_ + rows_ * row_bytes()) != 0)
    fail(ErrorKind::device, partial_.string(), ": cannot be written: ", std::strerror(errno));
}

void FeatureWriter::append(const Tensor& rows) {
  const Tensor x = rows.to(Device::cpu);
  const int64_t count = x.dim(0), numbers = layout_.row.numel();
  LATHE_CHECK(x.numel() == count * numbers && rows_ + count <= layout_.rows,
              "features: expects rows of ", layout_.row, ", got ", x.shape());
  std::vector<std::byte> bytes(size_t(count * row_bytes()));
  dispatch_float("features", x.dtype(), [&]<class From>() {
    const auto convert = [&]<class To>(To* to) {
      parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          if (!convert_row(x.data<From>() + i * numbers, layout_.row, to + i * numbers))
            fail(ErrorKind::numeric, target_.string(), ": row ", rows_ + i, " is not finite",
                 layout_.dtype == DType::f16 ? ", or too large for f16: use --dtype f32" : "");
      });
    };
    if (layout_.dtype == DType::f16)
      convert(reinterpret_cast<f16*>(bytes.data()));
    else if (layout_.dtype == DType::f32)
      convert(reinterpret_cast<float*>(bytes.data()));
    else
      convert(reinterpret_cast<double*>(bytes.data()));
  });
  write(bytes.data(), int64_t(bytes.size()), begin_ + rows_ * row_bytes());
  rows_ += count;
}

void FeatureWriter::finish() {
  LATHE_CHECK(rows_ == layout_.rows, "features: expects ", layout_.rows, " rows, got ", rows_);
  if (fsync(file_) != 0)
    fail(ErrorKind::device, partial_.string(), ": cannot be written: ", std::strerror(errno));
  close(file_);
  file_ = -1;
  std::filesystem::rename(partial_, target_);
}

}  // namespace lathe
