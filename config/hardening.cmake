# What is installed is built so that a mistake in memory is an end and not a way in.
# tests/release/hardening.sh looks for all of it in the programs.
include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

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

# Copies into buffers of known size are checked; 3 knows more sizes, from g++ 12 and clang 9.
set(level 3)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  set(level 2)
endif()
target_compile_options(txindex_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level})
# The standard library checks its preconditions, indexes of vectors and spans among them.
target_compile_definitions(txindex_options INTERFACE _GLIBCXX_ASSERTIONS)
# Addresses of functions are resolved at start, and the table of them is read-only from then on.
target_link_options(txindex_options INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
