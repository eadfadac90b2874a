// Rows of SASL, delegation tokens and encoded passwords (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    list_row("sasl.enabled.mechanisms", "GSSAPI", "SASL mechanisms that clients may use.").per_broker(),
    string_row("sasl.mechanism.inter.broker.protocol", "GSSAPI", "SASL mechanism among brokers.").per_broker(),
    string_row("sasl.mechanism.controller.protocol", "GSSAPI", "SASL mechanism with KRaft controllers.")
        .not_applicable(),
    password_row("sasl.jaas.config", no_default,
                 "Login module with its options, as JAAS text, for one listener and mechanism.")
        .per_broker(),
    int32_row("sasl.server.max.receive.size", "524288", "Largest message of a SASL exchange."),
    class_row("sasl.client.callback.handler.class", no_default, "Java class that answers SASL questions of a client.")
        .not_applicable(),
    class_row("sasl.server.callback.handler.class", no_default, "Java class that answers SASL questions of the broker.")
        .not_applicable(),
    class_row("sasl.login.callback.handler.class", no_default, "Java class that answers questions of a login.")
        .not_applicable(),
    class_row("sasl.login.class", no_default, "Java class that logs in.").not_applicable(),
    int32_row("sasl.login.connect.timeout.ms", no_default, "Time that connecting to an OAuth provider may take."),
    int32_row("sasl.login.read.timeout.ms", no_default, "Time that reading from an OAuth provider may take."),
    int64_row("sasl.login.retry.backoff.ms", "100", "Wait after the first failed try with an OAuth provider."),
    int64_row("sasl.login.retry.backoff.max.ms", "10000", "Longest wait between tries with an OAuth provider."),
    float64_row("sasl.login.refresh.window.factor", "0.8",
                "Share of a token's life after which the broker fetches a new one.")
        .per_broker(),
    float64_row("sasl.login.refresh.window.jitter", "0.05", "Random share of a token's life added to that moment.")
        .per_broker(),
    int16_row("sasl.login.refresh.min.period.seconds", "60", "Shortest time between two refreshes of a token.")
        .per_broker(),
    int16_row("sasl.login.refresh.buffer.seconds", "300",
              "Time before a token's end within which its refresh should be done.")
        .per_broker(),
    string_row("sasl.kerberos.service.name", no_default, "Kerberos name of the broker's service.")
        .per_broker()
        .not_applicable(),
    string_row("sasl.kerberos.kinit.cmd", "/usr/bin/kinit", "Path of kinit.").per_broker().not_applicable(),
    float64_row("sasl.kerberos.ticket.renew.window.factor", "0.8",
                "Share of a Kerberos ticket's life after which it is renewed.")
        .per_broker()
        .not_applicable(),
    float64_row("sasl.kerberos.ticket.renew.jitter", "0.05",
                "Random share of a Kerberos ticket's life added to that moment.")
        .per_broker()
        .not_applicable(),
    int64_row("sasl.kerberos.min.time.before.relogin", "60000", "Shortest time between two Kerberos logins.")
        .per_broker()
        .not_applicable(),
    list_row("sasl.kerberos.principal.to.local.rules", "DEFAULT",
             "Rules that turn a Kerberos principal into a user name.")
        .per_broker()
        .not_applicable(),
    string_row("sasl.oauthbearer.token.endpoint.url", no_default, "Address of the OAuth provider that gives tokens."),
    string_row("sasl.oauthbearer.jwks.endpoint.url", no_default, "Address of the keys that tokens are checked with."),
    int64_row("sasl.oauthbearer.jwks.endpoint.refresh.ms", "3600000", "Time between two reads of those keys."),
    int64_row("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "100",
              "Wait after the first failed read of those keys."),
    int64_row("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "10000",
              "Longest wait between failed reads of those keys."),
    list_row("sasl.oauthbearer.expected.audience", no_default, "Audiences of which a token must name one."),
    string_row("sasl.oauthbearer.expected.issuer", no_default, "Issuer that a token must name."),
    int32_row("sasl.oauthbearer.clock.skew.seconds", "30",
              "Difference of clocks that is allowed when a token's times are checked."),
    string_row("sasl.oauthbearer.scope.claim.name", "scope", "Claim of a token that holds its scope."),
    string_row("sasl.oauthbearer.sub.claim.name", "sub", "Claim of a token that holds the user name."),
    password_row("delegation.token.secret.key", no_default,
                 "Secret that delegation tokens are made with; the same on every broker. Empty offers none."),
    password_row("delegation.token.master.key", no_default, "Older name of delegation.token.secret.key."),
    int64_row("delegation.token.max.lifetime.ms", "604800000",
              "Time after which a delegation token can no longer be renewed.")
        .at_least(1),
    int64_row("delegation.token.expiry.time.ms", "86400000",
              "Time after which a delegation token must have been renewed.")
        .at_least(1),
    int64_row("delegation.token.expiry.check.interval.ms", "3600000",
              "Time between two looks for delegation tokens that expired.")
        .at_least(1),
    password_row("password.encoder.secret", no_default,
                 "Secret that passwords are encoded with before they are written to ZooKeeper."),
    password_row("password.encoder.old.secret", no_default,
                 "Secret before the present one, to read passwords that are still encoded with it."),
    string_row("password.encoder.keyfactory.algorithm", no_default,
               "How the key is derived from the secret. Empty takes the best known one."),
    string_row("password.encoder.cipher.algorithm", "AES/CBC/PKCS5Padding", "Cipher that passwords are encoded with."),
    int32_row("password.encoder.key.length", "128", "Length in bits of the derived key.").at_least(8),
    int32_row("password.encoder.iterations", "4096", "Rounds of the derivation of the key.").at_least(1024),
};

}  // namespace

std::span<const ConfigRow> sasl_config_rows() { return rows; }

}  // namespace millrace::server
