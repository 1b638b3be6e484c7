# SPDX-License-Identifier: Apache-2.0
# Installs the built tree into a temporary folder, builds a consumer against it and runs consumer and command.
# cmake -DBUILD=<build tree> -DSOURCE=<tests/package> -DWORK=<temporary folder> -DCOMPILER=<c++> -DGENERATOR=<Ninja> -DNM=<nm> -DSHARED=<ON or OFF> -P check.cmake
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
  -DCMAKE_CXX_COMPILER=${COMPILER} -G ${GENERATOR})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/example)
run(${WORK}/build/plan ${WORK}/prefix/share/lacuna/models/faster-cryptonets.lacuna.json)
if(EXISTS ${WORK}/build/remote)
  run(${WORK}/build/remote)
endif()
# A client and a server that share files alone, and what the client's program is made of.
set(model ${SOURCE}/tiny.lacuna.json)
run(${WORK}/build/server plan ${model} ${WORK})
run(${WORK}/build/client ${WORK} ${WORK}/build/server infer ${model} ${WORK})
function(count_symbols program pattern result)
  execute_process(COMMAND ${NM} --demangle ${program} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]*(${pattern})[^\n]*" found "${symbols}")
  list(LENGTH found count)
  set(${result} ${count} PARENT_SCOPE)
  set(found "${found}" PARENT_SCOPE)
endfunction()
if(NM)
  set(foreign "GOMP_|omp_get_|cairo_|lacuna::make_plan|lacuna::load_model|lacuna::parse_model|lacuna::Model::|lacuna::CompiledModel|lacuna::Evaluator|lacuna::ProductTables|lacuna::CostModel|lacuna::compile")
  count_symbols(${WORK}/build/client "${foreign}" count)
  if(NOT count EQUAL 0)
    message(FATAL_ERROR "expected none of the server's symbols in the client's program, found ${found}")
  endif()
  if(NOT SHARED)  # that the patterns find what they look for
    count_symbols(${WORK}/build/server "${foreign}" count)
    if(count LESS 20)
      message(FATAL_ERROR "expected the server's symbols in the server's program, found ${count}")
    endif()
  endif()
endif()
# The installed command finds the installed models and digits.
run(${WORK}/prefix/bin/lacuna plan --model faster-cryptonets)
# A copy of it alone has the models too.
file(COPY ${WORK}/prefix/bin/lacuna DESTINATION ${WORK}/alone)
run(${WORK}/alone/lacuna plan --model faster-cryptonets-small)
run(${CMAKE_COMMAND} -E chdir ${WORK} ${CMAKE_COMMAND} -E env --unset=LACUNA_MNIST
  ${WORK}/prefix/bin/lacuna mnist --images 2 --no-circuit-privacy)
file(REMOVE_RECURSE ${WORK})
