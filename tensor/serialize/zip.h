// Zip archives, which is what .pth and .npz files are. The reader maps the file and gives parts of
// it; the directory's every statement is checked against the file: offsets, sizes, names that are
// given twice, entries that overlap. The writer stores entries without compression, each with its
// first byte at a multiple of 64, always with the 64-bit records so that size makes no difference.
// Layout: PKWARE's APPNOTE.TXT, 4.3 to 4.5.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/serialize/file.h"
#include "tensor/storage.h"

namespace lathe {

struct ZipEntry {
  std::string_view name;
  uint64_t header = 0;            ///< where its local header begins
  uint64_t offset = 0;            ///< where its bytes begin
  uint64_t packed = 0, size = 0;  ///< bytes in the file, and when unpacked
  uint32_t crc = 0;
  bool deflated = false;
};

class ZipArchive {
 public:
  /// Throws Error(data) that begins with the file's name for what is no sound archive.
  ZipArchive(std::string file, std::shared_ptr<const MappedFile> mapped);

  const std::string& file() const { return file_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// Null when there is none of that name.
  const ZipEntry* find(std::string_view name) const;
  /// An entry's bytes: the mapped file's own, or inflated into memory, with their checksum checked.
  /// All that an archive inflates is at most 16 MB, or 100 times its size: more is taken for a
  /// bomb.
  std::shared_ptr<Storage> read(const ZipEntry& entry);

 private:
  struct Directory {
    uint64_t offset, size, count;
  };
  Directory find_directory() const;
  void read_directory(const Directory& directory);
  void locate(ZipEntry& entry, uint64_t end) const;
  void refuse_overlaps();
  std::shared_ptr<Storage> inflated(const ZipEntry& entry);

  std::string file_;
  std::shared_ptr<const MappedFile> mapped_;
  std::string_view bytes_;
  std::vector<ZipEntry> entries_;  // in the directory's order
  std::vector<uint32_t> by_name_;
  uint64_t inflated_ = 0;
};

class ZipWriter {
 public:
  explicit ZipWriter(AtomicFile& file) : file_(file) {}
  /// An entry made of two parts (a header and elements, or one of them empty).
  void add(const std::string& name, std::string_view head, std::string_view body = {});
  /// Writes the directory; the file is complete then.
  void finish();

 private:
  struct Written {
    std::string name;
    uint64_t header, size;
    uint32_t crc;
  };
  void put(std::string_view bytes);

  AtomicFile& file_;
  uint64_t at_ = 0;
  std::vector<Written> written_;
};

}  // namespace lathe
