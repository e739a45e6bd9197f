// Two answers about a model, compared bit for bit: the same rows in the same order give the same bits, whatever
// happened meanwhile. Their epochs are left to the caller, for two runs may cut theirs at different rows.
#pragma once

#include <cstddef>
#include <string>

#include <accrue/client.hpp>
#include <gtest/gtest.h>

namespace accrue::tests {

inline void expect_same_bits(const Estimate& one, const Estimate& other, const std::string& name) {
  EXPECT_EQ(one.estimate, other.estimate) << name;
  EXPECT_EQ(one.std_error, other.std_error) << name;
}

inline void expect_same_bits(const Coefficients& one, const Coefficients& other) {
  EXPECT_EQ(one.rows, other.rows);
  EXPECT_EQ(one.names, other.names);
  ASSERT_EQ(one.intercept.has_value(), other.intercept.has_value());
  if (one.intercept) expect_same_bits(*one.intercept, *other.intercept, "(intercept)");
  ASSERT_EQ(one.coefficients.size(), other.coefficients.size());
  for (std::size_t i = 0; i < one.coefficients.size(); ++i) {
    expect_same_bits(one.coefficients[i], other.coefficients[i], one.names[i]);
  }
  EXPECT_EQ(one.residual_std, other.residual_std);
  EXPECT_EQ(one.r2, other.r2);
  EXPECT_EQ(one.condition, other.condition);
}

}  // namespace accrue::tests
