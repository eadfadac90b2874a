// Rows of TLS (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    string_row("ssl.client.auth", "none",
               "Whether clients of a TLS listener must show a certificate: required, requested or none.")
        .one_of(client_authentications)
        .per_broker(),
    string_row("ssl.keystore.location", no_default, "File with the broker's key and certificate.").per_broker(),
    password_row("ssl.keystore.password", no_default, "Password of the key store file.").per_broker(),
    string_row("ssl.keystore.type", "JKS", "Format of the key store. PEM and PKCS12 are told apart by content.")
        .per_broker(),
    password_row("ssl.keystore.key", no_default, "The broker's private key as PEM text.").per_broker(),
    password_row("ssl.keystore.certificate.chain", no_default, "The broker's certificate chain as PEM text.")
        .per_broker(),
    password_row("ssl.key.password", no_default, "Password of the private key.").per_broker(),
    string_row("ssl.truststore.location", no_default, "File with the certificates that are trusted.").per_broker(),
    password_row("ssl.truststore.password", no_default, "Password of the trust store file.").per_broker(),
    string_row("ssl.truststore.type", "JKS", "Format of the trust store. PEM and PKCS12 are told apart by content.")
        .per_broker(),
    password_row("ssl.truststore.certificates", no_default, "Trusted certificates as PEM text.").per_broker(),
    string_row("ssl.protocol", "TLSv1.3", "TLS version that is preferred.").per_broker(),
    list_row("ssl.enabled.protocols", "TLSv1.2,TLSv1.3", "TLS versions that may be used.").per_broker(),
    list_row("ssl.cipher.suites", "", "Cipher suites that may be used; empty allows the library's own.").per_broker(),
    string_row("ssl.endpoint.identification.algorithm", "https",
               "How the name of the other broker is checked against its certificate; empty checks nothing.")
        .per_broker(),
    string_row("ssl.principal.mapping.rules", "DEFAULT",
               "Rules that turn the subject of a client's certificate into a user name."),
    boolean_row("ssl.allow.dn.changes", "false",
                "Whether a certificate changed at run time may carry another subject."),
    boolean_row("ssl.allow.san.changes", "false",
                "Whether a certificate changed at run time may carry other alternative names."),
    class_row("ssl.engine.factory.class", no_default, "Java class that makes TLS engines.")
        .per_broker()
        .not_applicable(),
    string_row("ssl.keymanager.algorithm", "SunX509", "Algorithm of Java's key manager.").per_broker().not_applicable(),
    string_row("ssl.trustmanager.algorithm", "PKIX", "Algorithm of Java's trust manager.")
        .per_broker()
        .not_applicable(),
    string_row("ssl.provider", no_default, "Java security provider for TLS.").per_broker().not_applicable(),
    string_row("ssl.secure.random.implementation", no_default, "Java random generator for TLS.")
        .per_broker()
        .not_applicable(),
    string_row("security.providers", no_default, "Java classes that make security providers.").not_applicable(),
    class_row("principal.builder.class", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
              "Java class that makes a user name of a connection. The default's rules are built in.")
        .per_broker()
        .not_applicable(),
    string_row("authorizer.class.name", "",
               "What decides who may do what: empty allows everything, Kafka's AclAuthorizer by its class name uses "
               "the ACLs of the cluster."),
};

}  // namespace

std::span<const ConfigRow> ssl_config_rows() { return rows; }

}  // namespace millrace::server
