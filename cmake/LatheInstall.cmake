# cmake --install: the library, its headers, the program, and what find_package(lathe) needs. Relocatable: nothing in
# the installed files names the folder in which it was built or installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS lathe EXPORT lathe-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET lathe_program)
  set_target_properties(lathe_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS lathe_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
foreach(folder tensor kernels layers optim data models train)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lathe
          FILES_MATCHING PATTERN "*.h" PATTERN "*.cuh")
endforeach()
install(FILES lathe.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lathe)
install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/lathe)

write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/lathe-config-version.cmake COMPATIBILITY SameMinorVersion)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/lathe-config.cmake
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/lathe-targets.cmake\")\n"
     "set(LATHE_CUDA ${LATHE_CUDA_MODE})\n"
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/LatheCuda.cmake\")\n")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lathe-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/lathe-config-version.cmake
        ${CMAKE_CURRENT_LIST_DIR}/LatheCuda.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lathe)
install(EXPORT lathe-targets NAMESPACE lathe:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lathe)
