// Rows as a request's body has them, read as it comes:
//
//   application/json      {"rows": [{"rooms": 4, "age": 30, "price": 210.5}, [5, 12, 251]]}
//   application/x-ndjson  a row a line, each an object or an array like those
//   text/csv              a header that names the columns, then a row a line, as datasets/csv.hpp reads them
//
// A row by names has the stream's columns; one that is an array has them in the stream's order. null, an empty field of
// CSV, and a column that an object lacks, are missing values. Columns of a CSV file that the stream does not have are
// passed over.
//
// One thread. Errors: Problem for a body that cannot be taken as a whole. A row that cannot be read is one that the
// daemon refuses and counts (RowBatch).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/http/row_batch.hpp"
#include "ingest/wire/stream_spec.hpp"

namespace accrue::daemon::http {

inline constexpr std::size_t kMaxLineBytes = 1'048'576;

class RowBody {
 public:
  virtual ~RowBody() = default;
  virtual void take(std::string_view piece) = 0;  // the next bytes, cut anywhere
  virtual void finish() = 0;
};

// A reader of bodies of this type. Problem, 415, for a type that is none of these.
std::unique_ptr<RowBody> row_body(const std::string& content_type, const wire::StreamSpec& spec, RowBatches& rows);

// Without its parameters, in lower case: "text/csv; charset=utf-8" is "text/csv".
std::string media_type(std::string_view content_type);

// JSON that has to be there whole: the next piece of it, and all of it. Problem, 413 when it is too long, 400 where it
// is no JSON.
void append_json(std::string& text, std::string_view piece);
Json parse_json(std::string_view text);

}  // namespace accrue::daemon::http
