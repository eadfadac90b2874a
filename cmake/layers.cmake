# One library per layer. The folder's public headers are what other layers may include; the arrows that are allowed stand
# in layers.txt and are checked by test/layers.
#
#   millrace_layer(broker log SOURCES segment.cpp … DEPENDS millrace_protocol …)   ->  library millrace_log
#   millrace_test(log SOURCES segment_test.cpp … DEPENDS millrace_log)             ->  binary and ctest millrace_log_test
#     LABELS unit|integration (unit when absent)
function(millrace_layer tree name)
  cmake_parse_arguments(PARSE_ARGV 2 layer "" "" "SOURCES;DEPENDS")
  set(target millrace_${name})
  if(tree STREQUAL "operator")
    set(target millrace_operator_${name})
  endif()
  if(layer_SOURCES)
    add_library(${target} STATIC ${layer_SOURCES})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} PUBLIC ${layer_DEPENDS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE ${layer_DEPENDS})
  endif()
endfunction()

function(millrace_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "" "SOURCES;DEPENDS;LABELS")
  set(target millrace_${name}_test)
  add_executable(${target} ${test_SOURCES})
  target_link_libraries(${target} PRIVATE ${test_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main Threads::Threads)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  # GoogleTest's macros make a copy here and a global there; its headers are not ours to mend.
  target_compile_definitions(${target} PRIVATE MILLRACE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" MILLRACE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NOT test_LABELS)
    set(test_LABELS unit)
  endif()
  add_test(NAME ${name} COMMAND ${target})
  set_tests_properties(${name} PROPERTIES LABELS "${test_LABELS}" TIMEOUT 300)
endfunction()
