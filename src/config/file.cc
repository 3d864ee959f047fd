#include "config/file.h"

#include <algorithm>
#include <unordered_map>

namespace txindex::config {
namespace {

constexpr std::string_view kSpace = " \t\r\v\f";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || kSpace.find(text[i - 1]) != std::string_view::npos)) {
      return trim(text.substr(0, i));
    }
  }
  return trim(text);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

// `text` begins with a quotation mark. An error lacks its key.
result<std::string, SyntaxError> unquote(std::string_view text, int line) {
  std::string value;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    const char escaped = ++i < text.size() ? text[i] : '\0';
    switch (escaped) {
      case '"':
        value += '"';
        break;
      case '\\':
        value += '\\';
        break;
      case 'n':
        value += '\n';
        break;
      case 'r':
        value += '\r';
        break;
      case 't':
        value += '\t';
        break;
      default:
        return SyntaxError{line, "after a backslash in quotation marks only \" \\ n r t may stand"};
    }
  }
  if (i >= text.size()) return SyntaxError{line, "the closing quotation mark is missing"};
  if (!without_comment(text.substr(i + 1)).empty()) {
    return SyntaxError{line, "only a comment may follow the closing quotation mark"};
  }
  return value;
}

}  // namespace

result<std::vector<Entry>, SyntaxError> read_entries(std::istream& input) {
  std::vector<Entry> entries;
  std::unordered_map<std::string, int> first_line;
  std::string section;
  std::string raw;
  for (int line = 1; std::getline(input, raw); ++line) {
    const auto wrong = [line](std::string message) {
      return SyntaxError{line, std::move(message)};
    };
    if (raw.find('\0') != std::string::npos) return wrong("a NUL byte: this is not a text file");
    const auto text = trim(raw);
    if (text.empty() || text.front() == '#') continue;

    if (text.front() == '[') {
      const auto heading = without_comment(text);
      const auto name =
          trim(heading.substr(1, heading.size() - std::min<std::size_t>(2, heading.size())));
      if (heading.back() != ']' || !is_name(name)) return wrong("expected [section]");
      section = std::string(name) + ".";
      continue;
    }

    const auto equals = text.find('=');
    const auto name = trim(text.substr(0, equals));
    // The line is not repeated: it may hold a password.
    if (equals == std::string_view::npos || !is_name(name)) return wrong("expected key = value");
    const std::string key = section + std::string(name);
    const auto [seen, is_new] = first_line.emplace(key, line);
    if (!is_new) {
      return wrong(key + ": given twice, first in line " + std::to_string(seen->second));
    }
    const auto rest = trim(text.substr(equals + 1));
    if (!rest.empty() && rest.front() == '"') {
      auto value = unquote(rest, line);
      if (!value) return wrong(key + ": " + value.error().message);
      entries.push_back({key, *std::move(value), line});
    } else {
      // From the equals sign on: a '#' that follows it at once is not behind white space.
      const auto value = trim(without_comment(text.substr(equals)).substr(1));
      entries.push_back({key, std::string(value), line});
    }
  }
  if (input.bad()) return SyntaxError{0, "cannot be read to its end"};
  return entries;
}

std::string quote(std::string_view value) {
  const bool plain = !value.empty() && trim(value) == value && without_comment(value) == value &&
                     value.front() != '"' &&
                     value.find_first_of("\n\r\t") == std::string_view::npos;
  if (plain) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

}  // namespace txindex::config
