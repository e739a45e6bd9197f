// accrue push: a CSV file into a stream, until every row is durable.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "client/cli/commands.hpp"
#include "client/cli/feed.hpp"
#include "client/cli/model_spec.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "client/cli/push_report.hpp"
#include "client/cli/push_spec.hpp"
#include "client/cli/row_source.hpp"

namespace accrue::cli {
namespace {

constexpr std::size_t kSampleRows = 4'096;  // that cut points are learned from

void feed_rows(RowSource& source, Feed& feed, Progress& progress) {
  std::vector<double> row(feed.stream().columns());
  for (NextRow next; (next = source.next(row)) != NextRow::kEnd;) {
    if (next == NextRow::kRow) feed.push(row);
    if (progress.due()) progress.draw(feed.rows(), source.fraction());
  }
}

// The first rows, read before there is a stream to push them to.
std::vector<double> sample(RowSource& source, std::size_t columns) {
  std::vector<double> rows;
  std::vector<double> row(columns);
  while (rows.size() < kSampleRows * columns) {
    const NextRow next = source.next(row);
    if (next == NextRow::kEnd) break;
    if (next == NextRow::kRow) rows.insert(rows.end(), row.begin(), row.end());
  }
  if (!source.stopped().empty()) throw std::runtime_error(source.stopped() + "; nothing was sent");
  return rows;
}

Report summary(const PushOptions& options, const Feed& feed, std::uint64_t skipped, const FlushReport& flushed,
               bool created) {
  return record({{"stream", "stream", options.stream},
                 {"rows", "rows", feed.rows()},
                 {"skipped", "skipped", skipped},
                 {"rejected", "rejected", flushed.rejected_rows},
                 {"durable", "durable", flushed.durable_rows},
                 {"seconds", "seconds", feed.seconds(), 4},
                 {"rows_per_s", "rows/s", feed.rows_per_second(), 4},
                 {"created", "created", created}});
}

}  // namespace

int report_push(const Connection& connection, const PushOptions& options, const Feed& feed, const LinesRead& lines,
                const FlushReport& flushed, bool created) {
  if (!lines.stopped.empty()) {
    complain(lines.stopped);
    complain("durable before it: " + counted_rows(flushed.durable_rows) + "; nothing after it was sent");
    return 1;
  }
  write_out(render(summary(options, feed, lines.skipped, flushed, created), connection.format));
  if (flushed.rejected_rows == 0) return 0;
  complain("the daemon refused " + counted_rows(flushed.rejected_rows) + "; the first: " + flushed.first_rejection);
  return options.skip_bad ? 0 : 1;
}

int push(const Connection& connection, const PushOptions& options) {
  if (options.dimension) return push_sparse(connection, options);
  RowSource source(options.file, options.skip_bad);
  Client client = connect(connection);
  const auto existing = find_stream(client, options.stream);
  if (existing && existing->spec.dimension > 0) return push_sparse(connection, options);
  if (existing) {
    const std::string problem = contradiction(existing->spec, options);
    if (!problem.empty()) throw std::runtime_error("stream '" + options.stream + "' exists and contradicts " + problem);
  }
  StreamSpec spec = existing ? existing->spec : new_spec(options, source.columns());
  const std::vector<std::string> columns = columns_of(spec, options);
  source.select(columns, may_be_empty(spec));
  std::vector<double> first;
  if (wants_cuts(spec)) {
    first = sample(source, columns.size());
    spec.partition_cuts = cuts_from(first, columns, spec);
  }
  Feed feed(client.stream(options.stream, spec));
  FlushReport flushed;
  {
    Progress progress(options.stream);
    feed.push(first);
    feed_rows(source, feed, progress);
    flushed = feed.flush();
  }
  return report_push(connection, options, feed, {source.stopped(), source.skipped()}, flushed, !existing);
}

}  // namespace accrue::cli
