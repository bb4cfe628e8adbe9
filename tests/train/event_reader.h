// TensorBoard's event files, read for tests without anything of what writes them: framing, CRC-32C
// bit by bit, and as much of protocol buffers' wire format as there is in them.
#pragma once

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support.h"

namespace lathe::tests {

struct EventRead {
  double wall_time = 0;
  int64_t step = 0;
  std::string version, tag, image, histogram;  ///< the last two as bytes of their messages
  double value = NAN;
};

inline uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (char c : bytes) {
    crc ^= uint8_t(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
  }
  return ~crc;
}

inline uint64_t varint(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = uint8_t(bytes.at(at++));
    value |= uint64_t(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

/// The fields of a message in order: a number and the bytes of its value; a varint's as 8 bytes.
inline std::vector<std::pair<uint64_t, std::string>> fields(const std::string& message) {
  std::vector<std::pair<uint64_t, std::string>> all;
  for (size_t at = 0; at < message.size();) {
    const uint64_t key = varint(message, at);
    uint64_t number = 0;
    size_t length = key % 8 == 1 ? 8 : 4;
    if (key % 8 == 0) {
      number = varint(message, at);
      all.emplace_back(key / 8, std::string(reinterpret_cast<char*>(&number), 8));
      continue;
    }
    if (key % 8 == 2) length = varint(message, at);
    REQUIRE(at + length <= message.size());
    all.emplace_back(key / 8, message.substr(at, length));
    at += length;
  }
  return all;
}

template <class T>
T number_of(const std::string& bytes) {
  T value{};
  REQUIRE(bytes.size() == sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

inline EventRead event_of(const std::string& message) {
  EventRead event;
  for (const auto& [field, bytes] : fields(message)) {
    if (field == 1) event.wall_time = number_of<double>(bytes);
    if (field == 2) event.step = number_of<int64_t>(bytes);
    if (field == 3) event.version = bytes;
    if (field != 5) continue;
    for (const auto& summary : fields(bytes))
      for (const auto& [part, value] : fields(summary.second)) {
        if (part == 1) event.tag = value;
        if (part == 2) event.value = double(number_of<float>(value));
        if (part == 4) event.image = value;
        if (part == 5) event.histogram = value;
      }
  }
  return event;
}

/// All events of a file, whose checksums are checked; a record that was cut off ends it.
inline std::vector<EventRead> read_events(const std::filesystem::path& file) {
  const std::string bytes = bytes_of(file);
  std::vector<EventRead> events;
  auto masked = [](const std::string& part) {
    const uint32_t crc = crc32c(part);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
  };
  for (size_t at = 0; at + 16 <= bytes.size();) {
    const std::string length = bytes.substr(at, 8);
    const auto size = number_of<uint64_t>(length);
    if (at + 16 + size > bytes.size()) break;
    const std::string data = bytes.substr(at + 12, size);
    CHECK_EQ(number_of<uint32_t>(bytes.substr(at + 8, 4)), masked(length));
    CHECK_EQ(number_of<uint32_t>(bytes.substr(at + 12 + size, 4)), masked(data));
    events.push_back(event_of(data));
    at += 16 + size;
  }
  return events;
}

/// The files of a folder in the order of their names.
inline std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry);
  std::sort(files.begin(), files.end());
  return files;
}

/// The scalars of all files of a folder: tag -> steps and values in their order.
inline std::map<std::string, std::vector<std::pair<int64_t, double>>> read_scalars(
    const std::filesystem::path& folder) {
  std::map<std::string, std::vector<std::pair<int64_t, double>>> all;
  for (const auto& file : files_of(folder))
    for (const EventRead& event : read_events(file))
      if (!std::isnan(event.value)) all[event.tag].emplace_back(event.step, event.value);
  return all;
}

}  // namespace lathe::tests
