# SPDX-License-Identifier: Apache-2.0
# What the library needs, for the build and for find_package(Lacuna) alike.
# ChaCha20, SHA-256, scrypt and randomness: OpenSSL's libcrypto, whose vector code is fast; where there is none, as in a
# browser, libsodium, which gives the same bytes.
if(LACUNA_CRYPTO STREQUAL "sodium")
  set(LACUNA_CRYPTO_LIBRARY Sodium::sodium)
  if(NOT TARGET Sodium::sodium)
    find_path(SODIUM_INCLUDE_DIR sodium/crypto_stream_chacha20.h)
    find_library(SODIUM_LIBRARY sodium)
    if(NOT SODIUM_INCLUDE_DIR OR NOT SODIUM_LIBRARY)
      message(FATAL_ERROR "LACUNA_CRYPTO=sodium needs libsodium, which was not found; on Debian: apt install libsodium-dev")
    endif()
    add_library(Sodium::sodium UNKNOWN IMPORTED)
    set_target_properties(Sodium::sodium PROPERTIES IMPORTED_LOCATION ${SODIUM_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${SODIUM_INCLUDE_DIR})
  endif()
else()
  set(LACUNA_CRYPTO_LIBRARY OpenSSL::Crypto)
  find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
endif()
if(PROJECT_NAME STREQUAL "Lacuna")
  find_package(OpenMP COMPONENTS CXX)  # without it one thread does all work
  find_package(nlohmann_json 3.11 REQUIRED)
endif()
if(NOT TARGET GMP::gmpxx)
  find_path(GMP_INCLUDE_DIR gmpxx.h)
  find_library(GMP_LIBRARY gmp)
  find_library(GMPXX_LIBRARY gmpxx)
  if(NOT GMP_INCLUDE_DIR OR NOT GMP_LIBRARY OR NOT GMPXX_LIBRARY)
    message(FATAL_ERROR "GMP with its C++ interface was not found; on Debian: apt install libgmp-dev")
  endif()
  add_library(GMP::gmp UNKNOWN IMPORTED)
  set_target_properties(GMP::gmp PROPERTIES IMPORTED_LOCATION ${GMP_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${GMP_INCLUDE_DIR})
  add_library(GMP::gmpxx UNKNOWN IMPORTED)
  set_target_properties(GMP::gmpxx PROPERTIES IMPORTED_LOCATION ${GMPXX_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${GMP_INCLUDE_DIR} INTERFACE_LINK_LIBRARIES GMP::gmp)
endif()
