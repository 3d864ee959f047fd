// What LeakSanitizer is told to pass over, in builds with AddressSanitizer only.
//
// libpqxx 6.4 loses libpq's result, about a kilobyte, each time a connection breaks during a
// statement: it asks for the client's encoding before it takes hold of the result, and throws.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:libpqxx\n";
}
