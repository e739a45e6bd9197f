// California housing: 20,640 block groups of the 1990 US census, as the regression table that everybody quotes.
// datasets/README.md has the file's columns and the derivation. Thread-safe: plain functions.
// Source: Pace and Barry, "Sparse Spatial Autoregressions", Statistics and Probability Letters 33 (1997).
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "datasets/table.hpp"

namespace accrue::datasets {

inline constexpr std::size_t kCaliforniaRows = 20'640;

// An empty table with California's columns: MedInc HouseAge AveRooms AveBedrms Population AveOccup Latitude Longitude,
// and the target MedHouseVal in units of 100,000 dollars.
Table california_columns();

// Where cal_housing.data is: the first of $ACCRUE_DATASETS, datasets/cache and ../shared/datasets (both from the
// working directory) that holds it. Looks at names only; scripts/fetch-datasets also checks, and downloads.
std::optional<std::filesystem::path> find_california();

// Reads cal_housing.data in the file's order. Throws std::runtime_error, with file and line, when the file cannot be
// read, when a line is damaged, and when there are not kCaliforniaRows of them.
Table read_california(const std::filesystem::path& file);

}  // namespace accrue::datasets
