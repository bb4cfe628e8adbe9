# The libraries Lathe stands on. Those that only make a kernel row faster are optional: the row is absent without them.

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(JPEG REQUIRED)  # libjpeg-turbo: only its decoder's pixels are PIL's
find_path(LATHE_STB_INCLUDE NAMES stb/stb_image.h REQUIRED)
find_path(LATHE_PROTOZERO_INCLUDE NAMES protozero/pbf_writer.hpp REQUIRED)  # headers, as the next
find_path(LATHE_BOOST_INCLUDE NAMES boost/crc.hpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus QUIET)  # a header; Debian's package has a CMake file, others may have none
set(LATHE_LIBRARIES OpenMP::OpenMP_CXX Threads::Threads fmt::fmt ZLIB::ZLIB JPEG::JPEG nlohmann_json::nlohmann_json CLI11::CLI11)

# oneDNN is looked for by its files: Debian's CMake package of it demands the headers of OpenCL, which nothing here needs.
find_path(LATHE_DNNL_INCLUDE NAMES oneapi/dnnl/dnnl_version.h)
find_library(LATHE_DNNL NAMES dnnl)
if(LATHE_DNNL AND LATHE_DNNL_INCLUDE)
  file(STRINGS ${LATHE_DNNL_INCLUDE}/oneapi/dnnl/dnnl_version.h LATHE_DNNL_VERSION REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" LATHE_DNNL_VERSION "${LATHE_DNNL_VERSION}")
  string(REPLACE ";" "." LATHE_DNNL_VERSION "${LATHE_DNNL_VERSION}")
endif()
find_library(LATHE_OPENBLAS NAMES openblas PATH_SUFFIXES openblas-openmp)
find_path(LATHE_CBLAS_INCLUDE NAMES cblas.h PATH_SUFFIXES openblas-openmp x86_64-linux-gnu/openblas-openmp)
if(LATHE_CUDA_MODE STREQUAL "ON")
  list(APPEND LATHE_LIBRARIES CUDA::cudart CUDA::cublasLt)
  # cuDNN 9.8 or later, whose graphs can be planned for a GPU that is not there.
  find_path(LATHE_CUDNN_INCLUDE NAMES cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(LATHE_CUDNN NAMES cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(LATHE_CUDNN AND LATHE_CUDNN_INCLUDE)
    file(STRINGS ${LATHE_CUDNN_INCLUDE}/cudnn_graph.h LATHE_CUDNN_DEVICELESS REGEX "CUDNN_ATTR_ENGINEHEUR_DEVICEPROP")
  endif()
endif()
if(LATHE_CUDNN_DEVICELESS)
  message(STATUS "Lathe: cuDNN is ${LATHE_CUDNN}")
endif()
