// lathe data split: images to train, valid and test.
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/commands.h"
#include "data/split.h"
#include "data/write_split.h"
#include "tensor/check.h"
#include "tensor/suggest.h"
#include "tensor/utf8.h"

namespace lathe::apps {
namespace {

namespace fs = std::filesystem;
constexpr const char* part_names[] = {"train", "valid", "test"};

struct Options {
  std::string source, output, ratios = "0.8,0.1,0.1", group, format = "json";
  std::vector<std::string> folders;  // DIR=LABEL
};

std::vector<double> parsed_ratios(const std::string& text) {
  std::vector<double> ratios;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    size_t end = 0;
    try {
      ratios.push_back(std::stod(word, &end));
    } catch (const std::exception&) {
    }
    LATHE_CHECK(end > 0 && end == word.size(), "--ratios: '", word, "' is no number");
  }
  LATHE_CHECK(ratios.size() == 3,
              "--ratios: expects three numbers, for train, valid and test, got ", ratios.size());
  return ratios;
}

/// The images of folders that were given with their labels.
ImageList list_folders(const Options& options, const std::string& group) {
  std::vector<std::pair<std::string, std::string>> folders;
  std::set<std::string> labels;
  for (const std::string& text : options.folders) {
    const size_t sign = text.rfind('=');
    LATHE_CHECK(sign != std::string::npos && sign > 0 && sign + 1 < text.size(),
                "--folder: expects DIR=LABEL, got '", text, "'");
    folders.emplace_back(text.substr(0, sign), text.substr(sign + 1));
    LATHE_CHECK(is_utf8(folders.back().second), "--folder: the label is not UTF-8");
    if (!fs::is_directory(folders.back().first))
      fail(ErrorKind::data, folders.back().first, ": there is no such folder");
    labels.insert(folders.back().second);
  }
  ImageList all;
  all.classes.assign(labels.begin(), labels.end());
  for (const auto& [folder, label] : folders) {
    const int64_t number = std::distance(labels.begin(), labels.find(label));
    for (ImageItem& item :
         list_images({folder}, {.class_patterns = {{label, ""}}, .group = group}).items) {
      item.label = number;
      all.items.push_back(std::move(item));
    }
  }
  return all;
}

ImageList listed(const Options& options) {
  LATHE_CHECK(options.source.empty() != options.folders.empty(),
              "data split: expects a folder or a CSV file, or --folder DIR=LABEL for each folder",
              options.source.empty() ? "" : ", not both");
  const bool by_stem = options.group == "stem";
  const std::string group = by_stem ? "" : options.group;
  ImageList list = options.folders.empty() ? list_images({options.source}, {.group = group})
                                           : list_folders(options, group);
  if (by_stem)
    for (ImageItem& item : list.items) item.group = fs::path(item.path).stem().string();
  check_all_differ(list);
  return list;
}

std::vector<ImageList> split(const ImageList& list, const std::vector<double>& ratios,
                             uint64_t seed) {
  std::vector<int64_t> labels;
  std::vector<std::string> groups, names;
  for (const ImageItem& item : list.items) {
    labels.push_back(item.label);
    groups.push_back(item.group);
    names.push_back(item.path);
  }
  const std::vector<int> part_of = split_samples(labels, groups, names, ratios, seed);
  std::vector<ImageList> parts(ratios.size(), ImageList{{}, list.classes});
  for (size_t i = 0; i < part_of.size(); ++i)
    parts[size_t(part_of[i])].items.push_back(list.items[i]);
  return parts;
}

size_t count_groups(const ImageList& list) {
  std::set<std::string> groups;
  size_t alone = 0;
  for (const ImageItem& item : list.items) {
    alone += item.group.empty();
    if (!item.group.empty()) groups.insert(item.group);
  }
  return groups.size() + alone;
}

std::vector<int64_t> class_counts(const ImageList& list) {
  std::vector<int64_t> counts(list.classes.size());
  for (const ImageItem& item : list.items) ++counts[size_t(item.label)];
  return counts;
}

/// "train: 3200 images (fake 1600, real 1600)", and which classes of all are missing.
void print_part(const char* name, const ImageList& part, const ImageList& all) {
  const std::vector<int64_t> counts = class_counts(part), totals = class_counts(all);
  std::cerr << name << ": " << part.items.size() << " images";
  for (size_t c = 0; c < counts.size(); ++c)
    std::cerr << (c ? ", " : " (") << part.classes[c] << ' ' << counts[c];
  std::cerr << ")\n";
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] == 0 && totals[c] > 0)
      std::cerr << "warning: " << name << " has no image of class " << part.classes[c]
                << "; there are too few groups of it\n";
}

int run(const Options& options, const CommonOptions& common) {
  LATHE_CHECK(options.format == "json" || options.format == "csv", "--format: has no value '",
              options.format, "'; expects json or csv",
              suggestion(options.format, {"json", "csv"}));
  LATHE_CHECK(!options.output.empty(), "data split: expects --output DIR");
  const std::vector<double> ratios = parsed_ratios(options.ratios);
  const ImageList list = listed(options);
  const std::vector<ImageList> parts = split(list, ratios, uint64_t(common.seed.value_or(0)));
  std::error_code error;
  fs::create_directories(options.output, error);
  if (error) fail(ErrorKind::usage, options.output, ": cannot be made: ", error.message());
  const auto file_of = [&](size_t part) {
    return fs::path(options.output) / concat(part_names[part], '.', options.format);
  };
  for (size_t part = 0; part < parts.size(); ++part)
    LATHE_CHECK(!parts[part].items.empty() || !fs::exists(file_of(part)), file_of(part).string(),
                ": is there from another split, and this one has no such part; remove it");
  for (size_t part = 0; part < parts.size(); ++part) {
    if (parts[part].items.empty()) continue;
    (options.format == "json" ? write_image_json : write_image_csv)(file_of(part), parts[part]);
    if (!common.quiet) print_part(part_names[part], parts[part], list);
  }
  const size_t groups = count_groups(list);
  if (common.json)
    print_json({{"train", parts[0].items.size()},
                {"valid", parts[1].items.size()},
                {"test", parts[2].items.size()},
                {"groups", groups}});
  else if (!common.quiet)
    std::cerr << groups << " groups, in " << options.output << "\n";
  return 0;
}

}  // namespace

void add_data_split(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("split", "sorts images into train, valid and test, by class and whole groups", "data")
      .argument("SRC", options->source,
                "a folder with a folder for each class, or a CSV file path,label[,group]", false)
      .option("--folder", options->folders,
              "DIR=LABEL, instead of SRC: a folder's images, at any depth; several may have one "
              "label")
      .option("-o,--output", options->output,
              "folder of the new train, valid and test files; images below it are named relative "
              "to it, others by their whole path")
      .option("--ratios", options->ratios,
              "shares of train, valid and test; one of 0 is not written")
      .option("--group", options->group,
              "what names an image's group: a CSV's column, a regular expression whose first ( ) "
              "in the path it is, or stem, the file's name without extension",
              "the column group, else each image alone")
      .option("--format", options->format, "json or csv")
      .run([&program, options] { return run(*options, program.common); });
}

}  // namespace lathe::apps
