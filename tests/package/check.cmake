# SPDX-License-Identifier: Apache-2.0
# Installs the built tree into a temporary folder, builds a consumer against it and runs consumer and command.
# cmake -DBUILD=<build tree> -DSOURCE=<tests/package> -DWORK=<temporary folder> -DCOMPILER=<c++> -P check.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  message(STATUS "${output}")
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_COMPILER=${COMPILER})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/example)
run(${WORK}/build/plan ${WORK}/prefix/share/lacuna/models/faster-cryptonets.lacuna.json)
# The installed command finds the installed models and digits.
run(${WORK}/prefix/bin/lacuna plan --model faster-cryptonets)
run(${CMAKE_COMMAND} -E chdir ${WORK} ${CMAKE_COMMAND} -E env --unset=LACUNA_MNIST
  ${WORK}/prefix/bin/lacuna mnist --images 2 --no-circuit-privacy)
file(REMOVE_RECURSE ${WORK})
