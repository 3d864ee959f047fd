# Builds so that a mistake in memory is an end and not a way in. tests/release/hardening.sh looks
# for it in the programs.

# Addresses of functions are resolved at start, and the table of them is read-only from then on.
target_link_options(txindex_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(TXINDEX_SANITIZE MATCHES address)
  # What its checks know of the source would take 1.4 million relocations at each start of a test: half of
  # the 0.4 seconds.
  target_compile_options(txindex_options INTERFACE -fno-pie)
  target_link_options(txindex_options INTERFACE -no-pie)
else()
  target_link_options(txindex_options INTERFACE -pie)
endif()

# Only in what is installed: they cost a little, and tests look for other mistakes by other means.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  include(CheckCXXCompilerFlag)
  foreach(flag
          -fstack-protector-strong    # a canary in functions with arrays
          -fstack-clash-protection    # a large frame cannot step over the guard page
          # x86: code that could be run with CET. It is asked for; it takes effect in a program all of
          # whose parts have it, and the C library's start files of Debian 12 have not.
          -fcf-protection)
    string(MAKE_C_IDENTIFIER "TXINDEX_HAS${flag}" has)
    check_cxx_compiler_flag(${flag} ${has})
    if(${has})
      target_compile_options(txindex_options INTERFACE ${flag})
    endif()
  endforeach()
endif()
target_compile_options(txindex_options INTERFACE $<$<CONFIG:Release>:-fPIE>)

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT TXINDEX_SANITIZE)
  # The C library's functions know the size of what they write to (3: also where it is known only
  # when the program runs), and the containers of the standard library that an index is in them.
  # -U: some distributions' compilers define a lower level themselves.
  target_compile_options(txindex_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  target_compile_definitions(txindex_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()
