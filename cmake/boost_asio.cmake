# The compiled halves of Boost 1.74's header-only Asio and Beast, each once per binary: who includes their headers links
# millrace_boost_asio or millrace_boost_beast (BOOST_ASIO_SEPARATE_COMPILATION is set in toolchain.cmake).
include_guard(GLOBAL)

add_library(millrace_boost_asio STATIC ${CMAKE_CURRENT_LIST_DIR}/boost_asio.cpp)
target_link_libraries(millrace_boost_asio PUBLIC Threads::Threads)
target_link_options(millrace_boost_asio INTERFACE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/boost_asio.map)

add_library(millrace_boost_beast STATIC ${CMAKE_CURRENT_LIST_DIR}/boost_beast.cpp)
target_link_libraries(millrace_boost_beast PUBLIC millrace_boost_asio)
