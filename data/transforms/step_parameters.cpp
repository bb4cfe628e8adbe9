#include "data/transforms/step_parameters.h"

#include <algorithm>
#include <cmath>

#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {

const nlohmann::json& StepParameters::value(const std::string& name) {
  static const nlohmann::json absent;
  taken_.push_back(name);
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

std::pair<double, double> StepParameters::range(const std::string& name,
                                                std::pair<double, double> otherwise, double least,
                                                double most) {
  const std::vector<double> ends = numbers(name, {otherwise.first, otherwise.second}, least, most);
  if (ends[0] > ends[1]) refuse(name, "[low, high]");
  return {ends[0], ends[1]};
}

void StepParameters::finish() const {
  for (const auto& [name, value] : step_.items())
    if (std::find(taken_.begin(), taken_.end(), name) == taken_.end()) {
      std::vector<std::string> known = taken_;
      known.erase(known.begin());
      fail(ErrorKind::usage, place_, "has no parameter '", name, "'; expects ", list_text(known),
           suggestion(name, known));
    }
}

}  // namespace lathe
