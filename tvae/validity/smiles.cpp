#include "tvae/validity/smiles.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tvae/validity/python_check.h"

namespace tvae {
namespace {

constexpr std::string_view kElements[] = {
    "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",  "S",  "Cl",
    "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se",
    "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb",
    "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er",
    "Tm", "Yb", "Lu", "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At",
    "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No",
    "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};
constexpr std::string_view kAromatic[] = {"b", "c", "n", "o", "p", "s", "se", "as", "te"};
// Atoms that need no brackets; longer names first.
constexpr std::string_view kOrganic[] = {"Cl", "Br", "B", "C", "N", "O", "P", "S", "F",
                                         "I",  "b",  "c", "n", "o", "p", "s", "*"};
constexpr std::string_view kBonds = "-=#$:/\\";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A reader that goes forward over a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  char next() {
    const char c = peek();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  bool take(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  /// Number of digits taken, at most `most`.
  int take_digits(int most) {
    int count = 0;
    for (; count < most && is_digit(peek()); ++count) next();
    return count;
  }
  /// The longest of the words that stands here.
  template <class Words>
  bool take_longest(const Words& words) {
    std::string_view best;
    for (const std::string_view word : words)
      if (word.size() > best.size() && rest_.substr(0, word.size()) == word) best = word;
    return !best.empty() && take(best);
  }

 private:
  std::string_view rest_;
};

/// What follows the first "@": another, or a class of chirality with its number (OpenSMILES 3.9), or nothing.
bool take_chirality(Cursor& cursor) {
  constexpr std::pair<std::string_view, int> kClasses[] = {{"TH", 2}, {"AL", 2}, {"SP", 3}, {"TB", 20}, {"OH", 30}};
  if (cursor.take("@")) return true;
  for (const auto& [name, count] : kClasses) {
    if (!cursor.take(name)) continue;
    int number = 0;
    for (int digits = 0; digits < 2 && is_digit(cursor.peek()); ++digits) number = 10 * number + (cursor.next() - '0');
    return number >= 1 && number <= count;
  }
  return true;
}

/// What follows "[": isotope? symbol chirality? hydrogens? charge? class? "]".
bool take_bracket_atom(Cursor& cursor) {
  cursor.take_digits(3);
  if (!cursor.take("*") && !cursor.take_longest(kElements) && !cursor.take_longest(kAromatic)) return false;
  if (cursor.take("@") && !take_chirality(cursor)) return false;
  if (cursor.take("H")) cursor.take_digits(1);
  if (const char sign = cursor.peek(); sign == '+' || sign == '-') {
    cursor.next();
    if (cursor.take_digits(2) == 0)
      while (cursor.peek() == sign) cursor.next();
  }
  if (cursor.take(":") && cursor.take_digits(9) == 0) return false;
  return cursor.take("]");
}

/// Directions of a single bond are single bonds.
char order(char bond) {
  return bond == '/' || bond == '\\' ? '-' : bond;
}

/// An open ring: the atom that opened it and the bond written there ('\0' = none).
struct OpenRing {
  int atom;
  char bond;
};

}  // namespace

bool is_smiles(std::string_view text) {
  Cursor cursor(text);
  std::map<int, OpenRing> rings;
  std::set<std::pair<int, int>> bonded;  // atoms, the earlier one first: no two bonds between the same (OpenSMILES 3.4)
  std::vector<int> branches;             // the atom each open branch hangs on
  int atoms = 0;
  int previous = -1;  // the atom that the next one binds to; -1 = none, at the start and after "."
  char bond = '\0';   // read, and waiting for its second atom
  bool branch_is_empty = false;
  while (!cursor.at_end()) {
    const char c = cursor.peek();
    if (cursor.take("(")) {
      if (previous < 0 || bond || branch_is_empty) return false;
      branches.push_back(previous);
      branch_is_empty = true;
    } else if (cursor.take(")")) {
      if (branches.empty() || bond || branch_is_empty || previous < 0) return false;
      previous = branches.back();
      branches.pop_back();
    } else if (cursor.take(".")) {
      if (previous < 0 || bond || branch_is_empty) return false;
      previous = -1;
    } else if (kBonds.find(c) != std::string_view::npos) {
      if (previous < 0 || bond) return false;
      bond = cursor.next();
    } else if (is_digit(c) || c == '%') {
      int number = cursor.next() - '0';
      if (c == '%') {
        if (!is_digit(cursor.peek())) return false;
        number = 10 * (cursor.next() - '0');
        if (!is_digit(cursor.peek())) return false;
        number += cursor.next() - '0';
      }
      if (previous < 0 || branch_is_empty) return false;
      const auto open = rings.find(number);
      if (open == rings.end()) {
        rings[number] = {previous, bond};
      } else {
        const OpenRing ring = open->second;
        if (ring.atom == previous || (ring.bond && bond && order(ring.bond) != order(bond))) return false;
        if (!bonded.emplace(std::min(ring.atom, previous), std::max(ring.atom, previous)).second) return false;
        rings.erase(open);
      }
      bond = '\0';
    } else {
      if (!(cursor.take("[") ? take_bracket_atom(cursor) : cursor.take_longest(kOrganic))) return false;
      if (previous >= 0) bonded.emplace(previous, atoms);
      previous = atoms++;
      bond = '\0';
      branch_is_empty = false;
    }
  }
  return previous >= 0 && !bond && branches.empty() && rings.empty();
}

namespace {

std::unique_ptr<ValidityCheck> make_smiles_check() {
  if (auto rdkit = make_rdkit_check()) return rdkit;
  return std::make_unique<FunctionCheck>(is_smiles, "SMILES grammar without valences",
                                         "python3 has no RDKit: SMILES are judged by a grammar without valences");
}

const Register<TextKind> registered(text_kinds(), {"smiles", "molecules", {make_smiles_check, make_smiles_syntax}});

}  // namespace

}  // namespace tvae
