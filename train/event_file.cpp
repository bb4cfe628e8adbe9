#include "train/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "tensor/check.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

const std::string name_start = "events.out.tfevents.";

// Fields of TensorFlow's event.proto and summary.proto.
enum Event { wall_time = 1, step_number = 2, file_version = 3, summary_of_event = 5 };
enum Summary { value_of_summary = 1 };
enum Value { tag_of_value = 1, simple_value = 2, image_of_value = 4, histogram_of_value = 5 };
enum ImageFields { height = 1, width = 2, colorspace = 3, encoded_image = 4 };
enum Histogram { least = 1, most = 2, count = 3, sum = 4, sum_squares = 5, limits = 6, counts = 7 };

/// The folder's event files in the order of their names, which is that of time.
std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing))
    if (entry.path().filename().string().starts_with(name_start)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string host_name() {
  char name[256] = "localhost";
  gethostname(name, sizeof name - 1);
  std::string text = name;
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

/// Seconds since 1970, or more where a file of the folder bears a later name.
int64_t seconds_behind(const fs::path& folder) {
  int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
  for (const fs::path& file : event_files(folder)) {
    const std::string name = file.filename().string().substr(name_start.size());
    now = std::max<int64_t>(now, std::strtoll(name.c_str(), nullptr, 10) + 1);
  }
  return now;
}

void append_number(std::string& to, auto number) {  // little-endian, as this machine's
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// The data of the record that begins here, and moves on behind it; none where it is cut off or
/// damaged.
std::optional<std::string_view> next_record(std::string_view& file) {
  uint64_t length = 0;
  if (file.size() < 16) return std::nullopt;
  std::memcpy(&length, file.data(), 8);
  if (length > file.size() - 16) return std::nullopt;
  uint32_t crcs[2];
  std::memcpy(&crcs[0], file.data() + 8, 4);
  std::memcpy(&crcs[1], file.data() + 12 + length, 4);
  const std::string_view data = file.substr(12, length);
  if (crcs[0] != masked_crc(file.substr(0, 8)) || crcs[1] != masked_crc(data)) return std::nullopt;
  file.remove_prefix(16 + length);
  return data;
}

/// Whether an event is of a step or an epoch that is done at a moment.
bool is_before(std::string_view event, int64_t steps, int64_t epochs) {
  int64_t step = 0;
  bool of_step = false;
  protozero::pbf_reader reader(event.data(), event.size());
  while (reader.next()) {
    if (reader.tag() == Event::step_number) {
      step = reader.get_int64();
    } else if (reader.tag() == Event::summary_of_event) {
      protozero::pbf_reader summary = reader.get_message();
      while (summary.next(Summary::value_of_summary)) {
        protozero::pbf_reader value = summary.get_message();
        while (value.next(Value::tag_of_value)) of_step |= value.get_string() == step_loss_tag;
      }
    } else {
      reader.skip();
    }
  }
  return step <= (of_step ? steps : epochs);
}

}  // namespace

std::string scalar_tag(const std::string& column) {
  for (const std::string split : {"train", "valid"})
    if (column.starts_with(split + "_")) return column.substr(split.size() + 1) + "/" + split;
  return column;
}

uint32_t masked_crc(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return ((crc.checksum() >> 15) | (crc.checksum() << 17)) + 0xa282ead8;
}

EventFile::EventFile(const fs::path& folder) {
  static int number = 0;
  std::error_code error;
  fs::create_directories(folder, error);
  path_ = folder / fmt::format("{}{:010}.{}.{}.{}", name_start, seconds_behind(folder), host_name(),
                               getpid(), number++);
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0)
    fail(errno == ENOSPC ? ErrorKind::device : ErrorKind::data, path_.string(),
         ": cannot make this file: ", std::strerror(errno));
  event_.clear();
  protozero::pbf_writer event(event_);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  event.add_double(Event::wall_time, std::chrono::duration<double>(now).count());
  event.add_string(Event::file_version, "brain.Event:2");
  write_record();
}

EventFile::~EventFile() {
  if (file_ >= 0) ::close(file_);
}

template <class F>
void EventFile::summary(std::string_view tag, int64_t step, const F& write_value) {
  event_.clear();
  protozero::pbf_writer event(event_);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  event.add_double(Event::wall_time, std::chrono::duration<double>(now).count());
  event.add_int64(Event::step_number, step);
  {
    protozero::pbf_writer summary(event, Event::summary_of_event);
    protozero::pbf_writer value(summary, Summary::value_of_summary);
    value.add_string(Value::tag_of_value, tag.data(), tag.size());
    write_value(value);
  }
  write_record();
}

void EventFile::write_record() {
  record_.clear();
  append_number(record_, uint64_t(event_.size()));
  append_number(record_, masked_crc(record_));
  record_ += event_;
  append_number(record_, masked_crc(event_));
  // One call, so that a kill leaves all of it or nothing.
  if (::write(file_, record_.data(), record_.size()) != ssize_t(record_.size()))
    fail(ErrorKind::device, path_.string(), ": cannot write a record: ", std::strerror(errno));
}

void EventFile::scalar(std::string_view tag, int64_t step, double value) {
  if (std::isnan(value)) return;
  summary(tag, step, [&](auto& to) { to.add_float(Value::simple_value, float(value)); });
}

void EventFile::image(std::string_view tag, int64_t step, const Image& image) {
  const std::vector<std::byte> png = encode_png(image);
  summary(tag, step, [&](auto& to) {
    protozero::pbf_writer fields(to, Value::image_of_value);
    fields.add_int32(ImageFields::height, int32_t(image.height));
    fields.add_int32(ImageFields::width, int32_t(image.width));
    fields.add_int32(ImageFields::colorspace, 3);  // RGB
    fields.add_bytes(ImageFields::encoded_image, reinterpret_cast<const char*>(png.data()),
                     png.size());
  });
}

void EventFile::histogram(std::string_view tag, int64_t step, const std::vector<double>& values) {
  constexpr int buckets = 30;
  if (values.empty() ||
      !std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }))
    return;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double range = *high > *low ? *high - *low : 1;
  if (!std::isfinite(range)) return;
  std::vector<double> ends, in_bucket(buckets);
  for (int i = 1; i <= buckets; ++i) ends.push_back(*low + i * (range / buckets));
  double total = 0, squares = 0;
  for (double value : values) {
    total += value;
    squares += value * value;
    ++in_bucket[size_t(std::min(buckets - 1, int((value - *low) / range * buckets)))];
  }
  summary(tag, step, [&](auto& to) {
    protozero::pbf_writer fields(to, Value::histogram_of_value);
    fields.add_double(Histogram::least, *low);
    fields.add_double(Histogram::most, *high);
    fields.add_double(Histogram::count, double(values.size()));
    fields.add_double(Histogram::sum, total);
    fields.add_double(Histogram::sum_squares, squares);
    fields.add_packed_double(Histogram::limits, ends.begin(), ends.end());
    fields.add_packed_double(Histogram::counts, in_bucket.begin(), in_bucket.end());
  });
}

void cut_events(const fs::path& folder, int64_t steps, int64_t epochs) {
  for (const fs::path& path : event_files(folder)) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::string_view rest = bytes;
    size_t kept = 0;
    try {
      for (auto event = next_record(rest); event && is_before(*event, steps, epochs);
           event = next_record(rest))
        kept = bytes.size() - rest.size();
    } catch (const protozero::exception&) {
      // No event: as a damaged record, it and what follows go.
    }
    if (kept > 0 && kept < bytes.size()) fs::resize_file(path, kept);
  }
}

void remove_events(const fs::path& folder) {
  std::error_code missing;
  for (const fs::path& file : event_files(folder)) fs::remove(file, missing);
}

}  // namespace lathe
