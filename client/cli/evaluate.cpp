// accrue evaluate: learners compared over the same rows, in this process; no daemon is asked.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
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
#include "datasets/streams.hpp"
#include "models/learners.hpp"
#include "models/model.hpp"
#include "models/rows.hpp"

namespace accrue::cli {
namespace {

constexpr std::string_view kSynthetic = "synthetic:";

std::size_t position(const std::vector<std::string>& columns, const std::string& name) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? models::kNoColumn : static_cast<std::size_t>(found - columns.begin());
}

// Rows in memory, as a stream of these columns would have them.
struct Rows {
  StreamSpec spec;
  std::vector<std::string> columns;
  std::vector<double> values = {};

  std::size_t count() const { return values.size() / columns.size(); }
  models::RowsView view() const {
    return {.data = values.data(),
            .count = count(),
            .stride = columns.size(),
            .features = spec.features.size(),
            .weighted = spec.weighted,
            .time_column = position(columns, spec.time),
            .key_column = position(columns, spec.key)};
  }
};

// A model as it was asked for; its name is that, but for the dashes: sgd loss=huber.
models::Model model_of(models::ModelSpec learner, const StreamSpec& spec) {
  learner.name = learner.learner;
  for (const models::Setting& setting : learner.settings) learner.name += " " + setting.key + "=" + setting.value;
  try {
    models::Model model(learner, spec.features.size(), spec.features);
    if (model.learner().needs_time() && spec.time.empty()) throw std::invalid_argument("it needs a --time");
    if (model.learner().needs_key() && spec.key.empty()) throw std::invalid_argument("it needs a --key");
    return model;
  } catch (const std::invalid_argument& problem) {
    throw UsageError("--learner " + learner.learner + ": " + problem.what());
  }
}

using Learners = std::vector<models::Model>;

Learners learners_of(const EvaluateOptions& options, const StreamSpec& spec) {
  Learners models;
  for (const models::ModelSpec& learner : options.learners) models.push_back(model_of(learner, spec));
  if (!models.empty()) return models;
  for (const models::LearnerKind& kind : models::learner_kinds()) {
    models.push_back(model_of({.name = "", .learner = std::string(kind.name)}, spec));
  }
  return models;
}

// Of each feature, whether all of them take missing values of it.
std::vector<bool> may_be_empty(const Learners& learners, std::size_t features) {
  std::vector<bool> may_be(features);
  for (std::size_t i = 0; i < features; ++i) {
    may_be[i] =
        std::all_of(learners.begin(), learners.end(), [i](const auto& model) { return model.takes_missing(i); });
  }
  return may_be;
}

struct Experiment {
  Learners models;
  Rows rows;
};

Experiment with_file(const EvaluateOptions& options) {
  RowSource source(options.file, options.skip_bad);
  const StreamSpec spec = spec_of_columns(options, options.key, source.columns());
  Rows rows{.spec = spec, .columns = columns_of(spec, options)};
  Learners models = learners_of(options, spec);  // what cannot be is told before a long file is read
  source.select(rows.columns, may_be_empty(models, spec.features.size()));
  Progress progress("reading " + options.file);
  const std::size_t weight = spec.features.size() + 1;
  std::vector<double> row(rows.columns.size());
  for (NextRow next; (next = source.next(row)) != NextRow::kEnd;) {
    const bool negative = next == NextRow::kRow && spec.weighted && row[weight] < 0;
    if (negative) next = source.refuse("the weight is negative");
    if (next == NextRow::kEnd) break;
    if (next == NextRow::kRow) rows.values.insert(rows.values.end(), row.begin(), row.end());
    if (progress.due()) progress.draw(rows.count(), source.fraction());
  }
  if (!source.stopped().empty()) throw std::runtime_error(source.stopped());
  if (rows.values.empty()) throw std::runtime_error(options.file + ": there are no rows");
  return {std::move(models), std::move(rows)};
}

// What is asked for instead of a file; nothing where it is a file.
std::optional<datasets::Table> data_set(const EvaluateOptions& options) {
  if (options.file.starts_with(kSynthetic)) {
    try {
      return datasets::synthetic_stream(options.file.substr(kSynthetic.size()), kSyntheticRows, options.seed);
    } catch (const std::invalid_argument& problem) {
      throw UsageError(problem.what());
    }
  }
  if (options.file != kCalifornia) return std::nullopt;
  const auto file = datasets::find_california();
  if (!file) throw std::runtime_error("the California housing data is not here; scripts/fetch-datasets gets it");
  return datasets::read_california(*file);
}

Experiment with_data_set(const EvaluateOptions& options, datasets::Table table) {
  const bool chosen = options.target || options.weight || options.time || !options.key.empty();
  if (chosen || options.skip_bad || !options.features.empty()) {
    throw UsageError(options.file + " is taken as it is: only a file has its columns chosen and bad lines skipped");
  }
  Rows rows{.spec = {.features = table.feature_names, .target = table.target_name},
            .columns = std::move(table.feature_names),
            .values = std::move(table.values)};
  rows.columns.push_back(table.target_name);
  Learners models = learners_of(options, rows.spec);
  return {std::move(models), std::move(rows)};
}

Evaluation watched(const models::Model& model, const models::RowsView& rows) {
  Progress progress(model.spec().name);
  return evaluate(model, rows, [&](std::uint64_t learned) {
    if (progress.due()) progress.draw(learned, static_cast<double>(learned) / static_cast<double>(rows.count));
  });
}

Json figure(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Report compared(const Learners& models, const std::vector<Evaluation>& evaluations) {
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
  for (std::size_t i = 0; i < models.size(); ++i) {
    const Evaluation& found = evaluations[i];
    const models::ProgressiveError& error = found.error;
    const std::vector<Json> row = {models[i].spec().name,
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

Plot plotted(const EvaluateOptions& options, std::size_t rows, const Learners& models,
             const std::vector<Evaluation>& evaluations) {
  Plot plot{.title = "Rolling error on " + options.file +
                     (options.shuffle ? ", shuffled with seed " + std::to_string(options.seed) : ""),
            .x_label = "rows learned",
            .y_label = "RMSE of the last " + grouped(rolling_window(rows)) + " rows, clipped"};
  for (std::size_t i = 0; i < models.size(); ++i) {
    Plot::Line& line = plot.lines.emplace_back(Plot::Line{.name = models[i].spec().name});
    for (const auto& [learned, rmse] : evaluations[i].rolling) {
      line.points.push_back({static_cast<double>(learned), rmse});
    }
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
  std::optional<datasets::Table> table = data_set(options);
  auto [models, rows] = table ? with_data_set(options, *std::move(table)) : with_file(options);
  if (options.shuffle) rows.values = datasets::shuffled(rows.values, rows.columns.size(), options.seed);
  std::vector<Evaluation> evaluations;
  for (const models::Model& model : models) evaluations.push_back(watched(model, rows.view()));
  write_out(render(compared(models, evaluations), format));
  if (!options.plot.empty()) write_file(options.plot, svg(plotted(options, rows.count(), models, evaluations)));
  return 0;
}

}  // namespace accrue::cli
