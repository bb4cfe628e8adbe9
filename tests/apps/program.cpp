#include "tests/apps/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "data/make_landmarks.h"
#include "tests/support.h"

namespace lathe::tests {

namespace fs = std::filesystem;

Process::Process(const std::vector<std::string>& arguments, const RunOptions& options) {
  static std::atomic<int> count = 0;
  const std::string name = "lathe-" + std::to_string(getpid()) + "-" + std::to_string(count++);
  out_ = fs::temp_directory_path() / (name + ".out");
  err_ = fs::temp_directory_path() / (name + ".err");
  std::vector<const char*> words = {LATHE_PROGRAM};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  words.push_back(nullptr);
  id_ = fork();
  if (id_ != 0) return;
  const int out =
      open((options.out.empty() ? out_ : options.out).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err = open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (chdir(options.folder.c_str()) != 0) _exit(98);
  if (options.largest_file > 0) {
    ::signal(SIGXFSZ, SIG_IGN);  // so that writing fails instead
    const rlimit limit = {rlim_t(options.largest_file), rlim_t(options.largest_file)};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  for (const std::string& variable : options.environment)
    putenv(const_cast<char*>(variable.c_str()));
  execv(words[0], const_cast<char**>(words.data()));
  _exit(99);
}

Process::~Process() {
  if (!over_) {
    signal(SIGKILL);
    wait();
  }
  std::error_code missing;
  fs::remove(out_, missing);
  fs::remove(err_, missing);
}

void Process::signal(int number) const { kill(id_, number); }

bool Process::running() {
  if (!over_ && waitpid(id_, &status_, WNOHANG) == id_) over_ = true;
  return !over_;
}

Outcome Process::wait() {
  if (!over_) waitpid(id_, &status_, 0);
  over_ = true;
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {code, bytes_of(out_), bytes_of(err_)};
}

fs::path write_small_task(const fs::path& folder) {
  make_landmarks(folder / "data", {.train = 10, .valid = 4, .test = 4});
  write_bytes(folder / "small.toml", R"(name = "small"
[data]
train = { features = "data/train.csv", labels = "data/train_labels.csv" }
valid = { features = "data/valid.csv", labels = "data/valid_labels.csv" }
test = { features = "data/test.csv", labels = "data/test_labels.csv" }
normalize = "standard"
classes = ["fake", "real"]
[model]
hidden = [8]
[train]
epochs = 6
batch_size = 4
[optimizer]
lr = 1e-3
[log]
plots = false
)");
  return folder / "small.toml";
}

}  // namespace lathe::tests
