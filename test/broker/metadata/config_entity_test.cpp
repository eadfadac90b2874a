#include "broker/metadata/config_entity.h"

#include <gtest/gtest.h>

namespace millrace::metadata::test {
namespace {

TEST(ConfigEntity, EncodesNamesAsKafkasSanitizerDoes) {
  for (auto [name, encoded] : {std::pair{"CN=user,OU=a b+c/d", "CN%3Duser%2COU%3Da%20b%2Bc%2Fd"},
                               {"a*b~c", "a%2Ab%7Ec"},
                               {"<default>", "%3Cdefault%3E"},
                               {"::1", "%3A%3A1"},
                               {"\xc3\xbcn\xc3\xaf", "%C3%BCn%C3%AF"},
                               {"u.-_9%", "u.-_9%25"},
                               {"", ""}}) {
    EXPECT_EQ(encode_entity_name(name), encoded);
    EXPECT_EQ(decode_entity_name(encoded), name);
  }
  EXPECT_EQ(decode_entity_name("a+b"), "a b");
}

TEST(ConfigEntity, RefusesAPercentWithoutItsDigits) {
  for (const auto* broken : {"%", "a%2", "%zz", "%%%"}) {
    auto decoded = decode_entity_name(broken);
    ASSERT_FALSE(decoded) << broken;
    EXPECT_NE(decoded.error().message.find(broken), std::string::npos);
  }
}

TEST(ConfigEntity, GivesEveryOwnerItsStoredNameAndBack) {
  auto everybody = EntityName::default_entity();
  for (const auto& [owner, stored] :
       {std::pair{ConfigOwner::topic("orders"), "orders"},
        {ConfigOwner::broker(BrokerId(3)), "3"},
        {ConfigOwner::all_brokers(), "<default>"},
        {ConfigOwner::user(EntityName("a/b")), "a%2Fb"},
        {ConfigOwner::user(EntityName("<default>")), "%3Cdefault%3E"},
        {ConfigOwner::user_client(everybody, everybody), "<default>/clients/<default>"},
        {ConfigOwner::user_client(EntityName("u"), EntityName("clients")), "u/clients/clients"},
        {ConfigOwner::client_id(EntityName("c d")), "c%20d"},
        {ConfigOwner::ip(EntityName("::1")), "%3A%3A1"}}) {
    EXPECT_EQ(stored_name(owner), stored);
    auto parsed = parse_stored_name(owner.entity, stored);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, owner);
  }
}

TEST(ConfigEntity, RefusesWhatIsNobodysName) {
  EXPECT_FALSE(parse_stored_name(ConfigEntity::topics, "a/clients/b"));
  for (const auto* stored : {"", "/clients/c", "u/clients", "u/clients/", "u/clients/a/b", "u/x/c", "u/"})
    EXPECT_FALSE(parse_stored_name(ConfigEntity::users, stored)) << stored;
  EXPECT_FALSE(parse_entity_path("topics"));
  EXPECT_FALSE(parse_entity_path("groups/g"));
  EXPECT_EQ(parse_entity_path("users/u/clients/c"), ConfigOwner::user_client(EntityName("u"), EntityName("c")));
}

}  // namespace
}  // namespace millrace::metadata::test
