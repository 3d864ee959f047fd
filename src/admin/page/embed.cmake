# Writes OUT, a C++ file that defines txindex::admin::page(): DIR/page.html with DIR/page.css and
# DIR/page.js put in for @STYLE@ and @SCRIPT@, and the Content-Security-Policy that allows these two
# by their hashes.

# SHA-256 of `text`, in base64, as a policy wants it.
function(policy_hash text out)
  set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 hex "${text}")
  string(APPEND hex "00")  # 64 digits are two short of 22 groups of three
  set(base64 "")
  foreach(at RANGE 0 63 3)
    # Three hexadecimal digits are twelve bits: two digits of base64.
    string(SUBSTRING "${hex}" ${at} 3 digits)
    math(EXPR high "0x${digits} >> 6")
    math(EXPR low "0x${digits} & 63")
    string(SUBSTRING "${alphabet}" ${high} 1 first)
    string(SUBSTRING "${alphabet}" ${low} 1 second)
    string(APPEND base64 "${first}${second}")
  endforeach()
  string(SUBSTRING "${base64}" 0 43 base64)
  set(${out} "sha256-${base64}=" PARENT_SCOPE)
endfunction()

file(READ "${DIR}/page.html" html)
file(READ "${DIR}/page.css" style)
file(READ "${DIR}/page.js" script)
policy_hash("${style}" style_hash)
policy_hash("${script}" script_hash)
string(REPLACE "@STYLE@" "${style}" html "${html}")
string(REPLACE "@SCRIPT@" "${script}" html "${html}")
string(CONCAT policy "default-src 'none'; style-src '${style_hash}'; script-src '${script_hash}'; "
       "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
file(WRITE "${OUT}.new" "// Generated from the files in src/admin/page. Do not edit.
#include \"admin/page.h\"

namespace txindex::admin {
Page page() {
  return {R\"page(${html})page\", \"${policy}\"};
}
}  // namespace txindex::admin
")
file(COPY_FILE "${OUT}.new" "${OUT}" ONLY_IF_DIFFERENT)
file(TOUCH "${OUT}")
