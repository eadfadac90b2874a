// Where the HTTP library writes an answer's body: straight into the exchange, without a buffer of its own.
// Only http_transport.cpp includes this: it names the library's types.
#pragma once

#define _TURN_OFF_PLATFORM_STRING  // NOLINT(bugprone-reserved-identifier): cpprest's own switch
#include <cpprest/astreambuf.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "operator/kubernetes/http_exchange.h"

namespace millrace::kubernetes {

class HttpBodySink final : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  explicit HttpBodySink(std::shared_ptr<HttpExchange> exchange)
      : streambuf_state_manager<std::uint8_t>(std::ios_base::out), exchange_(std::move(exchange)) {}

  [[nodiscard]] bool can_seek() const override { return false; }
  [[nodiscard]] bool has_size() const override { return false; }
  [[nodiscard]] std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  [[nodiscard]] std::size_t in_avail() const override { return 0; }
  [[nodiscard]] pos_type getpos(std::ios_base::openmode) const override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return static_cast<pos_type>(traits::eof());
  }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* bytes, std::size_t count) override {
    pplx::task_completion_event<std::size_t> room;
    std::string_view view(reinterpret_cast<const char*>(bytes), count);
    if (exchange_->receive(view, [room, count] { room.set(count); })) return pplx::task_from_result(count);
    return pplx::create_task(room);
  }
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    exchange_->receive(std::string_view(reinterpret_cast<const char*>(&byte), 1), [] {});
    return pplx::task_from_result(static_cast<int_type>(byte));
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

  // Nothing can be read from it.
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override { return pplx::task_from_result<std::size_t>(0); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }

 private:
  std::shared_ptr<HttpExchange> exchange_;
};

}  // namespace millrace::kubernetes
