// Holds daemon/STORE.md true to the store: its columns, its queries, its pragmas' numbers.
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/store.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::SqliteFile;

struct Document {
  using Columns = std::vector<SqliteFile::Row>;  // name, type

  std::map<std::string, Columns> tables;
  std::vector<std::string> queries;
  std::string text;
};

Document read_document() {
  std::ifstream in(ACCRUE_SOURCE_DIR "/daemon/STORE.md");
  Document document;
  std::string table;
  bool in_query = false;
  for (std::string line; std::getline(in, line);) {
    document.text += line + "\n";
    if (line == "```sql") {
      document.queries.emplace_back();
      in_query = true;
    } else if (line == "```") {
      in_query = false;
    } else if (in_query) {
      document.queries.back() += line + "\n";
    } else if (line.starts_with("#")) {
      table = line.starts_with("### ") ? line.substr(4) : "";
    } else if (!table.empty() && line.starts_with("| ") && !line.starts_with("| column") &&
               !line.starts_with("| ---")) {
      std::istringstream cells(line);
      std::string bar, name, type;
      cells >> bar >> name >> bar >> type;
      document.tables[table].push_back({name, type});
    }
  }
  return document;
}

class StoreDocumentTest : public ::testing::Test {
 protected:
  static EpochRecord record(std::uint64_t stream, std::uint64_t epoch) {
    EpochRecord r;
    r.stream = stream;
    r.epoch = epoch;
    r.rows = epoch * 1000;
    r.states = {{0, std::vector<std::byte>(30)}, {1, std::vector<std::byte>(12)}};
    r.rejections = {{"not finite", epoch}, {"schema", epoch * 2}};
    r.champion = "main";
    r.metrics = {{.model = "main", .n = r.rows, .mse = 0.5, .mae = 0.25, .r2 = 0.75}};
    r.history = {{.model = "main", .span = "last_10000", .n = r.rows, .rmse = 0.5}};
    return r;
  }

  const Document document = read_document();
  tests::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "store.sqlite";
  Store store{file};
};

TEST_F(StoreDocumentTest, EveryTableAndColumnIsDocumented) {
  SqliteFile reader(file);
  std::map<std::string, Document::Columns> tables;
  for (const auto& row :
       reader.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")) {
    tables[row[0]] = reader.query("SELECT name, type FROM pragma_table_info('" + row[0] + "')");
  }
  EXPECT_EQ(document.tables, tables);
}

TEST_F(StoreDocumentTest, EveryTableIsStrict) {
  EXPECT_THAT(SqliteFile(file).query("SELECT name FROM pragma_table_list"
                                     " WHERE schema = 'main' AND NOT strict AND name NOT LIKE 'sqlite%'"),
              ::testing::IsEmpty());
}

TEST_F(StoreDocumentTest, PersistentPragmasAreAsDocumented) {
  SqliteFile reader(file);
  std::ostringstream application_id;
  application_id << "| application_id | 0x" << std::hex << std::stol(reader.query("PRAGMA application_id")[0][0])
                 << " |";
  EXPECT_THAT(document.text, HasSubstr(application_id.str()));
  EXPECT_THAT(document.text, HasSubstr("| user_version | " + reader.query("PRAGMA user_version")[0][0] + " |"));
  EXPECT_THAT(reader.query("PRAGMA journal_mode"), ElementsAre(ElementsAre("wal")));
}

TEST_F(StoreDocumentTest, QueriesAnswerWhileTheDaemonHoldsTheFile) {
  const std::uint64_t california = store.create_stream("california", "{}");
  store.create_stream("idle", "{}");
  for (const std::uint64_t epoch : {1u, 2u}) {
    const EpochRecord r = record(california, epoch);
    store.commit({&r, 1}, 1'000'000'000'000);
  }
  ASSERT_EQ(document.queries.size(), 4u);
  SqliteFile reader(file);
  EXPECT_THAT(reader.query(document.queries[0]),
              ElementsAre(ElementsAre("1", "2001-09-09 01:46:40", "main", "1000", "0.5", "0.25", "0.75"),
                          ElementsAre("2", "2001-09-09 01:46:40", "main", "2000", "0.5", "0.25", "0.75")));
  EXPECT_THAT(reader.query(document.queries[1]),
              ElementsAre(ElementsAre("california", "2", "2000", "42"), ElementsAre("idle", "NULL", "NULL", "NULL")));
  EXPECT_THAT(reader.query(document.queries[2]),
              ElementsAre(ElementsAre("california", "schema", "4"), ElementsAre("california", "not finite", "2")));
  EXPECT_THAT(reader.query(document.queries[3]),
              ElementsAre(ElementsAre("1000000000000", "main", "0.5"), ElementsAre("1000000000000", "main", "0.5")));
}

}  // namespace
}  // namespace accrue::daemon
