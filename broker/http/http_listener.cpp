#include "broker/http/http_listener.h"

#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>

namespace millrace::http {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

tl::unexpected<Error> cannot_listen(const HttpConfig& config, const boost::system::error_code& error) {
  bool brackets = config.host.find(':') != std::string::npos;
  auto port = std::to_string(config.port);
  auto begin = "cannot listen on http://" + (brackets ? "[" + config.host + "]" : config.host) + ":" + port + ": ";
  if (error == asio::error::address_in_use) {
    return fail(ErrorKind::conflict,
                begin + "port " + port + " is in use by another process (" + error.message() + ")");
  }
  if (error == asio::error::access_denied) {
    return fail(ErrorKind::permission_denied,
                begin + "this user may not use port " + port + " (" + error.message() + ")");
  }
  if (error == boost::system::errc::address_not_available) {
    return fail(ErrorKind::invalid_argument,
                begin + "this machine does not have that address (" + error.message() + ")");
  }
  return fail(ErrorKind::io, begin + error.message());
}

boost::system::error_code try_listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool dual_stack) {
  boost::system::error_code error;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(!dual_stack), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  return error;
}

}  // namespace

Status listen(tcp::acceptor& acceptor, const HttpConfig& config) {
  std::vector<tcp::endpoint> endpoints;
  if (config.host.empty()) {
    endpoints = {tcp::endpoint(tcp::v6(), config.port), tcp::endpoint(tcp::v4(), config.port)};
  } else {
    boost::system::error_code error;
    auto address = asio::ip::make_address(config.host, error);
    if (error) {
      return fail(ErrorKind::invalid_argument,
                  "the web server's host '" + config.host + "' is not an IPv4 or IPv6 address");
    }
    endpoints = {tcp::endpoint(address, config.port)};
  }
  boost::system::error_code error;
  for (const auto& endpoint : endpoints) {
    error = try_listen(acceptor, endpoint, config.host.empty());
    if (!error) return {};
    // Only what this machine cannot do at all makes the next address worth a try.
    if (error != asio::error::address_family_not_supported && error != boost::system::errc::address_not_available)
      break;
  }
  return cannot_listen(config, error);
}

}  // namespace millrace::http
