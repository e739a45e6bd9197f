// The commands about the models of a stream.
#include <optional>
#include <string>

#include "client/cli/commands.hpp"
#include "client/cli/model_spec.hpp"
#include "client/cli/output.hpp"

namespace accrue::cli {
namespace {

int show_change(const Connection& connection, const std::string& key, const std::string& label,
                const std::string& stream, const std::string& model) {
  write_out(render(record({{"stream", "stream", stream}, {key, label, model}}), connection.format));
  return 0;
}

}  // namespace

int models(const Connection& connection, const std::string& stream) {
  const Models found = connect(connection).models(stream);
  Report report = model_report(found);
  report.document = {{"stream", stream}, {"epoch", found.epoch}, {"models", report.document}};
  write_out(render(report, connection.format));
  return 0;
}

int add_model(const Connection& connection, const std::string& stream, const std::string& model,
              const ModelOptions& options) {
  connect(connection).add_model(stream, model_spec(model, options));
  return show_change(connection, "added", "added", stream, model);
}

int promote_model(const Connection& connection, const std::string& stream, const std::string& model) {
  connect(connection).promote_model(stream, model);
  return show_change(connection, "champion", "champion", stream, model);
}

int drop_model(const Connection& connection, const std::string& stream, const std::string& model) {
  connect(connection).drop_model(stream, model);
  return show_change(connection, "dropped", "dropped", stream, model);
}

}  // namespace accrue::cli
