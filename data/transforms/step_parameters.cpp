#include "data/transforms/step_parameters.h"

#include <algorithm>
#include <cmath>

#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {

const nlohmann::json& StepParameters::value(const std::string& name) {
  static const nlohmann::json absent;
  taken_.insert(name);
  const auto found = step_.find(name);
  return found == step_.end() ? absent : *found;
}

void StepParameters::refuse(const std::string& name, const std::string& expected) const {
  fail(ErrorKind::usage, place_, name, " expects ", expected, ", got ",
       step_.contains(name) ? step_[name].dump() : "nothing");
}

double StepParameters::number(const std::string& name, double otherwise, double least,
                              double most) {
  const nlohmann::json& given = value(name);
  if (given.is_null()) return otherwise;
  const double number = given.is_number() ? given.get<double>() : NAN;
  if (!(number >= least && number <= most))
    refuse(name, least > -1e300 ? concat("a number from ", least, " to ", most) : "a number");
  return number;
}

int64_t StepParameters::integer(const std::string& name, int64_t otherwise, int64_t least,
                                int64_t most) {
  const nlohmann::json& given = value(name);
  if (given.is_null()) return otherwise;
  if (!given.is_number_integer() || given.get<int64_t>() < least || given.get<int64_t>() > most)
    refuse(name, concat("an integer from ", least, " to ", most));
  return given.get<int64_t>();
}

int64_t StepParameters::integer(const std::string& name, int64_t least, int64_t most) {
  if (!has(name)) refuse(name, concat("an integer from ", least, " to ", most));
  return integer(name, least, least, most);
}

bool StepParameters::flag(const std::string& name, bool otherwise) {
  const nlohmann::json& given = value(name);
  if (given.is_null()) return otherwise;
  if (!given.is_boolean()) refuse(name, "true or false");
  return given.get<bool>();
}

std::string StepParameters::word(const std::string& name, const std::string& otherwise,
                                 const std::vector<std::string>& choices) {
  const nlohmann::json& given = value(name);
  if (given.is_null()) return otherwise;
  const std::string word = given.is_string() ? given.get<std::string>() : "";
  if (std::find(choices.begin(), choices.end(), word) == choices.end())
    refuse(name, list_text(choices) + suggestion(word, choices));
  return word;
}

std::vector<double> StepParameters::numbers(const std::string& name, std::vector<double> otherwise,
                                            double least, double most) {
  const nlohmann::json& given = value(name);
  if (given.is_null()) return otherwise;
  const auto fits = [&](const nlohmann::json& one) {
    return one.is_number() && one.get<double>() >= least && one.get<double>() <= most;
  };
  if (!given.is_array() || given.size() != otherwise.size() ||
      !std::all_of(given.begin(), given.end(), fits))
    refuse(name, concat(otherwise.size(), " numbers",
                        least > -1e300 ? concat(" from ", least, " to ", most) : ""));
  return given.get<std::vector<double>>();
}

Range StepParameters::range(const std::string& name, Range otherwise, double least, double most) {
  const std::vector<double> ends = numbers(name, {otherwise.low, otherwise.high}, least, most);
  if (ends[0] > ends[1]) refuse(name, "[low, high]");
  return {ends[0], ends[1]};
}

Range StepParameters::symmetric(const std::string& name, Range otherwise, double least,
                                double most) {
  if (!value(name).is_number()) return range(name, otherwise, least, most);
  const double end = number(name, 0, 0, most);
  return {std::max(-end, least), end};
}

Range StepParameters::up_to(const std::string& name, Range otherwise, double most) {
  if (!value(name).is_number()) return range(name, otherwise, 0, most);
  return {0, number(name, 0, 0, most)};
}

std::array<uint8_t, 3> StepParameters::fill(const std::string& name) {
  const std::string given = has("value") ? "value" : name;
  value(name);  // known under both names
  if (value(given).is_array()) {
    const std::vector<double> colors = numbers(given, {0, 0, 0}, 0, 255);
    return {uint8_t(colors[0]), uint8_t(colors[1]), uint8_t(colors[2])};
  }
  const uint8_t color = uint8_t(number(given, 0, 0, 255));
  return {color, color, color};
}

void StepParameters::finish() const {
  const std::vector<std::string> known(taken_.begin(), taken_.end());
  for (const auto& [name, value] : step_.items())
    if (name != "name" && !taken_.contains(name))
      fail(ErrorKind::usage, place_, "has no parameter '", name, "'; expects ", list_text(known),
           suggestion(name, known));
}

}  // namespace lathe
