#include "datasets/california.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "datasets/csv.hpp"

namespace accrue::datasets {
namespace {

constexpr double kDollarsPerUnit = 100'000;

enum Column : std::size_t {  // of the file
  kLongitude,
  kLatitude,
  kHouseAge,
  kRooms,
  kBedrooms,
  kPopulation,
  kHouseholds,
  kIncome,
  kValue,
  kFileColumns
};

constexpr std::array<const char*, kFileColumns> kColumnNames = {"longitude",  "latitude",      "housingMedianAge",
                                                                "totalRooms", "totalBedrooms", "population",
                                                                "households", "medianIncome",  "medianHouseValue"};

}  // namespace

Table california_columns() {
  Table table;
  table.feature_names = {"MedInc",     "HouseAge", "AveRooms", "AveBedrms",
                         "Population", "AveOccup", "Latitude", "Longitude"};
  table.target_name = "MedHouseVal";
  return table;
}

std::optional<std::filesystem::path> find_california() {
  const char* const chosen = std::getenv("ACCRUE_DATASETS");
  for (const std::filesystem::path directory : {chosen ? chosen : "", "datasets/cache", "../shared/datasets"}) {
    std::error_code ignored;
    const std::filesystem::path file = directory / "cal_housing.data";
    if (!directory.empty() && std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return std::nullopt;
}

Table read_california(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file.string() + ": " + std::strerror(errno));
  CsvReader csv(in, file.string(), {kColumnNames.begin(), kColumnNames.end()});
  Table table = california_columns();
  table.values.reserve(kCaliforniaRows * table.columns());
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error(file.string() + ":" + std::to_string(csv.line()) + ": " + what);
  };
  std::array<double, kFileColumns> raw{};
  for (CsvResult result; (result = csv.next(raw)) != CsvResult::kEnd; ++table.rows) {
    if (result != CsvResult::kRow) throw std::runtime_error(csv.explain());
    if (table.rows == kCaliforniaRows) fail("more than 20640 rows; is it the right file?");
    if (raw[kHouseholds] <= 0) fail("column 'households': not above 0");
    table.values.insert(table.values.end(),
                        {raw[kIncome], raw[kHouseAge], raw[kRooms] / raw[kHouseholds],
                         raw[kBedrooms] / raw[kHouseholds], raw[kPopulation], raw[kPopulation] / raw[kHouseholds],
                         raw[kLatitude], raw[kLongitude], raw[kValue] / kDollarsPerUnit});
  }
  if (table.rows != kCaliforniaRows) {
    fail("the file ends after " + std::to_string(table.rows) + " of 20640 rows; fetch it again");
  }
  return table;
}

}  // namespace accrue::datasets
