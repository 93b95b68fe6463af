#include <set>

#include "tvae/validity/bracket_syntax.h"
#include "tvae/validity/smiles.h"

namespace tvae {
namespace {

/// Chapter 3 of the OpenSMILES specification, as far as things open and close.
class SmilesState {
 public:
  bool take(char c) {
    if (in_atom_) {
      if (c == '[') return false;
      in_atom_ = c != ']';
      return true;
    }
    if (!ring_.empty()) {  // %nn
      if (c < '0' || c > '9') return false;
      ring_ += c;
      if (ring_.size() == 3) toggle_ring();
      return true;
    }
    if (c == '[') in_atom_ = true;
    if (c == '(') ++branches_;
    if (c == ']' || (c == ')' && --branches_ < 0)) return false;
    if (c == '%') ring_ = "%";
    if (c >= '0' && c <= '9') {
      ring_ = std::string("%0") + c;
      toggle_ring();
    }
    return true;
  }
  int64_t missing() const {
    int64_t characters = branches_ + (in_atom_ ? 1 : 0);
    if (!ring_.empty()) characters += 3 + 3 - static_cast<int64_t>(ring_.size());  // its number, and once more
    for (const std::string& ring : rings_) characters += ring[1] == '0' ? 1 : 3;
    return characters;
  }

 private:
  void toggle_ring() {
    if (rings_.erase(ring_) == 0) rings_.insert(ring_);
    ring_.clear();
  }

  bool in_atom_ = false;
  int branches_ = 0;
  std::string ring_;             // a ring bond's number that is being written, as "%12"
  std::set<std::string> rings_;  // open ones
};

}  // namespace

std::unique_ptr<BracketSyntax> make_smiles_syntax() {
  return std::make_unique<CharacterSyntax<SmilesState>>();
}

}  // namespace tvae
