// accrue evaluate: learners compared over the same rows, in this process; no daemon is asked.
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.hpp"
#include "client/cli/evaluation.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "client/cli/push_spec.hpp"
#include "client/cli/row_source.hpp"
#include "client/cli/svg_plot.hpp"
#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "models/learners.hpp"
#include "models/model.hpp"
#include "models/rows.hpp"

namespace accrue::cli {
namespace {

using Specs = std::vector<models::ModelSpec>;

// Rows in memory: the features, then the target, then the weight if there is one.
struct Rows {
  std::size_t features = 0;
  bool weighted = false;
  std::vector<double> values = {};

  std::size_t columns() const { return features + (weighted ? 2 : 1); }
  std::size_t count() const { return values.size() / columns(); }
  models::RowsView view() const { return {values.data(), count(), columns(), features, weighted}; }
};

// Each named as it was asked for, but for the dashes: sgd loss=huber.
Specs learners_of(const EvaluateOptions& options) {
  Specs specs = options.learners;
  if (specs.empty()) {
    for (const models::LearnerKind& kind : models::learner_kinds()) specs.emplace_back().learner = kind.name;
  }
  for (models::ModelSpec& spec : specs) {
    spec.name = spec.learner;
    for (const models::Setting& setting : spec.settings) spec.name += " " + setting.key + "=" + setting.value;
  }
  return specs;
}

// Before a long file is read.
void check(const Specs& learners, std::size_t features) {
  for (const models::ModelSpec& spec : learners) {
    try {
      (void)models::Model(spec, features);
    } catch (const std::invalid_argument& problem) {
      throw UsageError("--learner " + spec.learner + ": " + problem.what());
    }
  }
}

Rows read_file(const FileOptions& options, const Specs& learners) {
  RowSource source(options.file, options.skip_bad);
  Roles roles = roles_of(options, source.columns());
  Rows rows{.features = roles.features.size(), .weighted = options.weight.has_value()};
  std::vector<std::string> columns = std::move(roles.features);
  columns.push_back(roles.target);
  if (options.weight) columns.push_back(*options.weight);
  source.select(columns);
  check(learners, rows.features);
  Progress progress("reading " + options.file);
  std::vector<double> row(columns.size());
  for (RowSource::Next next; (next = source.next(row)) != RowSource::Next::kEnd;) {
    if (next == RowSource::Next::kRow && rows.weighted && row.back() < 0)
      next = source.refuse("the weight is negative");
    if (next == RowSource::Next::kEnd) break;
    if (next == RowSource::Next::kRow) rows.values.insert(rows.values.end(), row.begin(), row.end());
    if (progress.due()) progress.draw(rows.count(), source.fraction());
  }
  if (!source.stopped().empty()) throw std::runtime_error(source.stopped());
  if (rows.values.empty()) throw std::runtime_error(options.file + ": there are no rows");
  return rows;
}

Rows california(const FileOptions& options, const Specs& learners) {
  if (options.target || options.weight || options.skip_bad || !options.features.empty()) {
    throw UsageError("--target, --features, --weight and --skip-bad are for files, not for california");
  }
  const auto file = datasets::find_california();
  if (!file) throw std::runtime_error("the California housing data is not here; scripts/fetch-datasets gets it");
  datasets::Table table = datasets::read_california(*file);
  check(learners, table.feature_names.size());
  return {.features = table.feature_names.size(), .values = std::move(table.values)};
}

Evaluation evaluate_watched(const models::ModelSpec& spec, const models::RowsView& rows) {
  Progress progress(spec.name);
  return evaluate(spec, rows, [&](std::uint64_t learned) {
    if (progress.due()) progress.draw(learned, static_cast<double>(learned) / static_cast<double>(rows.count));
  });
}

Json figure(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Report compared(const Specs& learners, const std::vector<Evaluation>& evaluations) {
  Report report;
  report.document = Json::array();
  report.table.columns = {{"learner", "learner"},
                          {"n", "n"},
                          {"mse", "MSE"},
                          {"mae", "MAE"},
                          {"r2", "R2"},
                          {"mse_clipped", "MSE clipped"},
                          {"rows_per_s", "rows/s", 4},
                          {"memory_bytes", "memory, bytes"}};
  for (std::size_t i = 0; i < learners.size(); ++i) {
    const Evaluation& found = evaluations[i];
    const models::ProgressiveError& error = found.error;
    const std::vector<Json> row = {learners[i].name,
                                   error.n(),
                                   figure(error.mse()),
                                   figure(error.mae()),
                                   figure(error.r2()),
                                   figure(error.mse_clipped()),
                                   figure(static_cast<double>(error.n()) / found.seconds),
                                   found.memory_bytes};
    Json& entry = report.document.emplace_back();
    for (std::size_t c = 0; c < row.size(); ++c) entry[report.table.columns[c].key] = row[c];
    report.table.rows.push_back(row);
  }
  return report;
}

Plot plotted(const EvaluateOptions& options, std::size_t rows, const Specs& learners,
             const std::vector<Evaluation>& evaluations) {
  Plot plot{.title = "Rolling error on " + options.file +
                     (options.shuffle ? ", shuffled with seed " + std::to_string(options.seed) : ""),
            .x_label = "rows learned",
            .y_label = "RMSE of the last " + grouped(rolling_window(rows)) + " rows, clipped"};
  for (std::size_t i = 0; i < learners.size(); ++i) {
    Plot::Line& line = plot.lines.emplace_back(Plot::Line{.name = learners[i].name});
    for (const auto& [learned, rmse] : evaluations[i].rolling)
      line.points.push_back({static_cast<double>(learned), rmse});
  }
  return plot;
}

void write_file(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text << std::flush;
  if (!out) throw std::runtime_error("cannot write " + file);
}

}  // namespace

int evaluate(Format format, const EvaluateOptions& options) {
  const Specs learners = learners_of(options);
  Rows rows = options.file == kCalifornia ? california(options, learners) : read_file(options, learners);
  if (options.shuffle) rows.values = datasets::shuffled(rows.values, rows.columns(), options.seed);
  std::vector<Evaluation> evaluations;
  for (const models::ModelSpec& spec : learners) evaluations.push_back(evaluate_watched(spec, rows.view()));
  write_out(render(compared(learners, evaluations), format));
  if (!options.plot.empty()) write_file(options.plot, svg(plotted(options, rows.count(), learners, evaluations)));
  return 0;
}

}  // namespace accrue::cli
