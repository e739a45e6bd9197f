#include "daemon/verification.hpp"

#include <algorithm>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "daemon/spec_json.hpp"
#include "daemon/store_view.hpp"
#include "daemon/stored_models.hpp"
#include "models/key_state.hpp"

namespace accrue::daemon {
namespace {

// Checks one stream, from its oldest epoch to its newest.
class StreamCheck {
 public:
  StreamCheck(StoreView& store, const StreamRecord& record, Verification& verification)
      : store_(store), record_(record), verification_(verification) {}

  void run() {
    for (const std::string& producer : store_.producers_ahead(record_.id)) {
      problem(std::nullopt, "producer '" + producer + "' is ahead of the newest epoch: what it sends would be lost");
    }
    checked_.name = record_.name;
    std::optional<wire::StreamSpec> spec;
    try {
      spec = spec_from_json(record_.spec);
    } catch (const std::runtime_error& error) {
      problem(std::nullopt, error.what());
    }
    check_keys();
    std::vector<KeptEpoch> epochs = store_.epochs(record_.id, store_.epoch_range(record_.id).count);
    std::reverse(epochs.begin(), epochs.end());
    checked_.epochs = epochs.size();
    std::set<std::uint64_t> rows_of_past;
    for (const KeptEpoch& epoch : epochs) {
      const bool rolled_back = rows_of_past.contains(epoch.rows) || epoch.rows <= epochs.front().rows;
      if (epoch.rows < checked_.rows && !rolled_back) {
        problem(epoch.epoch, "it has " + std::to_string(epoch.rows) + " rows, and the one before it had " +
                                 std::to_string(checked_.rows));
      }
      checked_.rows = epoch.rows;
      rows_of_past.insert(epoch.rows);
      if (spec) check_states(epoch, *spec);
    }
    verification_.streams.push_back(checked_);
  }

 private:
  void problem(std::optional<std::uint64_t> epoch, const std::string& what) {
    verification_.problems.push_back({record_.name, epoch, what});
  }

  void check_keys() {
    const std::uint64_t newest = store_.epoch_range(record_.id).newest;
    store_.evicted_keys(record_.id, [&](const EvictedKey& evicted, std::uint64_t epoch) {
      std::optional<models::KeyState> state;
      const models::DecodeError damage = models::KeyState::decode(evicted.state, state);
      std::ostringstream which;
      which << "key " << evicted.key << " that model '" << evicted.model << "' evicted: ";
      if (!state) {
        problem(epoch, which.str() + to_string(damage));
      } else if (state->key != evicted.key || state->origin.beginning != evicted.beginning) {
        problem(epoch, which.str() + "it is under a wrong key");
      }
      if (epoch > newest) problem(epoch, which.str() + "it is ahead of the newest epoch: its rows would count twice");
    });
  }

  void check_states(const KeptEpoch& epoch, const wire::StreamSpec& spec) {
    const std::vector<PartitionState> states = store_.states(record_.id, epoch.epoch);
    checked_.states += states.size();
    std::optional<models::ModelSet> whole;
    bool intact = true;
    for (const PartitionState& state : states) {
      std::string why;
      if (!merge_part(state, spec, whole, why)) {
        problem(epoch.epoch, why);
        intact = false;
      }
    }
    // By partition and each but once: the last tells whether any is beyond the specification.
    const bool beyond = !states.empty() && states.back().partition >= spec.partitions;
    if (states.size() != spec.partitions || beyond) {
      problem(epoch.epoch, std::to_string(states.size()) + " of " + std::to_string(spec.partitions) +
                               " partitions are there" + (beyond ? ", some under a wrong number" : ""));
      intact = false;
    }
    if (intact) {
      check_models(epoch, *whole);
    } else if (store_.scored(record_.id, epoch.epoch).empty()) {
      problem(epoch.epoch, "its metrics are missing");
    }
  }

  void check_models(const KeptEpoch& epoch, const models::ModelSet& models) {
    std::map<std::string, std::uint64_t> scored;
    for (const auto& [model, rows] : store_.scored(record_.id, epoch.epoch)) scored[model] = rows;
    for (const models::Model& model : models.models()) {
      const std::string name = "model '" + model.spec().name + "'";
      const std::uint64_t rows = model.error().n();  // a learner may have begun anew since
      if (rows > epoch.rows) {                       // fewer, where it was added later
        problem(epoch.epoch, "it has " + std::to_string(epoch.rows) + " rows, and its " + name + " has learned " +
                                 std::to_string(rows));
      }
      const auto metrics = scored.find(model.spec().name);
      if (metrics == scored.end()) {
        problem(epoch.epoch, "the metrics of its " + name + " are missing");
      } else if (metrics->second != rows) {
        problem(epoch.epoch, "its " + name + " has learned " + std::to_string(rows) + " rows, and its metrics are of " +
                                 std::to_string(metrics->second));
      }
    }
    if (epoch.champion != models.champion().spec().name) {
      problem(epoch.epoch,
              "its champion is '" + models.champion().spec().name + "', and it says '" + epoch.champion + "'");
    }
  }

  StoreView& store_;
  const StreamRecord& record_;
  Verification& verification_;
  Verification::Stream checked_;
};

}  // namespace

Verification verify_store(const std::filesystem::path& file) {
  Verification verification;
  StoreView store(file);
  try {
    for (std::string& damage : store.damage()) verification.problems.push_back({{}, {}, std::move(damage)});
    for (const StreamRecord& record : store.streams()) StreamCheck(store, record, verification).run();
  } catch (const StoreError& error) {
    verification.problems.push_back({{}, {}, error.what()});  // so damaged that it cannot be read on
  }
  return verification;
}

std::string to_string(const Verification::Problem& problem) {
  std::string where = problem.stream.empty() ? "the file" : "stream '" + problem.stream + "'";
  if (problem.epoch) where += ", epoch " + std::to_string(*problem.epoch);
  return where + ": " + problem.what;
}

std::string to_text(const Verification& verification) {
  constexpr int kWidth = 12;
  std::ostringstream text;
  const auto cell = [&](const auto& value) -> std::ostream& { return text << std::setw(kWidth) << value; };
  cell("rows"), cell("epochs"), cell("states") << "  stream\n";
  for (const Verification::Stream& stream : verification.streams) {
    cell(stream.rows), cell(stream.epochs), cell(stream.states) << "  " << stream.name << "\n";
  }
  for (const Verification::Problem& problem : verification.problems) text << to_string(problem) << "\n";
  const std::size_t count = verification.problems.size();
  text << (count == 0 ? "no" : std::to_string(count)) << (count == 1 ? " problem\n" : " problems\n");
  return text.str();
}

}  // namespace accrue::daemon
