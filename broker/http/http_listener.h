// The web server's listening socket. Internal (has Asio types).
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "broker/base/result.h"
#include "broker/http/http_server.h"

namespace millrace::http {

// Opens, binds and listens. The error names the address and the reason.
Status listen(boost::asio::ip::tcp::acceptor& acceptor, const HttpConfig& config);

}  // namespace millrace::http
