// Files as readers and writers of formats need them: a whole file mapped into memory, and a file
// that appears under its name only when it is complete and on the disk, so that a crash, a kill or
// a full disk leaves the old one as it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace lathe {

/// The bytes of a file, mapped. Writing to them changes this copy alone, never the file.
class MappedFile {
 public:
  /// Throws Error(data) when there is no such file, when it is a folder, or when it cannot be read.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  /// Tells the system that the file is read once from front to back.
  void expect_sequential_reads() const;

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// A file in the making: written beside its target under the name `.NAME.tmp`, and renamed over the
/// target by commit(). One that is destroyed without a commit leaves nothing. A target that is a
/// link stays one: the file that it names is replaced. What exists and is no regular file (a pipe,
/// a device) is written directly. A full disk (or quota, or limit on file sizes) throws
/// Error(device) that names the bytes needed.
class AtomicFile {
 public:
  /// `expected_bytes`, where known, is what the message about a full disk says. Throws Error(usage)
  /// when the folder cannot be written to or another process is writing the same file.
  explicit AtomicFile(std::filesystem::path target, int64_t expected_bytes = 0);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Waits until the bytes are on the disk, renames, and waits for the folder's entry too.
  void commit();

 private:
  void open_direct();
  void open_temporary();
  [[noreturn]] void fail_with(int error, const char* action) const;

  std::filesystem::path named_, target_, temporary_;  // what the caller said; its file
  int64_t expected_bytes_, written_ = 0;
  int file_ = -1;
  bool direct_ = false;  // no temporary file
};

/// Replaces the file, or makes it, so that it holds exactly this text.
void atomic_write(const std::filesystem::path& path, std::string_view text);

}  // namespace lathe
