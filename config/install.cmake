# Run by `cmake --install` and CPack: lays out what the service needs beside its programs. It runs
# then and not before because the paths in the files are those of the prefix that is given then.
#
#   PREFIX/lib/systemd/system  PREFIX/lib/sysusers.d  PREFIX/lib/tmpfiles.d  PREFIX/share/doc/txindexd
#   /etc/txindexd/txindexd.conf  /etc/logrotate.d/txindexd
#
# For a prefix other than /usr and /usr/local, PREFIX/etc stands for /etc. A configuration that is
# there already is left as it is. DESTDIR goes before everything, as usual.
get_filename_component(config "${CMAKE_CURRENT_LIST_DIR}" ABSOLUTE)
set(bin "${CMAKE_INSTALL_PREFIX}/bin")
set(doc "${CMAKE_INSTALL_PREFIX}/share/doc/txindexd")
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
  set(etc /etc)
else()
  set(etc "${CMAKE_INSTALL_PREFIX}/etc")
endif()

set(made "${TXINDEX_BINARY_DIR}/generated/service")
configure_file("${config}/systemd/txindexd.service.in" "${made}/txindexd.service" @ONLY)
configure_file("${config}/systemd/sysusers.conf" "${made}/sysusers.d/txindexd.conf" COPYONLY)
configure_file("${config}/systemd/tmpfiles.conf.in" "${made}/tmpfiles.d/txindexd.conf" @ONLY)
configure_file("${config}/logrotate" "${made}/logrotate.d/txindexd" COPYONLY)

# Whatever the umask of whoever installs: the service runs as another user.
function(lay_out file folder)
  file(INSTALL "${file}" DESTINATION "${folder}"
       PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()
lay_out("${made}/txindexd.service" "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
lay_out("${made}/sysusers.d/txindexd.conf" "${CMAKE_INSTALL_PREFIX}/lib/sysusers.d")
lay_out("${made}/tmpfiles.d/txindexd.conf" "${CMAKE_INSTALL_PREFIX}/lib/tmpfiles.d")
lay_out("${made}/logrotate.d/txindexd" "${etc}/logrotate.d")
lay_out("${config}/../README.md" "${doc}")
lay_out("${config}/postgresql/roles.sql" "${doc}")
lay_out("${config}/postgresql/ingest.conf" "${doc}")
lay_out("${config}/../LICENSE" "${doc}")
file(RENAME "$ENV{DESTDIR}${doc}/LICENSE" "$ENV{DESTDIR}${doc}/copyright")
if(EXISTS "$ENV{DESTDIR}${etc}/txindexd/txindexd.conf")
  message(STATUS "Kept: ${etc}/txindexd/txindexd.conf")
else()
  lay_out("${config}/txindexd.conf" "${etc}/txindexd")
endif()
