#include "models/solution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "models/block_math.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What the processor writes beyond the rows that it was asked for stays in here.
using BlockNumbers = std::array<double, WaitingRows::kStride>;

// Each row of a block laid out as a row.
void for_each_row(const RowBlock& block, std::size_t features, const auto& use) {
  std::array<double, kMaxFeatures> x;
  for (std::size_t i = 0; i < block.rows; ++i) {
    for (std::size_t k = 0; k < features; ++k) {
      x[k] = block.first[k * block.stride + i];
    }
    use(i, x.data());
  }
}

}  // namespace

template <class Real>
void Solution<Real>::solve(std::span<Real> into) {
  solve_basic(evidence.factor, rms, into);
  const Real root = std::sqrt(static_cast<Real>(evidence.amount.weights));
  for (Real& norm : rms) {
    norm = root > 0 ? norm / root : Real{0};
  }
  for (std::size_t j = 0; j < inverse_diagonal.size(); ++j) {
    const Real diagonal = evidence.factor.diagonal(j);
    inverse_diagonal[j] = diagonal > 0 ? 1 / diagonal : Real{0};
  }
}

template <class Real>
double Solution<Real>::predict(const double* x, bool intercept) const {
  const std::size_t first = intercept ? 1 : 0;
  const Real constant = intercept ? coefficients[0] : Real{0};
  const Real sum = constant + dot(coefficients.data() + first, x, coefficients.size() - first);
  return static_cast<double>(bounded(sum, kMaxMagnitude));
}

template <class Real>
void Solution<Real>::predict_rows(const RowBlock& block, bool intercept, std::span<double> predictions) const {
  const std::size_t first = intercept ? 1 : 0;
  if constexpr (std::is_same_v<Real, double>) {
    BlockNumbers sums;
    block_kernels().predict_rows(block.first, block.stride, coefficients.data() + first, coefficients.size() - first,
                                 intercept ? coefficients[0] : 0.0, kMaxMagnitude, block.rows, sums.data());
    std::copy_n(sums.data(), block.rows, predictions.begin());
  } else {
    for_each_row(block, coefficients.size() - first,
                 [&](std::size_t i, const double* x) { predictions[i] = predict(x, intercept); });
  }
}

template <class Real>
double Solution<Real>::variance(const double* x, bool intercept) const {
  return std::isnan(noise) ? kNaN : variance_of(leverage(evidence.factor, rms, x, intercept));
}

template <class Real>
void Solution<Real>::variance_rows(const RowBlock& block, bool intercept, std::span<double> variances) const {
  if (std::isnan(noise)) {
    std::fill(variances.begin(), variances.end(), kNaN);
    return;
  }
  if constexpr (std::is_same_v<Real, double>) {
    const bool independent =
        std::all_of(inverse_diagonal.begin(), inverse_diagonal.end(), [](double inverse) { return inverse > 0; });
    if (independent) {
      BlockNumbers leverages;
      block_kernels().leverage_rows(block.first, block.stride, evidence.factor.packed().data(), inverse_diagonal.data(),
                                    coefficients.size(), intercept, block.rows, leverages.data());
      std::transform(leverages.data(), leverages.data() + block.rows, variances.begin(),
                     [this](double leverage) { return variance_of(leverage); });
      return;
    }
  }
  for_each_row(block, coefficients.size() - (intercept ? 1 : 0),
               [&](std::size_t i, const double* x) { variances[i] = variance(x, intercept); });
}

template <class Real>
double Solution<Real>::variance_of(double leverage) const {
  const double variance = noise * noise * (1 + leverage);
  return std::isfinite(variance) ? variance : kNaN;
}

namespace {

template <class Real>
class SolutionPredictor final : public Predictor {
 public:
  SolutionPredictor(Solution<Real> solution, bool intercept) : solution_(std::move(solution)), intercept_(intercept) {}
  double predict(const double* x) const override { return solution_.predict(x, intercept_); }
  double variance(const double* x) const override { return solution_.variance(x, intercept_); }

  void predict_rows(const double* rows, std::size_t columns, std::span<double> predictions) const override {
    for_each_block(rows, columns, predictions, [this](const RowBlock& block, std::span<double> of_block) {
      solution_.predict_rows(block, intercept_, of_block);
    });
  }
  void variance_rows(const double* rows, std::size_t columns, std::span<double> variances) const override {
    for_each_block(rows, columns, variances, [this](const RowBlock& block, std::span<double> of_block) {
      solution_.variance_rows(block, intercept_, of_block);
    });
  }

 private:
  // Lays the rows out in blocks that stay in the cache, full ones of up to kFewColumns, of fewer rows if they are
  // wider.
  void for_each_block(const double* rows, std::size_t columns, std::span<double> answers, const auto& use) const {
    constexpr std::size_t kFewColumns = 64;
    std::array<double, kFewColumns * WaitingRows::kStride> numbers;
    const std::size_t features = solution_.coefficients.size() - (intercept_ ? 1 : 0);
    const std::size_t stride = std::min(WaitingRows::kStride, numbers.size() / features);
    for (std::size_t first = 0; first < answers.size();) {
      const std::size_t count = std::min(stride - kMaxVector, answers.size() - first);
      lay_out_columns(rows + first * columns, columns, features, count, numbers.data(), stride);
      use(RowBlock{numbers.data(), stride, count}, answers.subspan(first, count));
      first += count;
    }
  }

  Solution<Real> solution_;
  bool intercept_;
};

}  // namespace

template <class Real>
std::unique_ptr<const Predictor> predictor_of(Solution<Real> solution, bool intercept) {
  return std::make_unique<const SolutionPredictor<Real>>(std::move(solution), intercept);
}

template struct Solution<double>;
template struct Solution<long double>;
template std::unique_ptr<const Predictor> predictor_of(Solution<double>, bool);
template std::unique_ptr<const Predictor> predictor_of(Solution<long double>, bool);

}  // namespace accrue::models
