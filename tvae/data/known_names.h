// What people call the columns of their tables.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// A name that columns of texts bear, in lower case.
struct TextName {
  std::string name;
  bool weak = false;  // others bear it, too: codes, titles and names of what a longer column tells of
};

/// In the order in which they are preferred.
inline const std::vector<TextName> kTextNames = {
    {"text"},     {"sentence"},   {"content"},     {"smiles"},      {"headline"},       {"title", true},
    {"body"},     {"line", true}, {"code", true},  {"review"},      {"comment"},        {"caption"},
    {"message"},  {"question"},   {"query", true}, {"utterance"},   {"sequence", true}, {"instructions"},
    {"abstract"}, {"summary"},    {"lyrics"},      {"description"}, {"name", true}};
inline const std::vector<std::string> kLabelNames = {"label", "class", "category", "target", "sentiment",
                                                     "y",     "genre", "tag",      "topic",  "type"};

}  // namespace tvae
