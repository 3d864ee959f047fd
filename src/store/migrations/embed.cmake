# Writes OUT, a C++ file that defines txindex::store::kMigrations from the numbered .sql FILES.
# A file is named NNNN_what_it_does.sql; its number is its version.
set(body "")
list(SORT FILES)
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  string(REGEX MATCH "^[0-9]+" number "${name}")
  string(REGEX REPLACE "^0+" "" number "${number}")
  file(READ "${file}" sql)
  # A raw string literal may be limited in length by a compiler; concatenated pieces are not.
  string(REGEX REPLACE "\n-- \\+\\+\\+\n" "\n)sql\"\nR\"sql(" sql "${sql}")
  string(APPEND body "    {${number}, \"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()
file(WRITE "${OUT}.new" "// Generated from src/store/migrations/*.sql. Do not edit.
#include \"store/migrations.h\"

namespace txindex::store {
const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all = {
${body}  };
  return all;
}
}  // namespace txindex::store
")
file(COPY_FILE "${OUT}.new" "${OUT}" ONLY_IF_DIFFERENT)
file(TOUCH "${OUT}")
