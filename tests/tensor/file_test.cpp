#include "tensor/serialize/file.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"

using namespace lathe;
using tests::bytes_of;
using tests::message_of;

namespace {

int files_in(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Runs f in a process of its own and returns its exit status.
template <class F>
int in_child(const F& f) {
  const pid_t child = fork();
  if (child == 0) _exit(f());
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/// 0 when writing 1 MB over an old file fails as a full disk should and leaves the old file alone.
int full_disk_is_handled(const std::filesystem::path& folder) {
  atomic_write(folder / "weights", "old");
  std::string message;
  ErrorKind kind = ErrorKind::usage;
  try {
    atomic_write(folder / "weights", std::string(1 << 20, 'x'));
  } catch (const Error& e) {
    message = e.what();
    kind = e.kind();
  }
  if (kind != ErrorKind::device || !contains(message, "1048576 bytes are needed")) return 1;
  return bytes_of(folder / "weights") == "old" && files_in(folder) == 1 ? 0 : 2;
}

}  // namespace

TEST_CASE("an atomic write replaces the file and leaves no other") {
  const tests::ScratchFolder folder;
  atomic_write(folder / "a.txt", "first");
  atomic_write(folder / "a.txt", "second\n");
  CHECK_EQ(bytes_of(folder / "a.txt"), "second\n");
  CHECK_EQ(files_in(folder.path()), 1);
  {
    AtomicFile unfinished(folder / "a.txt");
    unfinished.write("third");
    const std::string second = message_of([&] { AtomicFile other(folder / "a.txt"); });
    CHECK(contains(second, "another process or thread is writing it"));
  }
  CHECK_EQ(bytes_of(folder / "a.txt"), "second\n");
  CHECK_EQ(files_in(folder.path()), 1);
}

TEST_CASE("an atomic write takes over what a killed process left") {
  const tests::ScratchFolder folder;
  tests::write_bytes(folder / ".a.txt.tmp", std::string(1000, 'z'));
  atomic_write(folder / "a.txt", "new");
  CHECK_EQ(bytes_of(folder / "a.txt"), "new");
  CHECK_EQ(files_in(folder.path()), 1);
}

TEST_CASE("an atomic file that cannot be begun keeps neither its descriptor nor its lock") {
  const tests::ScratchFolder folder;
  REQUIRE_EQ(mkfifo((folder / ".a.txt.tmp").c_str(), 0600), 0);  // it cannot be truncated
  const int before = files_in("/proc/self/fd");
  for (int i = 0; i < 2; ++i)
    CHECK(contains(message_of([&] { AtomicFile file(folder / "a.txt"); }), "Invalid argument"));
  CHECK_EQ(files_in("/proc/self/fd"), before);
}

TEST_CASE("an atomic file writes through links and straight into pipes") {
  const tests::ScratchFolder folder;
  std::filesystem::create_symlink("b.txt", folder / "a.txt");
  std::filesystem::create_symlink("a.txt", folder / "link");
  atomic_write(folder / "link", "text");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(std::filesystem::is_symlink(folder / "a.txt"));
  CHECK_EQ(bytes_of(folder / "b.txt"), "text");
  REQUIRE_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const int reader = open((folder / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
  atomic_write(folder / "pipe", "piped");
  char bytes[8] = {};
  CHECK_EQ(read(reader, bytes, 8), 5);
  CHECK_EQ(std::string(bytes), "piped");
  close(reader);
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
  CHECK_EQ(files_in(folder.path()), 4);
}

TEST_CASE("files that cannot be read or written say why") {
  const tests::ScratchFolder folder;
  CHECK(contains(message_of([&] { MappedFile(folder / "none"); }), "none: there is no such file"));
  CHECK(contains(message_of([&] { MappedFile(folder.path()); }), "this is a folder"));
  CHECK(contains(message_of([&] { atomic_write(folder / "no/folder", ""); }),
                 "its folder does not exist"));
  CHECK(contains(message_of([&] { atomic_write(folder.path(), ""); }), "it names a folder"));
}

TEST_CASE("writing to a mapped file changes the mapping alone") {
  const tests::ScratchFolder folder;
  tests::write_bytes(folder / "a", "abc");
  const MappedFile mapped(folder / "a");
  mapped.bytes()[0] = std::byte('x');
  CHECK_EQ(mapped.text(), "xbc");
  CHECK_EQ(bytes_of(folder / "a"), "abc");
}

TEST_CASE("a limit on file sizes leaves the old file and names the bytes needed") {
  const tests::ScratchFolder folder;
  CHECK_EQ(in_child([&] {
             signal(SIGXFSZ, SIG_IGN);
             const rlimit limit{64 << 10, 64 << 10};
             setrlimit(RLIMIT_FSIZE, &limit);
             return full_disk_is_handled(folder.path());
           }),
           0);
}

TEST_CASE("a full disk leaves the old file and names the bytes needed") {
  const tests::ScratchFolder folder;
  constexpr int cannot_mount = 77;
  const int status = in_child([&] {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return cannot_mount;
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return cannot_mount;
    if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0) return cannot_mount;
    return full_disk_is_handled(folder.path());
  });
  if (status == cannot_mount)
    tests::skip("full disk", "this process may not mount a small file system");
  else
    CHECK_EQ(status, 0);
}
