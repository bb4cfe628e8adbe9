#include "data/images.h"

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

Image ImageDataset::decoded(int64_t index) const {
  if (options_.cache_bytes == 0) return read_image(item(index).path);
  std::shared_ptr<const Image>& slot = cache_[size_t(index)];
  std::shared_ptr<const Image> known;
  {
    std::lock_guard lock(mutex_);
    known = slot;
  }
  if (known) return *known;
  Image image = read_image(item(index).path);
  const int64_t bytes = int64_t(image.pixels.size());
  std::lock_guard lock(mutex_);
  if (!slot && cached_bytes_ + bytes <= options_.cache_bytes) {
    slot = std::make_shared<const Image>(image);
    cached_bytes_ += bytes;
  }
  return image;
}

Image ImageDataset::pixels(int64_t index, uint32_t epoch) const {
  Image image = decoded(index);
  try {
    image = pipeline_.pixels(std::move(image), {options_.seed, epoch, uint32_t(index)});
  } catch (const Error& e) {
    fail(ErrorKind::data, item(index).path, ": ", e.what());
  }
  if (shape_.rank() != 0 && (image.height != shape_[0] || image.width != shape_[1]))
    fail(ErrorKind::data, item(index).path, ": is ", image.width, " x ", image.height,
         " after its transforms, the first image is ", shape_[1], " x ", shape_[0],
         "; end them with a Resize of [height, width] or a crop");
  return image;
}

void ImageDataset::fill(int64_t index, uint32_t epoch, void* to) const {
  const Image image = pixels(index, epoch);
  if (options_.dtype == DType::f32) return pipeline_.scale().apply(image, static_cast<float*>(to));
  pipeline_.scale().apply(image, static_cast<double*>(to));
}

}  // namespace lathe
