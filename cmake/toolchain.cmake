# The compiler, its flags and the options of a build. Presets (CMakePresets.json) choose among them.
option(MILLRACE_TESTS "Build the tests" ON)
option(MILLRACE_FUZZ "Build the libFuzzer targets" OFF)
set(MILLRACE_SANITIZE "" CACHE STRING "Sanitizers for everything that is compiled, such as address,undefined")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # g++ 12 frees the temporaries of a co_await twice (docs/decisions.md), so another compiler is refused.
  message(FATAL_ERROR "Millrace is built with clang 19: cmake --preset release, or -DCMAKE_CXX_COMPILER=clang++-19")
endif()

# ccache, told to forget the checkout's own path, so that a clean clone hits what another one compiled.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wunused -Woverloaded-virtual
                    -Wimplicit-fallthrough -Wextra-semi -Werror -fno-omit-frame-pointer -fdata-sections -ffunction-sections)
add_link_options(-fuse-ld=lld-19 -Wl,--gc-sections -Wl,--as-needed)
# CRC32C with the CPU instruction; every x86-64 server since 2009 has it.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-msse4.2)
endif()
# Boost 1.74's Asio and Beast: the compiled half lives in one file of network, and clang's coroutines are announced.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
                        BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)

if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
