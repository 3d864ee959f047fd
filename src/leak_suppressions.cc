// What LeakSanitizer is told to pass over, in builds with AddressSanitizer only.
//
// libpqxx 6.4 loses libpq's result, about a kilobyte, each time a connection breaks during a
// statement: it asks for the client's encoding before it takes hold of the result, and throws.
// NOLINTBEGIN(bugprone-reserved-identifier): the names are the sanitizer's.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_options();

extern "C" const char* __lsan_default_suppressions() {
  return "leak:libpqxx\n";
}

// What was passed over is not listed on standard error: tests look at what a server writes there.
extern "C" const char* __lsan_default_options() {
  return "print_suppressions=0";
}
// NOLINTEND(bugprone-reserved-identifier)
