// What TensorBoard shows of a run: files events.out.tfevents.* of records, each an Event in
// protocol buffers' wire format between its length and checksums. A record is written whole and at
// once, so that TensorBoard can watch a run while it goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/image/image.h"

namespace lathe {

/// The one scalar whose step is a training step; that of all others is an epoch.
inline constexpr std::string_view step_loss_tag = "loss/step";

/// "loss/valid" of results.csv's valid_loss, "lr" of lr.
std::string scalar_tag(const std::string& column);

/// CRC-32C of bytes, turned and shifted so that a checksum of data that hold checksums is none of
/// theirs: ((crc >> 15) | (crc << 17)) + 0xa282ead8.
uint32_t masked_crc(std::string_view bytes);

class EventFile {
 public:
  /// Makes FOLDER/events.out.tfevents.<seconds since 1970>.<host>.<process>.<number>, whose name
  /// sorts behind those that are there: TensorBoard reads them in that order.
  explicit EventFile(const std::filesystem::path& folder);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// A value as f32; nothing for NaN, which is what was not measured. Allocates nothing once it has
  /// been called. All of these throw Error(device) when the file cannot be written.
  void scalar(std::string_view tag, int64_t step, double value);
  /// The image as PNG.
  void image(std::string_view tag, int64_t step, const Image& image);
  /// How values are spread, in 30 buckets of one width; nothing for none or any that is not finite.
  void histogram(std::string_view tag, int64_t step, const std::vector<double>& values);

 private:
  template <class F>
  void summary(std::string_view tag, int64_t step, const F& write_value);
  void write_record();

  std::filesystem::path path_;
  int file_ = -1;
  std::string event_, record_;
};

/// Cuts off what a folder's event files have behind a moment of training, and what a kill left of a
/// record: before a run goes on from there. No files are fine.
void cut_events(const std::filesystem::path& folder, int64_t steps, int64_t epochs);
/// Removes the event files of a folder, and no others.
void remove_events(const std::filesystem::path& folder);

}  // namespace lathe
