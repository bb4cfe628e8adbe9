// Lists of images in JSON.
#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "data/image_files.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"

namespace lathe::image {
namespace {

namespace fs = std::filesystem;

/// For a JSON parser: refuses a key that an object has twice, of which it would keep the last.
class EachKeyOnce {
 public:
  explicit EachKeyOnce(std::string file) : file_(std::move(file)) {}
  bool operator()(int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event == Event::key) add(parsed.get<std::string>());
    return true;
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string last;
  };
  void add(const std::string& key) {
    Object& object = open_.back();
    object.last = key;
    if (object.keys.insert(key).second) return;
    std::string place;
    for (const Object& one : open_) place += ": \"" + one.last + "\"";
    fail(ErrorKind::data, file_, place, ": the key is there twice; expects each once",
         open_.size() == 1 ? ", since one image would be lost" : "");
  }
  std::string file_;
  std::vector<Object> open_;  // from the outermost in
};

nlohmann::json parsed(const fs::path& file) {
  const MappedFile mapped(file);
  EachKeyOnce check(file.string());
  try {
    return nlohmann::json::parse(mapped.text(), std::ref(check));
  } catch (const nlohmann::json::parse_error& e) {
    fail(ErrorKind::data, file.string(), ": byte ", e.byte, ": is not JSON");
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::data, file.string(), ": holds a number that is out of range");
  }
}

/// Reads the entries of a JSON list.
class ItemReader {
 public:
  ItemReader(const fs::path& file, const std::string& group) : file_(file), group_(group) {}
  Listed operator()(const std::string& key, const nlohmann::json& item) const {
    Listed one;
    one.where = ": \"" + key + "\"";
    if (!item.is_object() || !item.contains("img_paths") || !item["img_paths"].is_string() ||
        !item.contains("label"))
      refuse(one, ": expects { \"img_paths\": \"…\", \"label\": 0 }");
    one.shown = item["img_paths"].get<std::string>();
    if (one.shown.size() > longest_path)
      refuse(one, ": the path is of ", one.shown.size(), " letters, no file has that");
    one.path = (file_.parent_path() / one.shown).lexically_normal().string();
    one.label = text_of(one, item, "label");
    if (item.contains("class")) one.label = text_of(one, item, "class");
    const std::string group = group_.empty() ? "group" : group_;
    one.has_group = item.contains(group) || group_.empty();
    if (item.contains(group)) one.group = text_of(one, item, group);
    return one;
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Listed& one, const Parts&... parts) const {
    fail(ErrorKind::data, file_.string(), one.where, parts...);
  }
  std::string text_of(const Listed& one, const nlohmann::json& item, const std::string& key) const {
    const nlohmann::json& value = item[key];
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_number_integer())
      refuse(one, ": expects text or a whole number as ", key, ", got ", value.dump());
    return value.dump();
  }
  const fs::path& file_;
  const std::string& group_;
};

}  // namespace

std::vector<Listed> list_json(const fs::path& file, const std::string& group) {
  const nlohmann::json all = parsed(file);
  const ItemReader read(file, group);
  std::vector<std::pair<int64_t, Listed>> listed;
  for (const auto& [key, item] : all.items()) {
    const bool number =
        !key.empty() && key.size() < 18 && key.find_first_not_of("0123456789") == std::string::npos;
    listed.emplace_back(number ? std::stoll(key) : int64_t(listed.size()), read(key, item));
  }
  if (listed.empty()) fail(ErrorKind::data, file.string(), ": lists no image");
  std::stable_sort(listed.begin(), listed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Listed> in_order;
  for (auto& [number, one] : listed) in_order.push_back(std::move(one));
  return in_order;
}

bool is_json(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  char first = 0;
  for (const char mark : {'\xef', '\xbb', '\xbf'})  // UTF-8's byte-order mark
    if (in.peek() == std::char_traits<char>::to_int_type(mark)) in.get();
  in >> first;
  return first == '{';
}

}  // namespace lathe::image
