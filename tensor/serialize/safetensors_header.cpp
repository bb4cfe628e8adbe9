#include "tensor/serialize/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lathe {
namespace {

using Json = nlohmann::json;

constexpr size_t most_numbers = 64;  // far more than dimensions; a hostile list ends here

/// Receives the parser's events. Where the parser stands is a place; each event is allowed in few.
class HeaderEvents : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderEvents(const std::string& file) : file_(file) {}
  SafetensorsHeader header;

  bool key(string_t& key) override {
    switch (place_) {
      case Place::top:
        key_ = key;
        if (key == "__metadata__") {
          if (metadata_seen_) refuse("is given twice");
          metadata_seen_ = true;
        } else {
          header.entries.emplace_back().name = key;
        }
        break;
      case Place::metadata:
        if (header.metadata.contains(key)) refuse("has the key '", key, "' twice");
        metadata_key_ = key;
        break;
      default:
        field_ = key == "dtype"          ? Field::dtype
                 : key == "shape"        ? Field::shape
                 : key == "data_offsets" ? Field::offsets
                                         : Field::none;
        if (field_ == Field::none) refuse("has an unknown key '", key, "'");
        if ((field_ == Field::dtype && !entry().dtype.empty()) ||
            (field_ == Field::shape && entry().has_shape) ||
            (field_ == Field::offsets && !entry().offsets.empty()))
          refuse("has the key '", key, "' twice");
    }
    return true;
  }

  bool start_object(size_t) override {
    if (place_ == Place::outside)
      place_ = Place::top;
    else if (place_ == Place::top)
      place_ = key_ == "__metadata__" ? Place::metadata : Place::entry;
    else
      refuse_value("an object");
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry && (entry().dtype.empty() || !entry().has_shape))
      refuse("lacks its ", entry().dtype.empty() ? "dtype" : "shape");
    if (place_ == Place::entry && entry().offsets.size() != 2)
      refuse("expects 2 data_offsets, has ", entry().offsets.size());
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ != Place::entry || (field_ != Field::shape && field_ != Field::offsets))
      refuse_value("an array");
    if (field_ == Field::shape) entry().has_shape = true;
    place_ = Place::numbers;
    return true;
  }

  bool end_array() override {
    place_ = Place::entry;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::numbers) refuse_value("a number");
    auto& numbers = field_ == Field::shape ? entry().shape : entry().offsets;
    if (numbers.size() == most_numbers) refuse("has more than ", most_numbers, " numbers in a row");
    numbers.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata)
      header.metadata.emplace(metadata_key_, value);
    else if (place_ == Place::entry && field_ == Field::dtype && !value.empty())
      entry().dtype = value;
    else
      refuse_value("text");
    return true;
  }

  bool null() override { refuse_value("null"); }
  bool boolean(bool) override { refuse_value("a truth value"); }
  bool number_integer(number_integer_t) override { refuse_value("a negative number"); }
  bool number_float(number_float_t, const string_t& text) override { refuse_value(text); }
  bool binary(binary_t&) override { refuse_value("binary data"); }
  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    fail(ErrorKind::data, file_, ": byte ", 8 + position - 1, ": the header is not valid JSON");
  }

 private:
  enum class Place { outside, top, metadata, entry, numbers };
  enum class Field { none, dtype, shape, offsets };

  TensorEntry& entry() { return header.entries.back(); }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorKind::data, file_, ": header: '", key_, "' ", parts...);
  }
  [[noreturn]] void refuse_value(const std::string& what) const {
    if (place_ == Place::outside)
      fail(ErrorKind::data, file_, ": header: expects an object, has ", what);
    refuse("has ", what, " where the format has none");
  }

  const std::string& file_;
  Place place_ = Place::outside;
  Field field_ = Field::none;
  bool metadata_seen_ = false;
  std::string key_, metadata_key_;
};

void refuse_duplicate_names(const std::string& file, const std::vector<TensorEntry>& entries) {
  std::vector<std::string_view> names;
  for (const TensorEntry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(ErrorKind::data, file, ": header: '", *twice, "' is given twice");
}

}  // namespace

SafetensorsHeader parse_safetensors_header(const std::string& file, std::string_view json) {
  HeaderEvents events(file);
  Json::sax_parse(json.begin(), json.end(), &events);
  refuse_duplicate_names(file, events.header.entries);
  return std::move(events.header);
}

}  // namespace lathe
