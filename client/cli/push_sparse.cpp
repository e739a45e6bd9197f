// accrue push of sparse rows: a file in the form of libsvm into a stream, until every row is durable.
#include <stdexcept>
#include <string>

#include "client/cli/commands.hpp"
#include "client/cli/feed.hpp"
#include "client/cli/progress.hpp"
#include "client/cli/push_report.hpp"
#include "client/cli/push_spec.hpp"
#include "client/cli/sparse_source.hpp"

namespace accrue::cli {
namespace {

void feed_rows(SparseSource& source, Feed& feed, Progress& progress) {
  SparseInput row;
  for (NextRow next; (next = source.next(row)) != NextRow::kEnd;) {
    if (next == NextRow::kRow && !row.target) next = source.refuse("there is no target before the features");
    if (next == NextRow::kEnd) return;
    if (next == NextRow::kRow) feed.push_sparse(row.columns, row.values, *row.target);
    if (progress.due()) progress.draw(feed.rows(), source.fraction());
  }
}

}  // namespace

int push_sparse(const Connection& connection, const PushOptions& options) {
  if (const std::string option = option_of_columns(options); !option.empty()) {
    throw UsageError(option + " is about columns that have names, and stream '" + options.stream +
                     "' is of sparse rows");
  }
  Client client = connect(connection);
  const auto existing = find_stream(client, options.stream);
  const std::string problem = existing ? contradiction(existing->spec, options) : "";
  if (!problem.empty()) throw std::runtime_error("stream '" + options.stream + "' exists and contradicts " + problem);
  const StreamSpec spec = existing ? existing->spec : new_sparse_spec(options);
  SparseSource source(options.file, spec.dimension, options.skip_bad);
  Feed feed(client.stream(options.stream, spec));
  FlushReport flushed;
  {
    Progress progress(options.stream);
    feed_rows(source, feed, progress);
    flushed = feed.flush();
  }
  return report_push(connection, options, feed, {source.stopped(), source.skipped()}, flushed, !existing);
}

}  // namespace accrue::cli
