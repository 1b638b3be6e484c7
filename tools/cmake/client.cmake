# SPDX-License-Identifier: Apache-2.0
# lacuna::client: keys, encryption, decryption, the client's half of a plan and the files that travel, in one archive that
# needs GMP and a cryptographic library and nothing else. Its objects are those of the libraries, parallel_for apart, which makes its
# calls one after the other here: so there is no OpenMP, and a program links lacuna::client or lacuna::nn, which has all
# of it, never both (CMake refuses).
set(client_rooms client/.* model/digits model/input_features model/input_json model/strict_json model/text_file packing/packing packing/radix_client
  packing/binomial_client packing/slots_client packing/packed_client packing/packed_arrangement run_control)
string(REPLACE ";" "|" client_rooms "${client_rooms}")

add_library(lacuna_client STATIC ${PROJECT_SOURCE_DIR}/ntt/parallel.cpp
  "$<FILTER:$<TARGET_OBJECTS:lacuna_ntt>,EXCLUDE,/lacuna_ntt[.]dir/([^/]+/)?parallel[.]cpp>"
  "$<TARGET_OBJECTS:lacuna_rns>"
  "$<TARGET_OBJECTS:lacuna_he>"
  "$<FILTER:$<TARGET_OBJECTS:lacuna_nn>,INCLUDE,/lacuna_nn[.]dir/([^/]+/)?(${client_rooms})[.]cpp>")
add_library(lacuna::client ALIAS lacuna_client)
set_target_properties(lacuna_client PROPERTIES EXPORT_NAME client POSITION_INDEPENDENT_CODE ON)
target_compile_features(lacuna_client PUBLIC cxx_std_20)
target_include_directories(lacuna_client PUBLIC
  $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(lacuna_client PUBLIC GMP::gmpxx ${LACUNA_CRYPTO_LIBRARY})
install(TARGETS lacuna_client EXPORT LacunaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

foreach(pair lacuna_ntt:whole lacuna_client:client)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 target)
  list(GET pair 1 part)
  set_property(TARGET ${target} PROPERTY INTERFACE_LACUNA_PART ${part})
  set_property(TARGET ${target} APPEND PROPERTY COMPATIBLE_INTERFACE_STRING LACUNA_PART)
endforeach()
