// A stream's past: every epoch that is kept answers as it did when it was the newest.
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/daemon.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/same_bits.hpp"

namespace accrue::tests {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

const StreamSpec kSpec = {.features = {"x", "z"}, .target = "y", .partitions = 3};
const std::vector<double> kQuestion = {1, 2, -5, 0.25};

std::vector<double> rows(int round) {
  std::vector<double> rows;
  for (int i = 0; i < 40; ++i) {
    const double x = i % 11 + round;
    const double z = (i * 7) % 13;
    rows.insert(rows.end(), {x, z, 3 + 2 * x - 0.5 * z + (i * round) % 5});
  }
  return rows;
}

struct Moment {
  Coefficients coef;
  Prediction prediction;
  Metrics metrics;
};

class PastEpochs : public testing::Test {
 protected:
  // Epochs, and what each answered while it was the newest.
  void learn(int rounds) {
    Client client({.endpoint = daemon_.endpoint(), .batch_rows = 7});
    Stream stream = client.stream("s", kSpec);
    for (int round = 1; round <= rounds; ++round) {
      stream.push_rows(rows(round));
      stream.flush();
      const Moment moment{stream.coef(), stream.predict(kQuestion), stream.metrics()};
      past_[moment.coef.epoch] = moment;
    }
  }

  void expect_the_past(const Client& client) {
    for (const Epoch& epoch : client.epochs("s").epochs) {
      const auto found = past_.find(epoch.epoch);
      if (found == past_.end()) continue;  // one that nobody looked at in its time
      SCOPED_TRACE("epoch " + std::to_string(epoch.epoch));
      const Moment& then = found->second;
      const Coefficients coef = client.coef("s", epoch.epoch);
      EXPECT_EQ(coef.epoch, then.coef.epoch);
      expect_same_bits(coef, then.coef);
      const Prediction prediction = client.predict("s", kQuestion, epoch.epoch);
      EXPECT_EQ(prediction.epoch, epoch.epoch);
      EXPECT_EQ(prediction.rows, then.prediction.rows);
      EXPECT_EQ(prediction.values, then.prediction.values);
      EXPECT_EQ(epoch.rows, then.metrics.rows);
      EXPECT_EQ(epoch.mse, then.metrics.mse);
      EXPECT_EQ(epoch.mse_clipped, then.metrics.mse_clipped);
      ++compared_;
    }
  }

  Daemon daemon_;
  std::map<std::uint64_t, Moment> past_;
  int compared_ = 0;
};

TEST_F(PastEpochs, AnswerAsTheyDidAlsoAfterACrash) {
  learn(6);
  expect_the_past(Client({.endpoint = daemon_.endpoint()}));
  daemon_.kill();
  daemon_.start();
  expect_the_past(Client({.endpoint = daemon_.endpoint()}));
  EXPECT_GE(compared_, 12);
}

TEST_F(PastEpochs, AreListedNewestFirstAndNoMoreThanAreKept) {
  const auto begin = std::chrono::system_clock::now() - std::chrono::seconds(1);
  learn(20);
  const KeptEpochs kept = Client({.endpoint = daemon_.endpoint()}).epochs("s");
  EXPECT_EQ(kept.kept, 16u);
  ASSERT_EQ(kept.epochs.size(), 16u);
  EXPECT_EQ(kept.epochs.front().rows, 800u);
  for (std::size_t i = 1; i < kept.epochs.size(); ++i) EXPECT_LT(kept.epochs[i].epoch, kept.epochs[i - 1].epoch);
  for (const Epoch& epoch : kept.epochs) {
    EXPECT_GT(epoch.committed, begin);
    EXPECT_LT(epoch.committed, std::chrono::system_clock::now() + std::chrono::seconds(1));
  }
}

TEST_F(PastEpochs, OnesThatAreNotKeptAreRefusedWithTheRange) {
  learn(20);
  const Client client({.endpoint = daemon_.endpoint()});
  const KeptEpochs kept = client.epochs("s");
  const std::string range =
      "16, from " + std::to_string(kept.epochs.back().epoch) + " to " + std::to_string(kept.epochs.front().epoch);
  for (const std::uint64_t epoch : {kept.epochs.back().epoch - 1, kept.epochs.front().epoch + 1}) {
    EXPECT_EQ(refusal([&] { (void)client.coef("s", epoch); }, range), Error::Kind::kUnknownEpoch) << epoch;
  }
}

TEST_F(PastEpochs, AreReadWhileOthersAreCommitted) {
  learn(3);
  const Client reader({.endpoint = daemon_.endpoint()});
  Client writer({.endpoint = daemon_.endpoint()});
  Stream stream = writer.stream("s");
  for (int round = 0; round < 10; ++round) {
    stream.push_rows(rows(round));
    expect_the_past(reader);
    stream.flush();
  }
  EXPECT_GE(compared_, 30);
}

TEST_F(PastEpochs, AreSeenFromTheCommandLine) {
  learn(3);
  const auto& [number, then] = *past_.begin();
  const std::string epoch = std::to_string(number);

  const ordered_json list = daemon_.answer({"epochs", "s"});
  EXPECT_EQ(list["kept"], list["epochs"].size());
  const ordered_json& oldest = list["epochs"].back();
  EXPECT_EQ(oldest["epoch"], number);
  EXPECT_EQ(oldest["n"], 40);
  EXPECT_EQ(oldest["mse"], *then.metrics.mse);
  EXPECT_EQ(oldest["mse_clipped"], *then.metrics.mse_clipped);
  EXPECT_THAT(oldest["committed"].get<std::string>(),
              testing::MatchesRegex("20[0-9-]{8}T[0-9][0-9]:[0-9][0-9]:[0-9][0-9][.][0-9]{3}Z"));
  EXPECT_THAT(daemon_.accrue({"epochs", "s", "--format", "csv"}).output, testing::StartsWith("epoch,n,committed,mse,"));
  EXPECT_THAT(daemon_.accrue({"epochs", "s"}).output, HasSubstr("progressive MSE"));

  const ordered_json coef = daemon_.answer({"coef", "s", "--epoch", epoch});
  EXPECT_EQ(coef["intercept"]["estimate"], then.coef.intercept->estimate);
  EXPECT_EQ(coef["epoch"], number);

  const ordered_json predict = daemon_.answer({"predict", "s", "-", "--epoch", epoch}, "x,z\n1,2\n-5,0.25\n");
  EXPECT_EQ(predict["epoch"], number);
  EXPECT_EQ(predict["predictions"].get<std::vector<double>>(), then.prediction.values);

  const Finished refused = daemon_.accrue({"coef", "s", "--epoch", "999"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error_output, HasSubstr("epoch 999 of stream 's' is not kept"));
  const Finished unknown = daemon_.accrue({"epochs", "t"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.error_output, HasSubstr("'t'"));
}

}  // namespace
}  // namespace accrue::tests
