#include "tensor/serialize/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tensor/check.h"

namespace lathe {
namespace {

/// Closes a descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int file) : file_(file) {}
  ~Descriptor() {
    if (file_ >= 0) close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return file_; }

 private:
  int file_;
};

std::string text_of(int error) {
  return error == ENOENT ? "there is no such file" : std::strerror(error);
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// The path that a chain of links ends at, which need not exist; long chains are as they are.
std::filesystem::path without_links(std::filesystem::path path) {
  std::error_code none;
  for (int i = 0; i < 40 && std::filesystem::is_symlink(path, none); ++i) {
    const std::filesystem::path next = std::filesystem::read_symlink(path, none);
    if (none) break;
    path = folder_of(path) / next;
  }
  return path;
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file < 0) fail(ErrorKind::data, path.string(), ": ", text_of(errno));
  struct stat info {};
  if (fstat(file, &info) != 0) fail(ErrorKind::data, path.string(), ": ", text_of(errno));
  if (!S_ISREG(info.st_mode))
    fail(ErrorKind::data, path.string(), ": expects a file, this is ",
         S_ISDIR(info.st_mode) ? "a folder" : "something else (a pipe or a device)");
  size_ = size_t(info.st_size);
  if (size_ == 0) return;  // nothing can be mapped
  void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  if (data == MAP_FAILED)
    fail(ErrorKind::data, path.string(), ": cannot be read: ", text_of(errno));
  data_ = static_cast<std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_) munmap(data_, size_);
}

void MappedFile::expect_sequential_reads() const {
  if (data_) madvise(data_, size_, MADV_SEQUENTIAL);
}

AtomicFile::AtomicFile(std::filesystem::path target, int64_t expected_bytes)
    : named_(std::move(target)),
      target_(without_links(named_)),
      temporary_(folder_of(target_) / ("." + target_.filename().string() + ".tmp")),
      expected_bytes_(expected_bytes) {
  std::error_code none;
  const auto status = std::filesystem::status(named_, none);
  LATHE_CHECK(named_.has_filename() && !std::filesystem::is_directory(status), named_.string(),
              ": cannot be written: it names a folder, not a file");
  direct_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  direct_ ? open_direct() : open_temporary();
}

void AtomicFile::open_direct() {
  file_ = open(named_.c_str(), O_WRONLY | O_CLOEXEC);
  if (file_ < 0) fail_with(errno, "cannot be written");
}

/// Opens the temporary file and locks it. One that a killed process left is taken over; one that
/// vanished between opening and locking was somebody's finished file, so another is made.
void AtomicFile::open_temporary() {
  for (;;) {
    file_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) fail_with(errno, "cannot be written");
    if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(std::exchange(file_, -1));
      fail(ErrorKind::usage, named_.string(), ": another process or thread is writing it");
    }
    struct stat opened {
    }, named{};
    if (fstat(file_, &opened) == 0 && stat(temporary_.c_str(), &named) == 0 &&
        same_file(opened, named))
      break;
    close(std::exchange(file_, -1));
  }
  if (ftruncate(file_, 0) == 0) return;
  const int error = errno;
  close(std::exchange(file_, -1));  // the destructor is not called for what a constructor throws
  fail_with(error, "cannot be written");
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  if (!direct_) unlink(temporary_.c_str());  // before the lock goes with the descriptor
  close(file_);
}

void AtomicFile::write(const void* data, size_t bytes) {
  const char* next = static_cast<const char*>(data);
  written_ += int64_t(bytes);
  while (bytes > 0) {
    const ssize_t done = ::write(file_, next, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_with(errno, "cannot be written");
    next += done;
    bytes -= size_t(done);
  }
}

void AtomicFile::commit() {
  if (direct_) {
    if (close(std::exchange(file_, -1)) != 0) fail_with(errno, "cannot be written");
    return;
  }
  if (fsync(file_) != 0) fail_with(errno, "cannot be brought to the disk");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail_with(errno, "cannot be replaced");
  close(std::exchange(file_, -1));
  const Descriptor folder(open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder (EINVAL); the file itself is safe by now.
  if (folder >= 0 && fsync(folder) != 0 && errno != EINVAL && errno != EROFS)
    fail_with(errno, "was written, but its folder cannot be brought to the disk");
}

void AtomicFile::fail_with(int error, const char* action) const {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    fail(ErrorKind::device, named_.string(), ": ", action, ": ", std::strerror(error), "; ",
         std::max(expected_bytes_, written_), " bytes are needed");
  const ErrorKind kind = error == EIO ? ErrorKind::device : ErrorKind::usage;
  fail(kind, named_.string(), ": ", action, ": ",
       error == ENOENT ? "its folder does not exist" : std::strerror(error));
}

void atomic_write(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path, int64_t(text.size()));
  file.write(text);
  file.commit();
}

}  // namespace lathe
