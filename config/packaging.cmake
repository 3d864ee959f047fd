# What `cmake --install` lays out, and the Debian package: scripts/package.sh makes it.
include(GNUInstallDirs)
install(TARGETS txindexd txindex_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT service)
install(CODE "set(TXINDEX_BINARY_DIR \"${PROJECT_BINARY_DIR}\")" COMPONENT service)
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install.cmake COMPONENT service)
install(DIRECTORY include/txindex DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME txindexd)
set(CPACK_PACKAGE_CONTACT "txindexd maintainers <maintainers@txindexd.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};${PROJECT_NAME};service;/")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "A TCP server that takes signed transactions from any producer, verifies their
signatures and commits them to PostgreSQL. It acknowledges each one only when
it is durable. Several worker processes share one port; a new version takes
over without refusing a connection.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# systemd 252 is what the unit is tested with; init-system-helpers has deb-systemd-invoke.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd (>= 252), init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS postgresql)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "logrotate, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian ${CMAKE_CURRENT_LIST_DIR}/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
include(CPack)
