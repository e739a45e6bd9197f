// Intake: the models of a stream change among its rows, and whoever asked hears when that is durable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::ErrorCode;

// Stream 1 of one partition; p is connected as "c", and "o" has not opened it.
class IntakeModelsTest : public IntakeTest {
 protected:
  IntakeModelsTest() : IntakeTest(with_judge()) {
    client("o", wire::Hello{"operator", true});
    join("c", "p");
    push("c", 1);
  }

  static IntakeOptions with_judge() {
    IntakeOptions options = IntakeTest::options();
    options.problem_with_models = [](const wire::StreamSpec& spec) {
      const bool bad = !spec.models.empty() && spec.models.back().learner == "guess";
      return bad ? std::string("there is no learner 'guess'") : std::string();
    };
    return options;
  }

  void add(std::uint64_t request, const std::string& name, const std::string& learner = "least_squares") {
    client("o", wire::AddModel{request, "s", {name, learner}});
  }
  void drop(std::uint64_t request, const std::string& name) { client("o", wire::DropModel{request, "s", name}); }
  void promote(std::uint64_t request, const std::string& name) { client("o", wire::PromoteModel{request, "s", name}); }
  void durable() { pipeline(EpochDurable{1, cuts().back().epoch}); }
  void lose_worker() { pipeline(WorkerGone{"name of " + holder()}); }
  // As of the newest epoch, which has these models.
  void go_back(const std::vector<std::string>& models, const std::string& champion) {
    pipeline(RecoveredStream{1, "s", kSpec, 5, 2, {{"p", 1}}, {}, {{std::byte{5}}}, 0, models, champion});
  }

  // What the worker that holds the partition was told, a letter each: rows, a change, the cut of an epoch.
  std::string told() {
    std::string letters;
    for (const wire::Bytes& message : out_.workers[holder()]) {
      wire::Frame frame;
      EXPECT_EQ(frame.parse(message), wire::DecodeError::kNone);
      if (frame.type() == OpenPartition::kType) letters += 'o';
      if (frame.type() == Deliver::kType) letters += 'r';
      if (frame.type() == ChangeModels::kType) letters += 'm';
      if (frame.type() == Barrier::kType) letters += 'b';
    }
    return letters;
  }
  std::vector<std::string> changed() {
    std::vector<std::string> names;
    for (const auto& change : all<ChangeModels>(out_.workers[holder()])) names.push_back(change.change.model.name);
    return names;
  }
  std::vector<std::uint64_t> done() {
    std::vector<std::uint64_t> requests;
    for (const auto& changed : all<wire::ModelsChanged>(out_.clients["o"])) requests.push_back(changed.request);
    return requests;
  }
  wire::Error last_error() { return all<wire::Error>(out_.clients["o"]).back(); }
};

TEST_F(IntakeModelsTest, AChangeHasItsPlaceAmongTheRowsAndIsAnsweredWhenItIsDurable) {
  add(7, "x");
  push("c", 2);
  EXPECT_EQ(told(), "ormbr") << "an epoch was cut at once";
  EXPECT_THAT(done(), IsEmpty());
  durable();
  ASSERT_THAT(done(), ElementsAre(7));
  const auto answer = all<wire::ModelsChanged>(out_.clients["o"]).back();
  EXPECT_EQ(answer.stream, "s");
  EXPECT_EQ(answer.epoch, cuts().back().epoch);
}

TEST_F(IntakeModelsTest, AChangeWhileAnEpochIsInFlightIsInTheNext) {
  add(7, "x");
  add(8, "y");
  EXPECT_EQ(cuts().size(), 1u);
  durable();
  EXPECT_THAT(done(), ElementsAre(7));
  EXPECT_EQ(cuts().size(), 2u) << "and that is cut without delay";
  EXPECT_FALSE(intake_.idle());
  durable();
  EXPECT_THAT(done(), ElementsAre(7, 8));
  EXPECT_TRUE(intake_.idle());
}

TEST_F(IntakeModelsTest, AStreamWithoutRowsChangesToo) {
  join("c", "p", "t");
  client("o", wire::AddModel{3, "t", {"x", "least_squares"}});
  pipeline(EpochDurable{2, cuts().back().epoch});
  EXPECT_THAT(done(), ElementsAre(3));
}

TEST_F(IntakeModelsTest, WhatCannotBeIsRefusedInASentence) {
  struct Refusal {
    ErrorCode code;
    std::string text;
  };
  const auto expect = [&](const Refusal& expected) {
    EXPECT_EQ(last_error().request, 7u);
    EXPECT_EQ(last_error().code, expected.code);
    EXPECT_EQ(last_error().text, expected.text);
  };
  add(7, "least_squares");
  expect({ErrorCode::kModelExists, "stream 's' has a model 'least_squares' already"});
  add(7, "x", "guess");
  expect({ErrorCode::kBadSpec, "stream 's' cannot have this model: there is no learner 'guess'"});
  add(7, "no name");
  EXPECT_EQ(last_error().code, ErrorCode::kBadSpec);
  drop(7, "x");
  expect({ErrorCode::kUnknownModel, "stream 's' has no model 'x'; it has least_squares"});
  promote(7, "x");
  expect({ErrorCode::kUnknownModel, "stream 's' has no model 'x'; it has least_squares"});
  drop(7, "least_squares");
  expect({ErrorCode::kBadSpec, "model 'least_squares' is the champion of stream 's': promote another, then drop it"});
  client("o", wire::DropModel{7, "t", "x"});
  expect({ErrorCode::kUnknownStream, "there is no stream 't'"});
  client("o", wire::AddModel{7, "t", {"x", "least_squares"}});
  expect({ErrorCode::kUnknownStream, "there is no stream 't'"});
  EXPECT_THAT(changed(), IsEmpty());
}

TEST_F(IntakeModelsTest, EachChangeIsJudgedByThoseBeforeIt) {
  add(1, "x");
  promote(2, "x");
  drop(3, "least_squares");
  drop(4, "x");
  EXPECT_EQ(last_error().request, 4u);
  EXPECT_EQ(last_error().code, ErrorCode::kBadSpec);
  promote(5, "least_squares");
  EXPECT_EQ(last_error().request, 5u);
  EXPECT_EQ(last_error().code, ErrorCode::kUnknownModel);
  EXPECT_THAT(changed(), ElementsAre("x", "x", "least_squares"));
}

TEST_F(IntakeModelsTest, AStreamHasSoManyModelsAndNoMore) {
  for (std::size_t i = 1; i < wire::kMaxModels; ++i) {
    add(i, std::to_string(i));
    durable();
  }
  EXPECT_THAT(errors("o"), IsEmpty());
  add(99, "more");
  EXPECT_EQ(last_error().code, ErrorCode::kTooMany);
}

TEST_F(IntakeModelsTest, OnlySoManyChangesWait) {
  for (std::uint64_t i = 1; i <= ModelRoster::kMaxWaiting; ++i) add(i, std::to_string(i));
  EXPECT_THAT(errors("o"), IsEmpty());
  add(99, "more");
  EXPECT_EQ(last_error().request, 99u);
  EXPECT_EQ(last_error().code, ErrorCode::kTooMany);
}

TEST_F(IntakeModelsTest, WhoAsksAgainBeforeItIsDurableIsAnsweredWithTheFirst) {
  add(1, "x");
  add(2, "x");
  EXPECT_THAT(changed(), ElementsAre("x"));
  durable();
  durable();
  EXPECT_THAT(done(), ElementsAre(1, 2));
  add(3, "x");
  EXPECT_EQ(last_error().code, ErrorCode::kModelExists);
  drop(4, "x");
  drop(5, "x");
  EXPECT_THAT(changed(), ElementsAre("x", "x"));
  add(6, "x", "sgd");
  add(7, "x");
  EXPECT_EQ(last_error().request, 7u) << "another model of that name";
}

// The refusal would say that it is there, and it may yet be lost.
TEST_F(IntakeModelsTest, WhoAddsAgainWhatWasPromotedBeforeItIsDurableWaitsForThat) {
  add(7, "x");
  promote(8, "x");
  add(9, "x");
  EXPECT_THAT(all<wire::Error>(out_.clients["o"]), IsEmpty());
  EXPECT_EQ(told(), "ormbm") << "added once";
  durable();
  durable();
  EXPECT_THAT(done(), ElementsAre(7, 8, 9));
}

TEST_F(IntakeModelsTest, AfterARewindWhatIsNotDurableIsChangedAgainBeforeAnyRow) {
  add(1, "x");
  durable();
  promote(2, "x");
  drop(3, "least_squares");
  lose_worker();
  go_back({"least_squares", "x"}, "least_squares");
  EXPECT_THAT(changed(), ElementsAre("x", "least_squares"));
  client("c", wire::Open{"s", std::nullopt});
  push("c", 2);
  EXPECT_EQ(told(), "ommbr");
  durable();
  EXPECT_THAT(done(), ElementsAre(1, 2, 3));
}

TEST_F(IntakeModelsTest, WhatCannotBeAnyMoreAfterGoingBackIsRefused) {
  add(1, "x");
  durable();
  client("o", wire::Rollback{9, "s", 3});
  promote(2, "x");
  add(3, "y");
  EXPECT_THAT(done(), ElementsAre(1)) << "they wait for the stream";
  go_back({"least_squares"}, "least_squares");
  EXPECT_EQ(last_error().request, 2u);
  EXPECT_EQ(last_error().code, ErrorCode::kUnknownModel);
  EXPECT_THAT(changed(), ElementsAre("x", "y")) << "x before it went back";
}

TEST_F(IntakeModelsTest, ADroppedStreamsChangesAreRefused) {
  add(1, "x");
  client("c", wire::Drop{"s"});
  EXPECT_EQ(last_error().request, 1u);
  EXPECT_EQ(last_error().code, ErrorCode::kUnknownStream);
}

TEST_F(IntakeModelsTest, AStreamIsNotCreatedWithModelsThatCannotBe) {
  wire::StreamSpec spec = kSpec;
  spec.models = {{"x", "guess"}};
  client("c", wire::Open{"t", spec});
  EXPECT_THAT(errors("c"), ElementsAre(ErrorCode::kBadSpec));
  spec.models = {{"x", "sgd"}, {"y", "least_squares"}};
  client("c", wire::Open{"t", spec});
  pipeline(StreamCreated{"t", 2, {}});
  client("o", wire::DropModel{1, "t", "x"});
  EXPECT_EQ(last_error().code, ErrorCode::kBadSpec) << "the first is the champion";
  client("o", wire::DropModel{2, "t", "y"});
  pipeline(EpochDurable{2, cuts().back().epoch});
  EXPECT_THAT(done(), ElementsAre(2));
}

}  // namespace
}  // namespace accrue::ingest
