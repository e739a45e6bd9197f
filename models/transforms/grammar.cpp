#include "models/transforms/grammar.hpp"

#include <algorithm>
#include <stdexcept>

namespace accrue::models {
namespace {

constexpr std::string_view kQuoting = "a name with | ( ) ; , or \" in it stands in \"quotes\", a quote itself doubled";

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string unquoted(std::string_view text) {
  if (text.find('"') == text.npos) {
    return std::string(text);
  }
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    throw std::invalid_argument(std::string(kQuoting));
  }
  std::string name;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    name += text[i];
    if (text[i] == '"' && text[++i] != '"') {
      throw std::invalid_argument(std::string(kQuoting));
    }
  }
  return name;
}

std::vector<std::string> read_list(std::string_view text) {
  std::vector<std::string> list;
  for (const std::string_view item : split(text, ',')) {
    list.push_back(unquoted(item));
  }
  return list;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t first = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    quoted ^= text[i] == '"';
    if (text[i] == separator && !quoted) {
      parts.push_back(without_blanks(text.substr(first, i - first)));
      first = i + 1;
    }
  }
  if (quoted) {
    throw std::invalid_argument("a quote is never closed: " + std::string(kQuoting));
  }
  parts.push_back(without_blanks(text.substr(first)));
  return parts;
}

WrittenTransform read_transform(std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == text.npos) {
    return {text, {}, {}};
  }
  if (text.back() != ')') {
    throw std::invalid_argument("its parenthesis is never closed: " + std::string(kQuoting));
  }
  const std::vector<std::string_view> lists = split(text.substr(open + 1, text.size() - open - 2), ';');
  if (lists.size() > 2) {
    throw std::invalid_argument("one semicolon stands between arguments and columns: " + std::string(kQuoting));
  }
  WrittenTransform written{without_blanks(text.substr(0, open)), read_list(lists[0]), {}};
  if (lists.size() == 2) {
    written.second = read_list(lists[1]);
    written.has_second = true;
  }
  return written;
}

}  // namespace accrue::models
