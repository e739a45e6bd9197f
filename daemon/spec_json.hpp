// A stream's specification as JSON: the text that the store keeps, so that SQL can look into it, and what HTTP takes
// and gives. A field that is left out has its default. Functions are re-entrant.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "ingest/wire/stream_spec.hpp"

namespace accrue::daemon {

// A field that there is not, or whose value is of another type: "models[1].learner".
class BadSpecField : public std::runtime_error {
 public:
  BadSpecField(std::string field, const std::string& why)
      : std::runtime_error(field + ": " + why), field_(std::move(field)), why_(why) {}
  const std::string& field() const { return field_; }
  const std::string& why() const { return why_; }

 private:
  std::string field_;
  std::string why_;
};

nlohmann::ordered_json json_of(const wire::StreamSpec& spec);
nlohmann::ordered_json json_of(const wire::ModelSpec& model);

// Throw BadSpecField. What they give may still be no specification that there can be (wire::problem_with). `at` is the
// path of the fields in messages.
wire::StreamSpec spec_of(const nlohmann::ordered_json& json);
wire::ModelSpec model_of(const nlohmann::ordered_json& json, const std::string& at = {});

// As the store has it. The latter throws std::runtime_error that says what is wrong with the text.
std::string to_json(const wire::StreamSpec& spec);
wire::StreamSpec spec_from_json(const std::string& text);

}  // namespace accrue::daemon
