#include "data/images.h"

#include <algorithm>
#include <utility>

#include "data/image/reused_memory.h"
#include "tensor/check.h"
#include "tensor/parallel.h"

namespace lathe {

ImageDataset::ImageDataset(ImageList list, Pipeline pipeline, const ImageDatasetOptions& options)
    : list_(std::move(list)), pipeline_(std::move(pipeline)), options_(options) {
  if (options_.skip_damaged) leave_out_damaged();
  if (list_.items.empty())
    fail(ErrorKind::data, "data: there is no image",
         skipped_.empty() ? "" : " that could be read; the first: " + skipped_[0]);
  if (options_.cache_bytes > 0) cache_.resize(list_.items.size());
  const Image first = pixels(0, 0);
  shape_ = Shape({first.height, first.width, 3});
}

void ImageDataset::leave_out_damaged() {
  std::vector<std::string> reasons(list_.items.size());
  parallel_for(0, size(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) try {
        read_image(item(i).path);
      } catch (const Error& e) {
        reasons[size_t(i)] = e.what();
      }
  });
  std::vector<ImageItem> good;
  for (size_t i = 0; i < reasons.size(); ++i)
    if (reasons[i].empty())
      good.push_back(std::move(list_.items[i]));
    else
      skipped_.push_back(reasons[i]);
  list_.items = std::move(good);
}

Image ImageDataset::read(int64_t index) const {
  try {
    return read_image(item(index).path);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::data) throw;
    fail(ErrorKind::data, e.what(), "; data.on_error = \"skip\" leaves out what cannot be read");
  }
}

Image ImageDataset::decoded(int64_t index) const {
  if (options_.cache_bytes == 0) return read(index);
  std::shared_ptr<const Image>& slot = cache_[size_t(index)];
  std::shared_ptr<const Image> known;
  {
    std::lock_guard lock(mutex_);
    known = slot;
  }
  if (known) return *known;
  Image image = read(index);
  const int64_t bytes = int64_t(image.pixels.size());
  std::lock_guard lock(mutex_);
  if (!slot && cached_bytes_ + bytes <= options_.cache_bytes) {
    slot = std::make_shared<const Image>(image);
    cached_bytes_ += bytes;
  }
  return image;
}

namespace {

/// `shape`: of the first image, without dimensions for that itself.
Image transformed_image(const Pipeline& pipeline, Image image, const SampleKey& key,
                        const Shape& shape, const std::string& name) {
  try {
    image = pipeline.pixels(std::move(image), key);
  } catch (const Error& e) {
    fail(ErrorKind::data, name, ": ", e.what());
  }
  if (shape.rank() != 0 && (image.height != shape[0] || image.width != shape[1]))
    fail(ErrorKind::data, name, ": is ", image.width, " x ", image.height,
         " after its transforms, the first image is ", shape[1], " x ", shape[0],
         "; end them with a Resize of [height, width] or a crop");
  return image;
}

void write_numbers(const PixelScale& scale, const Image& image, DType dtype, void* to) {
  if (dtype == DType::f32) return scale.apply(image, static_cast<float*>(to));
  scale.apply(image, static_cast<double*>(to));
}

}  // namespace

Image ImageDataset::pixels(int64_t index, uint32_t epoch) const {
  return transformed_image(pipeline_, decoded(index), {options_.seed, epoch, uint32_t(index)},
                           shape_, item(index).path);
}

void ImageDataset::fill(int64_t index, uint32_t epoch, void* to) const {
  write_numbers(pipeline_.scale(), pixels(index, epoch), options_.dtype, to);
}

PixelDataset::PixelDataset(Tensor pixels, Pipeline pipeline, std::string name,
                           const ImageDatasetOptions& options)
    : pixels_(std::move(pixels)),
      pipeline_(std::move(pipeline)),
      name_(std::move(name)),
      dtype_(options.dtype),
      seed_(options.seed) {
  const Image first = transformed(0, 0);
  shape_ = Shape({first.height, first.width, 3});
}

Image PixelDataset::transformed(int64_t index, uint32_t epoch) const {
  Image image(pixels_.dim(2), pixels_.dim(1));
  std::copy_n(pixels_.data<uint8_t>() + index * int64_t(image.pixels.size()), image.pixels.size(),
              image.pixels.data());
  return transformed_image(pipeline_, std::move(image), {seed_, epoch, uint32_t(index)}, shape_,
                           name_);
}

void PixelDataset::fill(int64_t index, uint32_t epoch, void* to) const {
  write_numbers(pipeline_.scale(), transformed(index, epoch), dtype_, to);
}

}  // namespace lathe
