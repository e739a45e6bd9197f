// accrue push: a CSV file into a stream, until every row is durable.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.hpp"
#include "client/cli/feed.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "client/cli/row_source.hpp"

namespace accrue::cli {
namespace {

constexpr const char* kWeightColumn = "weight";  // of an existing stream, unless --weight names another

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

StreamSpec new_spec(const PushOptions& options, const std::vector<std::string>& columns) {
  StreamSpec spec;
  spec.weighted = options.weight.has_value();
  spec.key = options.key.value_or("");
  spec.intercept = !options.no_intercept;
  spec.ridge = options.ridge.value_or(0);
  spec.partitions = options.partitions.value_or(1);
  spec.partition_by = options.partition_by.value_or(options.key ? PartitionBy::kHash : PartitionBy::kRoundRobin);
  std::vector<std::string> others;
  for (const std::string& column : columns) {
    if (column != options.weight && column != options.key) others.push_back(column);
  }
  if (!options.target && others.empty()) throw std::runtime_error(options.file + ": no column is left for the target");
  spec.target = options.target ? *options.target : others.back();
  spec.features = options.features;
  if (spec.features.empty()) {
    std::copy_if(others.begin(), others.end(), std::back_inserter(spec.features),
                 [&](const std::string& column) { return column != spec.target; });
  }
  return spec;
}

// What was asked for and the stream is not; empty if nothing.
std::string contradiction(const StreamSpec& is, const PushOptions& asked) {
  auto has = is.features;
  auto wants = asked.features;
  std::sort(has.begin(), has.end());
  std::sort(wants.begin(), wants.end());
  if (!wants.empty() && wants != has) return "--features: it has other features";
  if (asked.target && *asked.target != is.target) return "--target: it learns '" + is.target + "'";
  if (asked.weight && !is.weighted) return "--weight: it has no weights";
  if (asked.key && *asked.key != is.key) {
    return is.key.empty() ? "--key: it has no key" : "--key: its key is '" + is.key + "'";
  }
  if (asked.no_intercept && is.intercept) return "--no-intercept: it has one";
  if (asked.ridge && *asked.ridge != is.ridge) return "--ridge: it has " + exact(is.ridge);
  if (asked.partitions && *asked.partitions != is.partitions) {
    return "--partitions: it has " + std::to_string(is.partitions);
  }
  if (asked.partition_by && *asked.partition_by != is.partition_by) return "--partition-by: it is the other one";
  return {};
}

// The columns of a row, as Stream::push_rows() takes them, by their names in the file.
std::vector<std::string> columns_of(const StreamSpec& spec, const PushOptions& options) {
  std::vector<std::string> names = spec.features;
  names.push_back(spec.target);
  if (spec.weighted) names.push_back(options.weight.value_or(kWeightColumn));
  if (!spec.key.empty() && !contains(spec.features, spec.key)) names.push_back(spec.key);
  return names;
}

// Returns how many rows were read and given to the stream.
void feed_rows(RowSource& source, Feed& feed, Progress& progress) {
  std::vector<double> row(feed.stream().columns());
  for (RowSource::Next next; (next = source.next(row)) != RowSource::Next::kEnd;) {
    if (next == RowSource::Next::kRow) feed.push(row);
    if (progress.due()) progress.draw(feed.rows(), source.fraction());
  }
}

Report summary(const PushOptions& options, const Feed& feed, const RowSource& source, const FlushReport& flushed,
               bool created) {
  return record({{"stream", "stream", options.stream},
                 {"rows", "rows", feed.rows()},
                 {"skipped", "skipped", source.skipped()},
                 {"rejected", "rejected", flushed.rejected_rows},
                 {"durable", "durable", flushed.durable_rows},
                 {"seconds", "seconds", feed.seconds(), 4},
                 {"rows_per_s", "rows/s", feed.rows_per_second(), 4},
                 {"created", "created", created}});
}

}  // namespace

int push(const Connection& connection, const PushOptions& options) {
  RowSource source(options.file, options.skip_bad);
  Client client = connect(connection);
  const auto existing = find_stream(client, options.stream);
  if (existing) {
    const std::string problem = contradiction(existing->spec, options);
    if (!problem.empty()) throw std::runtime_error("stream '" + options.stream + "' exists and contradicts " + problem);
  }
  const StreamSpec spec = existing ? existing->spec : new_spec(options, source.columns());
  source.select(columns_of(spec, options));
  Feed feed(client.stream(options.stream, spec));
  FlushReport flushed;
  {
    Progress progress(options.stream);
    feed_rows(source, feed, progress);
    flushed = feed.flush();
  }
  if (!source.stopped().empty()) {
    complain(source.stopped());
    complain(std::to_string(flushed.durable_rows) + " rows before it are durable; nothing after it was sent");
    return 1;
  }
  write_out(render(summary(options, feed, source, flushed, !existing), connection.format));
  if (flushed.rejected_rows == 0) return 0;
  complain("the daemon refused " + std::to_string(flushed.rejected_rows) +
           " rows; the first: " + flushed.first_rejection);
  return options.skip_bad ? 0 : 1;
}

}  // namespace accrue::cli
