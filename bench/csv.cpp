// How fast a large CSV of landmarks becomes a tensor: writes a file of so many megabytes to a
// folder, reads it several times from the file cache, and prints the best time.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "data/csv.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace {

void write_table(const std::filesystem::path& path, int64_t bytes) {
  const lathe::RandomStream random(1, lathe::Purpose::test);
  std::string row_end, text = "IDX";
  for (int i = 0; i < 136; ++i) text += ",c" + std::to_string(i);
  lathe::AtomicFile file(path, bytes);
  uint64_t draw = 0;
  int64_t written = 0;
  for (int64_t row = 0; written < bytes; ++row) {
    text += '\n' + std::to_string(row);
    for (int i = 0; i < 136; ++i) {
      const uint32_t thousandths = random.bits(draw++) % 256000;
      const std::string rest = std::to_string(1000 + thousandths % 1000);
      text += (i % 3 ? "," : ",-") + std::to_string(thousandths / 1000) + '.' + rest.substr(1);
    }
    file.write(text);
    written += int64_t(text.size());
    text.clear();
  }
  file.commit();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: bench_csv FOLDER [MEGABYTES] [REPEATS]\n";
    return 2;
  }
  const int64_t megabytes = argc > 2 ? std::atoll(argv[2]) : 1000;
  const int repeats = argc > 3 ? std::atoi(argv[3]) : 5;
  const std::filesystem::path path = std::filesystem::path(argv[1]) / "bench.csv";
  write_table(path, megabytes * 1'000'000);
  const double bytes = double(std::filesystem::file_size(path));
  for (const lathe::DType dtype : {lathe::DType::f32, lathe::DType::f64}) {
    double best = 1e30;
    int64_t rows = 0;
    for (int i = 0; i < repeats; ++i) {
      const auto start = std::chrono::steady_clock::now();
      rows = lathe::read_indexed_csv(path, dtype).values.dim(0);
      best = std::min(
          best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::cout << "csv to " << dtype << ": " << rows << " rows, " << bytes / 1e6 << " MB in " << best
              << " s: " << bytes / best / 1e6 << " MB/s on " << lathe::num_threads()
              << " threads\n";
  }
  std::filesystem::remove(path);
}
