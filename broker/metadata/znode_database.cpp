#include "broker/metadata/znode_database.h"

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace millrace::metadata {
namespace {

constexpr int application_id = 0x4d4c5243;  // "MLRC"

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::corrupt;
    case SQLITE_FULL:
      return ErrorKind::no_space;
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return ErrorKind::permission_denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::conflict;
    default:
      return ErrorKind::io;
  }
}

// A prepared statement: bind by position from 1, step, read columns from 0.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* database, std::string_view sql) {
    // A statement that could not be prepared is null: step() then fails with the connection's error.
    sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement_,
                       nullptr);
  }
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  void bind(int position, std::int64_t number) { sqlite3_bind_int64(statement_, position, number); }
  void bind_text(int position, std::string_view text) {
    sqlite3_bind_text64(statement_, position, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind_blob(int position, std::string_view bytes) {
    // A null pointer would be NULL, an empty blob needs an address.
    sqlite3_bind_blob64(statement_, position, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
  }
  int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
  void reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  [[nodiscard]] std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string bytes(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

constexpr std::string_view schema = R"sql(
  CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE znode (
    path TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL,
    czxid INTEGER NOT NULL, mzxid INTEGER NOT NULL, pzxid INTEGER NOT NULL, ctime INTEGER NOT NULL, mtime INTEGER NOT NULL,
    version INTEGER NOT NULL, children_created INTEGER NOT NULL, ephemeral_owner INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO meta VALUES ('zxid', 0);
  INSERT INTO znode VALUES ('/', x'', 0, 0, 0, 0, 0, 0, 0, 0);
)sql";

}  // namespace

class ZnodeDatabase::Connection {
 public:
  Connection(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    for (auto* statement : {&begin_, &commit_, &rollback_, &upsert_, &erase_, &set_zxid_}) *statement = Statement();
    sqlite3_close(database_);
  }

  [[nodiscard]] Error error(std::string_view doing) const {
    int code = sqlite3_extended_errcode(database_);
    Error error{kind_of(code),
                "the metadata database " + path_ + ": " + std::string(doing) + ": " + sqlite3_errmsg(database_)};
    if (error.kind == ErrorKind::corrupt) {
      error.message += "; restore it from a copy, or move it away to start without the cluster's topics";
    }
    return error;
  }
  Status run(const std::string& sql, std::string_view doing) {
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return tl::unexpected(error(doing));
  }
  Result<std::int64_t> number(std::string_view sql, std::string_view doing) {
    Statement statement(database_, sql);
    if (statement.step() != SQLITE_ROW) return tl::unexpected(error(doing));
    return statement.number(0);
  }

  Status prepare_settings();
  Status prepare_schema();
  Status check_pages();
  Status prepare_statements();
  Result<Zxid> load(ZnodeTree& tree);
  Status commit(const ZnodeTree& tree, Zxid zxid);

 private:
  Status step_once(Statement& statement, std::string_view doing) {
    int code = statement.step();
    auto status = code == SQLITE_DONE ? Status() : tl::unexpected(error(doing));
    statement.reset();
    return status;
  }
  Status write(const std::string& path, const ZnodeTree::Node* node);

  sqlite3* database_;
  const std::string path_;
  Statement begin_, commit_, rollback_, upsert_, erase_, set_zxid_;
};

Status ZnodeDatabase::Connection::prepare_settings() {
  // Exclusive locking keeps the WAL's index in memory; the cache is bounded at 512 KiB, the WAL is cut back to 4 MiB.
  return run(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-512; PRAGMA temp_store=MEMORY; PRAGMA journal_mode=WAL;"
      "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304; PRAGMA trusted_schema=OFF;",
      "cannot be opened");
}

Status ZnodeDatabase::Connection::prepare_schema() {
  constexpr std::string_view doing = "cannot be read";
  auto version = number("PRAGMA user_version", doing);
  auto application = version.and_then([&](auto) { return number("PRAGMA application_id", doing); });
  auto tables = application.and_then([&](auto) { return number("SELECT count(*) FROM sqlite_schema", doing); });
  if (!tables) return tl::unexpected(std::move(tables.error()));
  if (*version == 0 && *application == 0 && *tables == 0) {
    return run("BEGIN IMMEDIATE;" + std::string(schema) + "PRAGMA application_id=" + std::to_string(application_id) +
                   ";PRAGMA user_version=" + std::to_string(schema_version) + ";COMMIT;",
               "cannot be made");
  }
  if (*application != application_id) {
    return fail(ErrorKind::corrupt,
                "the metadata database " + path_ + " is not Millrace's: it is another program's SQLite file");
  }
  if (*version != schema_version) {
    return fail(ErrorKind::unsupported, "the metadata database " + path_ + " has schema version " +
                                            std::to_string(*version) + "; this broker reads version " +
                                            std::to_string(schema_version) +
                                            ". Start the version of the broker that wrote it");
  }
  return {};
}

Status ZnodeDatabase::Connection::check_pages() {
  Statement check(database_, "PRAGMA quick_check(1)");
  if (check.step() != SQLITE_ROW) return tl::unexpected(error("cannot be checked"));
  auto verdict = check.bytes(0);
  if (verdict == "ok") return {};
  return fail(ErrorKind::corrupt,
              "the metadata database " + path_ + " is damaged: " + verdict +
                  "; restore it from a copy, or move it away to start without the cluster's topics");
}

Status ZnodeDatabase::Connection::prepare_statements() {
  begin_ = Statement(database_, "BEGIN IMMEDIATE");
  commit_ = Statement(database_, "COMMIT");
  rollback_ = Statement(database_, "ROLLBACK");
  upsert_ = Statement(database_, "INSERT OR REPLACE INTO znode VALUES (?,?,?,?,?,?,?,?,?,?)");
  erase_ = Statement(database_, "DELETE FROM znode WHERE path = ?");
  set_zxid_ = Statement(database_, "UPDATE meta SET value = ? WHERE key = 'zxid'");
  if (sqlite3_errcode(database_) != SQLITE_OK) return tl::unexpected(error("lacks its tables"));
  return {};
}

Result<Zxid> ZnodeDatabase::Connection::load(ZnodeTree& tree) {
  auto zxid = number("SELECT value FROM meta WHERE key = 'zxid'", "has no zxid");
  if (!zxid) return tl::unexpected(std::move(zxid.error()));
  // In the order of paths a parent comes before its children.
  Statement rows(database_,
                 "SELECT path, data, czxid, mzxid, pzxid, ctime, mtime, version, children_created, ephemeral_owner "
                 "FROM znode ORDER BY path");
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step()) {
    ZnodeTree::Node node;
    node.data = rows.bytes(1);
    node.stat.czxid = Zxid(rows.number(2));
    node.stat.mzxid = Zxid(rows.number(3));
    node.stat.pzxid = Zxid(rows.number(4));
    node.stat.ctime = TimestampMs(rows.number(5));
    node.stat.mtime = TimestampMs(rows.number(6));
    node.stat.version = ZnodeVersion(static_cast<std::int32_t>(rows.number(7)));
    node.children_created = static_cast<std::int32_t>(rows.number(8));
    node.stat.ephemeral_owner = SessionId(rows.number(9));
    if (auto restored = tree.restore(rows.bytes(0), std::move(node)); !restored) {
      return fail(ErrorKind::corrupt, "the metadata database " + path_ + " is damaged: " + restored.error().message);
    }
  }
  if (code != SQLITE_DONE) return tl::unexpected(error("cannot be read"));
  return Zxid(*zxid);
}

Status ZnodeDatabase::Connection::write(const std::string& path, const ZnodeTree::Node* node) {
  if (node == nullptr) {
    erase_.bind_text(1, path);
    return step_once(erase_, "cannot be written");
  }
  upsert_.bind_text(1, path);
  upsert_.bind_blob(2, node->data);
  const std::array<std::int64_t, 8> numbers{node->stat.czxid.value(), node->stat.mzxid.value(),
                                            node->stat.pzxid.value(), node->stat.ctime.value(),
                                            node->stat.mtime.value(), node->stat.version.value(),
                                            node->children_created,   node->stat.ephemeral_owner.value()};
  for (int index = 0; index < static_cast<int>(numbers.size()); ++index) {
    upsert_.bind(index + 3, numbers[static_cast<std::size_t>(index)]);
  }
  return step_once(upsert_, "cannot be written");
}

Status ZnodeDatabase::Connection::commit(const ZnodeTree& tree, Zxid zxid) {
  auto status = step_once(begin_, "cannot be written");
  if (!status) return status;
  tree.for_each_touched([&](const std::string& path, const ZnodeTree::Node* node) {
    if (status) status = write(path, node);
  });
  if (status) {
    set_zxid_.bind(1, zxid.value());
    status = step_once(set_zxid_, "cannot be written");
  }
  if (status) status = step_once(commit_, "cannot be synced");
  // Some errors end the transaction by themselves.
  if (!status && sqlite3_get_autocommit(database_) == 0) (void)step_once(rollback_, "cannot be rolled back");
  return status;
}

ZnodeDatabase::ZnodeDatabase(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
ZnodeDatabase::~ZnodeDatabase() = default;

Result<std::unique_ptr<ZnodeDatabase>> ZnodeDatabase::open(const std::string& path) {
  sqlite3* database = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             nullptr);
  auto connection = std::make_unique<Connection>(database, path);
  if (code != SQLITE_OK) return tl::unexpected(connection->error("cannot be opened"));
  sqlite3_extended_result_codes(database, 1);
  auto ready = connection->prepare_settings()
                   .and_then([&] { return connection->prepare_schema(); })
                   .and_then([&] { return connection->check_pages(); })
                   .and_then([&] { return connection->prepare_statements(); });
  if (!ready) return tl::unexpected(std::move(ready.error()));
  return std::unique_ptr<ZnodeDatabase>(new ZnodeDatabase(std::move(connection)));
}

Result<Zxid> ZnodeDatabase::load(ZnodeTree& tree) { return connection_->load(tree); }
Status ZnodeDatabase::commit(const ZnodeTree& tree, Zxid zxid) { return connection_->commit(tree, zxid); }

}  // namespace millrace::metadata
