# Builds so that a mistake in memory is an end and not a way in. tests/release/hardening.sh looks
# for it in the programs.

# Addresses of functions are resolved at start, and the table of them is read-only from then on.
target_link_options(txindex_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)

# Only in what is installed: they cost a little, and tests look for other mistakes by other means.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  include(CheckCXXCompilerFlag)
  foreach(flag
          -fstack-protector-strong    # a canary in functions with arrays
          -fstack-clash-protection    # a large frame cannot step over the guard page
          -fcf-protection)            # x86: indirect branches land where they may (CET)
    string(MAKE_C_IDENTIFIER "TXINDEX_HAS${flag}" has)
    check_cxx_compiler_flag(${flag} ${has})
    if(${has})
      target_compile_options(txindex_options INTERFACE ${flag})
    endif()
  endforeach()
endif()
target_compile_options(txindex_options INTERFACE $<$<CONFIG:Release>:-fPIE>)
