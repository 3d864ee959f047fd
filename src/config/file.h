// The syntax of the configuration file, without the meaning of its keys.
//
//   line    = [ '[' section ']' | key '=' value ] [ comment ]
//   value   = plain text to the end of the line or to a comment
//           | '"' text '"', in which \" \\ \n \r \t stand for what they do in C
//   comment = '#' to the end of the line, at its beginning, after white space or after quoted text
//
// In a section the key `level` means `section.level`. White space around everything is dropped.
#pragma once

#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/result.h"

namespace txindex::config {

struct Entry {
  std::string key;  // with its section
  std::string value;
  int line;  // counted from 1
};

struct SyntaxError {
  int line;
  std::string message;  // names the key if there is one
};

// The entries in the order of the file. A key that comes twice is an error here.
result<std::vector<Entry>, SyntaxError> read_entries(std::istream& input);

// A value as the file takes it: in quotation marks if it would not survive without.
std::string quote(std::string_view value);

}  // namespace txindex::config
