// Columns of text for a terminal: the first ones to the left, the others to the right.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace txindex::tools {

class TextTable {
 public:
  TextTable(std::size_t left_columns, std::vector<std::string> head) : left_columns_(left_columns) {
    add(std::move(head));
  }

  // As many cells as the head has. ASCII only: a byte is a column.
  void add(std::vector<std::string> cells) {
    widths_.resize(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i)
      widths_[i] = std::max(widths_[i], cells[i].size());
    rows_.push_back(std::move(cells));
  }

  // The head, then every row; without blanks at the end.
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string padding(widths_[i] - row[i].size(), ' ');
        line += (i == 0 ? "" : "  ") + (i < left_columns_ ? row[i] + padding : padding + row[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      all.push_back(std::move(line));
    }
    return all;
  }

 private:
  const std::size_t left_columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace txindex::tools
