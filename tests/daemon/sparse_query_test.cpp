#include "daemon/sparse_query.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace accrue::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SparseQuery, ListsTheLargestCoefficientsInTheOrderOfTheirFeatures) {
  models::Summary summary;
  const std::size_t count = wire::kMaxCoefficientsListed + 3;
  for (std::uint32_t i = 0; i < count; ++i) {
    summary.columns.push_back(10 * i);
    const double value = i == 5 || i == 700 || i == 9'000 ? 0.5 : 1 + i % 7;
    summary.coefficients.push_back({i % 2 == 0 ? value : -value, {}, {}});
  }
  wire::Coef reply;
  list_coefficients(summary, reply);
  EXPECT_EQ(reply.left_out, 3u);
  ASSERT_EQ(reply.names.size(), wire::kMaxCoefficientsListed);
  ASSERT_EQ(reply.coefficients.size(), wire::kMaxCoefficientsListed);
  EXPECT_EQ(reply.names[4], "40");
  EXPECT_EQ(reply.names[5], "60") << "feature 50 is left out";
  EXPECT_EQ(reply.coefficients[5].estimate, 7);
  EXPECT_EQ(reply.names.back(), std::to_string(10 * (count - 1)));
}

TEST(SparseQuery, NamesTheFeaturesOfANarrowStreamByTheirNumbersToo) {
  models::Summary summary;
  for (const double value : {0.0, 2.5, 0.0, -1.0}) summary.coefficients.push_back({value, {}, {}});
  wire::Coef reply;
  list_coefficients(summary, reply);
  EXPECT_THAT(reply.names, ElementsAre("1", "3"));
  EXPECT_EQ(reply.coefficients[1].estimate, -1);
  EXPECT_EQ(reply.left_out, 0u);
}

struct Asked {
  std::string problem;
  wire::Bytes bin;  // which the rows may point into
  std::vector<double> memory;
  wire::SparseParts rows{};
};

Asked ask(std::vector<std::uint32_t> columns, std::vector<double> values, std::uint32_t count = 1,
          wire::DataType dtype = wire::DataType::kFloat64) {
  wire::SparseRowsBin bin(wire::SparseForm::kFeatures);
  bin.append(columns, values, 0, 1);
  Asked asked;
  asked.bin.resize(bin.bytes());
  bin.write(asked.bin.data());
  wire::Predict query;
  query.dtype = dtype;
  query.count = count;
  query.rows.bin = asked.bin;
  asked.problem = read_sparse_rows(query, 10, asked.memory, asked.rows);
  return asked;
}

TEST(SparseQuery, ReadsRowsOrSaysWhatIsWrong) {
  const Asked good = ask({3, 9}, {1, -2});
  EXPECT_EQ(good.problem, "");
  EXPECT_THAT(good.rows.row_columns(0), ElementsAre(3, 9));
  EXPECT_THAT(good.rows.row_values(0), ElementsAre(1, -2));
  EXPECT_EQ(ask({}, {}).problem, "");
  EXPECT_EQ(ask({9, 3}, {1, 2}).problem, "row 1: bad_index");
  EXPECT_EQ(ask({10}, {1}).problem, "row 1: bad_index");
  EXPECT_EQ(ask({1}, {std::numeric_limits<double>::quiet_NaN()}).problem, "row 1: not_finite");
  EXPECT_EQ(ask({1}, {2e150}).problem, "row 1: magnitude");
  EXPECT_EQ(ask({1}, {1}, 2).problem, "16 bytes are not 2 sparse rows");
  EXPECT_THAT(ask({1}, {1}, 4).problem, HasSubstr("ends of the rows")) << "16 bytes may be 4 rows without a value";
  EXPECT_THAT(ask({1}, {1}, 1, wire::DataType::kFloat32).problem, HasSubstr("float 64"));
}

}  // namespace
}  // namespace accrue::daemon
