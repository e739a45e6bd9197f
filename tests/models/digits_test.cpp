// How many digits of the true least-squares answer, known from arithmetic of 100 digits, survive: streamed, against
// Householder QR in double precision over all rows at once. Digits are -log10 of the relative error, the fewest of any
// coefficient; of several draws of rows and noise the median is compared, as one draw's is a matter of luck.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <Eigen/Dense>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/least_squares.hpp"

namespace accrue::models {
namespace {

using Exact = boost::multiprecision::cpp_bin_float_100;

constexpr int kDraws = 9;
constexpr double kLuck = 0.5;  // of a median

struct Problem {
  Eigen::MatrixXd x;  // its first column of ones
  Eigen::VectorXd y;
};

template <class Number>
struct Answer {
  std::vector<Number> coefficients;
  std::vector<Number> std_errors;
};

// Monomials on [1, 1.5].
Problem polynomial(std::size_t degree, double noise, std::size_t rows, std::uint64_t seed) {
  datasets::Random random(seed);
  const auto n = static_cast<Eigen::Index>(rows);
  const auto p = static_cast<Eigen::Index>(degree) + 1;
  Problem problem{Eigen::MatrixXd(n, p), Eigen::VectorXd::Zero(n)};
  for (Eigen::Index i = 0; i < n; ++i) {
    const double at = 1 + random.uniform() / 2;
    double power = 1;
    for (Eigen::Index k = 0; k < p; ++k, power *= at) {
      problem.x(i, k) = power;
      problem.y[i] += power;
    }
    problem.y[i] += noise * random.normal();
  }
  return problem;
}

// What national accounts look like: columns that grow together, of sizes from 1 to 10^6.
Problem economy(std::size_t rows, std::uint64_t seed) {
  datasets::Random random(seed);
  const auto n = static_cast<Eigen::Index>(rows);
  Problem problem{Eigen::MatrixXd(n, 7), Eigen::VectorXd(n)};
  for (Eigen::Index i = 0; i < n; ++i) {
    const double year = 20 * random.uniform();
    const double growth = std::pow(1.03, year);
    const double prices = 90 * growth + 0.3 * random.normal();
    const double product = 250'000 * growth * (1 + 0.004 * random.normal());
    const double idle = 2500 + 60 * year + 300 * random.normal();
    const double people = 100'000 + 1500 * year + 40 * random.normal();
    const double employed = 0.61 * people - idle + 25 * random.normal();
    problem.x.row(i) << 1, prices, product, idle, people, employed, 1950 + year;
    problem.y[i] = 4000 + 12 * prices + 0.02 * product - idle + 0.1 * people + 30 * year + 200 * random.normal();
  }
  return problem;
}

// The normal equations by Gauss and Jordan: of their squared condition 100 digits leave more than enough.
Answer<Exact> truth(const Problem& problem) {
  const auto n = static_cast<std::size_t>(problem.x.rows());
  const auto p = static_cast<std::size_t>(problem.x.cols());
  std::vector<std::vector<Exact>> rows(p, std::vector<Exact>(2 * p + 1));
  const auto x = [&](std::size_t i, std::size_t k) {
    const auto row = static_cast<Eigen::Index>(i);
    return k < p ? problem.x(row, static_cast<Eigen::Index>(k)) : problem.y[row];
  };
  for (std::size_t j = 0; j < p; ++j) {
    rows[j][p + j] = 1;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k <= p; ++k) {
        rows[j][k < p ? k : 2 * p] += Exact(x(i, j)) * x(i, k);
      }
    }
  }
  for (std::size_t j = 0; j < p; ++j) {
    const Exact pivot = rows[j][j];
    for (Exact& value : rows[j]) {
      value /= pivot;
    }
    for (std::size_t other = 0; other < p; ++other) {
      const Exact factor = rows[other][j];
      for (std::size_t k = 0; other != j && k <= 2 * p; ++k) {
        rows[other][k] -= factor * rows[j][k];
      }
    }
  }
  Exact squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Exact residual = x(i, p);
    for (std::size_t k = 0; k < p; ++k) {
      residual -= rows[k][2 * p] * x(i, k);
    }
    squares += residual * residual;
  }
  Answer<Exact> answer;
  for (std::size_t j = 0; j < p; ++j) {
    answer.coefficients.push_back(rows[j][2 * p]);
    answer.std_errors.push_back(sqrt(squares / (n - p) * rows[j][p + j]));
  }
  return answer;
}

Answer<double> householder(const Problem& problem) {
  const Eigen::Index p = problem.x.cols();
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(problem.x);
  const Eigen::VectorXd solution = qr.solve(problem.y);
  const Eigen::MatrixXd r = qr.matrixQR().topRows(p);
  const Eigen::MatrixXd inverse = r.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(p, p));
  const double residual =
      (problem.y - problem.x * solution).norm() / std::sqrt(static_cast<double>(problem.x.rows() - p));
  Answer<double> answer;
  for (Eigen::Index j = 0; j < p; ++j) {
    answer.coefficients.push_back(solution[j]);
    answer.std_errors.push_back(residual * inverse.row(j).norm());
  }
  return answer;
}

// Learns the rows in that order, so many a call, dealt to that many partitions that are merged in the end.
template <class Real>
Answer<double> streamed(const Problem& problem, const std::vector<std::size_t>& order, std::size_t call,
                        std::size_t partitions) {
  const auto features = static_cast<std::size_t>(problem.x.cols()) - 1;
  std::vector<std::vector<double>> parts(partitions);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto at = static_cast<Eigen::Index>(order[i]);
    std::vector<double>& part = parts[i % partitions];
    for (std::size_t k = 1; k <= features; ++k) {
      part.push_back(problem.x(at, static_cast<Eigen::Index>(k)));
    }
    part.push_back(problem.y[at]);
  }
  BasicLeastSquares<Real> merged({.features = features});
  std::vector<double> predictions(call);
  for (const std::vector<double>& part : parts) {
    BasicLeastSquares<Real> learner({.features = features});
    const RowsView rows{part.data(), part.size() / (features + 1), features + 1, features, false};
    for (std::size_t first = 0; first < rows.count; first += call) {
      learner.partial_fit(rows.slice(first, std::min(call, rows.count - first)), {predictions});
    }
    merged.merge(learner);
  }
  const Summary summary = merged.describe();
  std::vector<Estimate> estimates = summary.coefficients;
  estimates.insert(estimates.begin(), *summary.intercept);
  Answer<double> answer;
  for (const Estimate& estimate : estimates) {
    answer.coefficients.push_back(estimate.value);
    answer.std_errors.push_back(estimate.std_error.value_or(0));
  }
  return answer;
}

double digits(const std::vector<double>& actual, const std::vector<Exact>& expected) {
  double fewest = 17;  // more than a double has
  for (std::size_t j = 0; j < actual.size(); ++j) {
    const Exact error = abs((actual[j] - expected[j]) / expected[j]);
    fewest = std::min(fewest, error == 0 ? fewest : -std::log10(error.convert_to<double>()));
  }
  return fewest;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + kDraws / 2, values.end());
  return values[kDraws / 2];
}

struct Digits {
  double coefficients;
  double std_errors;
};

class DigitsTest : public testing::TestWithParam<int> {
 protected:
  static Problem problem(std::uint64_t seed, std::size_t rows) {
    switch (GetParam()) {
      case 0: return polynomial(10, 1e-3, rows, seed);
      case 1: return polynomial(5, 0.1, rows, seed);
      default: return economy(rows, seed);
    }
  }

  // The medians of several ways over the same draws.
  using Way = std::function<Answer<double>(const Problem&, std::uint64_t)>;
  static std::vector<Digits> medians(std::size_t rows, const std::vector<Way>& ways) {
    std::vector<std::array<std::vector<double>, 2>> all(ways.size());
    for (std::uint64_t draw = 1; draw <= kDraws; ++draw) {
      const Problem drawn = problem(draw, rows);
      const Answer<Exact> expected = truth(drawn);
      for (std::size_t way = 0; way < ways.size(); ++way) {
        const Answer<double> actual = ways[way](drawn, draw);
        all[way][0].push_back(digits(actual.coefficients, expected.coefficients));
        all[way][1].push_back(digits(actual.std_errors, expected.std_errors));
      }
    }
    std::vector<Digits> result;
    for (const auto& one : all) {
      result.push_back({median(one[0]), median(one[1])});
      std::cout << "  " << result.back().coefficients << " / " << result.back().std_errors;
    }
    std::cout << "\n";
    return result;
  }

  static std::vector<std::size_t> in_order(const Problem& problem) {
    std::vector<std::size_t> order(static_cast<std::size_t>(problem.y.size()));
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
  }
};

template <class Real>
Answer<double> shuffled(const Problem& problem, std::uint64_t seed, std::size_t partitions) {
  return streamed<Real>(problem, datasets::permutation(static_cast<std::size_t>(problem.y.size()), seed), 1,
                        partitions);
}

TEST_P(DigitsTest, StreamedAreAsManyAsHouseholderQrOverAllRows) {
  for (const std::size_t rows : {25u, 100u, 700u}) {
    const std::vector<Digits> all =
        medians(rows, {[](const Problem& p, std::uint64_t) { return householder(p); },
                       [](const Problem& p, std::uint64_t) { return streamed<double>(p, in_order(p), 1, 1); },
                       [](const Problem& p, std::uint64_t) { return streamed<double>(p, in_order(p), 64, 1); },
                       [](const Problem& p, std::uint64_t seed) { return shuffled<double>(p, seed, 1); },
                       [](const Problem& p, std::uint64_t seed) { return shuffled<double>(p, seed, 4); }});
    for (const Digits& one : all) {
      EXPECT_GE(one.coefficients, all[0].coefficients - kLuck) << rows << " rows";
      EXPECT_GE(one.std_errors, all[0].std_errors - kLuck) << rows << " rows";
    }
  }
}

TEST_P(DigitsTest, ExtendedPrecisionBuysTwoMoreOrAllThatADoubleHas) {
  if (std::numeric_limits<long double>::digits < 64) {
    GTEST_SKIP() << "a long double is a double here";
  }
  const std::vector<Digits> all =
      medians(700, {[](const Problem& p, std::uint64_t seed) { return shuffled<double>(p, seed, 4); },
                    [](const Problem& p, std::uint64_t seed) { return shuffled<long double>(p, seed, 4); }});
  EXPECT_GE(all[1].coefficients, std::min(all[0].coefficients + 2, 15.0));
  EXPECT_GE(all[1].std_errors, std::min(all[0].std_errors + 2, 15.0));
}

INSTANTIATE_TEST_SUITE_P(Problems, DigitsTest, testing::Range(0, 3));

}  // namespace
}  // namespace accrue::models
