# Resolves LATHE_CUDA and says how device sources (*.cu) are compiled: by nvcc, or as C++ for the emulator. Installed
# too, so that kernels of one's own are compiled as the library's were.

set(LATHE_CUDA_MODE ${LATHE_CUDA})
if(LATHE_CUDA STREQUAL "AUTO")
  set(LATHE_CUDA_MODE EMULATE)
  find_program(LATHE_NVCC nvcc HINTS /usr/local/cuda/bin)
  if(LATHE_NVCC AND EXISTS /dev/nvidiactl)
    set(LATHE_CUDA_MODE ON)
  endif()
endif()

if(LATHE_CUDA_MODE STREQUAL "ON")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)  # a list, never `native`, which needs a device
  endif()
  if(NOT DEFINED CMAKE_CUDA_COMPILER)
    find_program(LATHE_NVCC nvcc HINTS /usr/local/cuda/bin)
    set(CMAKE_CUDA_COMPILER ${LATHE_NVCC})
  endif()
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know nvcc 13's
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  find_package(CUDAToolkit REQUIRED)
elseif(NOT LATHE_CUDA_MODE MATCHES "^(EMULATE|OFF)$")
  message(FATAL_ERROR "LATHE_CUDA: expects AUTO, ON, EMULATE or OFF, got '${LATHE_CUDA}'")
endif()
message(STATUS "Lathe: CUDA is ${LATHE_CUDA_MODE}")

# lathe_device_sources(target file.cu ...): adds device sources to a target, unless CUDA is off.
function(lathe_device_sources target)
  if(LATHE_CUDA_MODE STREQUAL "OFF")
    return()
  endif()
  foreach(source ${ARGN})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    target_sources(${target} PRIVATE ${source})
    if(LATHE_CUDA_MODE STREQUAL "EMULATE")
      set(flags -Wno-unknown-pragmas)
      if(LATHE_INSTRUMENT)
        list(APPEND flags -fsanitize=thread -O1 -g1)  # reports name lines
      endif()
      set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES
        LANGUAGE CXX COMPILE_OPTIONS "${flags}")
    else()
      set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS
        "--extended-lambda;--expt-relaxed-constexpr;-Werror=all-warnings;-Xptxas=-Werror,-warn-spills")
    endif()
  endforeach()
endfunction()
