#include "ingest/wire/model_spec.hpp"

#include <algorithm>

#include "ingest/wire/limits.hpp"

namespace accrue::wire {

bool is_plain_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), plain);
}

std::string problem_with(const ModelSpec& spec) {
  const std::string which = "model '" + spec.name.substr(0, kMaxNameBytes) + "'";
  if (!is_plain_name(spec.name)) return which + " is not named by 1 to 128 letters, digits, '_', '-' or '.'";
  if (spec.learner.size() > kMaxNameBytes) return which + " has a learner whose name is longer than 128 bytes";
  if (spec.settings.size() > kMaxSettings) return which + " has more than 64 settings";
  const auto too_long = [](const Setting& setting) {
    return setting.key.size() > kMaxSettingBytes || setting.value.size() > kMaxSettingBytes;
  };
  if (std::any_of(spec.settings.begin(), spec.settings.end(), too_long)) {
    return which + " has a setting of more than 4096 bytes";
  }
  std::size_t bytes = 0;
  for (const Setting& setting : spec.settings) bytes += setting.key.size() + setting.value.size();
  if (bytes > kMaxTextBytes) return which + " has settings of more than 65536 bytes together";
  return {};
}

std::string listed(const std::vector<ModelSpec>& models) {
  constexpr std::size_t kMaxShown = 1'000;  // bytes
  if (models.empty()) return "those of a stream of which none were asked for";
  std::string text;
  for (const ModelSpec& model : models) {
    text += (text.empty() ? "" : ", ") + model.name + " (" + model.learner;
    for (const Setting& setting : model.settings) text += " " + setting.key + "=" + setting.value;
    text += ")";
    if (text.size() > kMaxShown) return text.substr(0, kMaxShown) + "...";
  }
  return text;
}

}  // namespace accrue::wire
