#include "data/image_stats.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

#include "data/image/image.h"
#include "tensor/check.h"
#include "tensor/parallel.h"

namespace lathe {
namespace {

/// 64 bits hold the squares of 2^48 pixels.
struct Sums {
  std::array<uint64_t, 3> values = {}, squares = {};
  uint64_t pixels = 0;

  void add(const Image& image) {
    for (size_t i = 0; i < image.pixels.size(); i += 3)
      for (size_t c = 0; c < 3; ++c) {
        const uint64_t value = image.pixels[i + c];
        values[c] += value;
        squares[c] += value * value;
      }
    pixels += uint64_t(image.width * image.height);
  }
  void add(const Sums& other) {
    for (size_t c = 0; c < 3; ++c) {
      values[c] += other.values[c];
      squares[c] += other.squares[c];
    }
    pixels += other.pixels;
  }
};

/// One image, or why there is none.
struct Seen {
  int64_t width = 0, height = 0;
  std::string why_not;
};

Spread spread_of(std::vector<int64_t> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  const double upper = double(values[half]);
  return {values.front(), values.back(),
          values.size() % 2 ? upper : (double(values[half - 1]) + upper) / 2};
}

}  // namespace

ImageStats image_stats(const ImageList& list) {
  std::vector<Seen> seen(list.items.size());
  Sums sums;
  std::mutex mutex;
  parallel_for(0, int64_t(seen.size()), 1, [&](int64_t begin, int64_t end) {
    Sums part;
    for (int64_t i = begin; i < end; ++i) try {
        const Image image = read_image(list.items[size_t(i)].path);
        seen[size_t(i)] = {image.width, image.height, ""};
        part.add(image);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::data) throw;
        seen[size_t(i)].why_not = e.what();
      }
    std::lock_guard lock(mutex);
    sums.add(part);
  });

  ImageStats stats;
  for (const std::string& name : list.classes) stats.classes.push_back({name});
  std::set<std::string> groups;
  std::vector<int64_t> widths, heights;
  for (size_t i = 0; i < seen.size(); ++i) {
    const ImageItem& item = list.items[i];
    if (!seen[i].why_not.empty()) {
      stats.bad.push_back({item.path, seen[i].why_not});
      continue;
    }
    ++stats.images;
    if (item.label >= 0) ++stats.classes[size_t(item.label)].images;
    if (!item.group.empty()) groups.insert(item.group);
    widths.push_back(seen[i].width);
    heights.push_back(seen[i].height);
  }
  for (ImageStats::Class& one : stats.classes)
    one.share = stats.images ? double(one.images) / double(stats.images) : 0;
  stats.groups = int64_t(groups.size());
  stats.width = spread_of(widths), stats.height = spread_of(heights);
  for (size_t c = 0; c < 3 && sums.pixels > 0; ++c) {
    const auto count = static_cast<long double>(sums.pixels);
    const long double mean = sums.values[c] / count;
    const long double variance = sums.squares[c] / count - mean * mean;
    stats.mean[c] = double(mean / 255);
    stats.deviation[c] = double(std::sqrt(std::max(variance, 0.0L)) / 255);
  }
  return stats;
}

}  // namespace lathe
