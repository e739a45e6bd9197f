#include "daemon/sparse_query.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "daemon/doubles.hpp"
#include "ingest/sparse_rows.hpp"

namespace accrue::daemon {

std::string read_sparse_rows(const wire::Predict& query, std::uint32_t dimension, std::vector<double>& memory,
                             wire::SparseParts& rows) {
  constexpr wire::SparseForm kForm = wire::SparseForm::kFeatures;
  if (query.rows.friendly || query.dtype != wire::DataType::kFloat64) {
    return "sparse rows are a bin, with values of float 64";
  }
  const std::size_t bytes = query.rows.bin.size();
  const std::optional<std::size_t> nonzeros = wire::sparse_nonzeros(kForm, query.count, bytes);
  if (!nonzeros) return std::to_string(bytes) + " bytes are not " + std::to_string(query.count) + " sparse rows";
  rows = wire::sparse_parts(kForm, query.count, *nonzeros, aligned_for_doubles(query.rows.bin, memory));
  if (!wire::ends_fit(rows)) return "the ends of the rows do not rise to the number of values";
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (const auto problem = ingest::problem_with_sparse_row(rows, i, dimension)) {
      return "row " + std::to_string(i + 1) + ": " + to_string(*problem);
    }
  }
  return {};
}

void list_coefficients(const models::Summary& summary, wire::Coef& reply) {
  struct Listed {
    std::size_t feature;
    double value;
  };
  std::vector<Listed> listed;
  for (std::size_t i = 0; i < summary.coefficients.size(); ++i) {
    const double value = summary.coefficients[i].value;
    if (value != 0) listed.push_back({summary.columns.empty() ? i : summary.columns[i], value});
  }
  if (listed.size() > wire::kMaxCoefficientsListed) {
    reply.left_out = listed.size() - wire::kMaxCoefficientsListed;
    const auto last = listed.begin() + static_cast<std::ptrdiff_t>(wire::kMaxCoefficientsListed);
    std::nth_element(listed.begin(), last, listed.end(), [](const Listed& one, const Listed& other) {
      return std::abs(one.value) > std::abs(other.value);
    });
    listed.erase(last, listed.end());
    std::sort(listed.begin(), listed.end(),
              [](const Listed& one, const Listed& other) { return one.feature < other.feature; });
  }
  for (const auto& [feature, value] : listed) {
    reply.names.push_back(std::to_string(feature));
    reply.coefficients.push_back({value, std::nullopt, std::nullopt});
  }
}

}  // namespace accrue::daemon
