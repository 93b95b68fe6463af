// Things that are found by a name: each file of a kind registers its own with a static object, so that adding one
// touches no other file.
#pragma once

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"

namespace tvae {

/// The names that are registered for a configuration key, such as "model.bottleneck"; empty for other keys. So the
/// configuration checks a choice that it does not know the things behind.
std::vector<std::string> registered_names(const std::string& key);
void add_registered_name(const std::string& key, const std::string& name);

/// The error for a name that stands for nothing: `what` it was to stand for, the name, the known ones, and the nearest
/// of them.
ConfigError unknown_name(const std::string& what, const std::string& name, const std::vector<std::string>& known);

/// The things of one kind, such as bottlenecks: `Thing` is most often a factory. Filled before main() runs, then only
/// read; the program links libraries whole, so that nothing is missing (cmake/tvae_library.cmake). Two things of one
/// name are our own bug: the program with both does not start.
template <class Thing>
class Registry {
 public:
  struct Entry {
    std::string name;
    std::string help;  // one line
    Thing thing;
    int order = 0;  // in lists, before the name
  };

  /// `what` a name stands for, as errors say it: the configuration key where there is one ("model.bottleneck"), else a
  /// noun ("path").
  explicit Registry(std::string what) : what_(std::move(what)) {}

  void add(Entry entry) {
    for (const Entry& known : entries_)
      TVAE_ASSERT(known.name != entry.name, what_ + " \"" + entry.name + "\" is registered twice: \"" + known.help +
                                                "\" and \"" + entry.help + "\"");
    add_registered_name(what_, entry.name);
    entries_.push_back(std::move(entry));
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.order, a.name) < std::tie(b.order, b.name); });
  }

  const std::vector<Entry>& entries() const { return entries_; }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Entry& entry : entries_) all.push_back(entry.name);
    return all;
  }

  /// "gaussian (one normal distribution), gmm (...)": for help texts.
  std::string described() const {
    std::string all;
    for (const Entry& entry : entries_) all += (all.empty() ? "" : ", ") + entry.name + " (" + entry.help + ")";
    return all;
  }

  /// Throws unknown_name.
  const Thing& find(const std::string& name) const {
    for (const Entry& entry : entries_)
      if (entry.name == name) return entry.thing;
    throw unknown_name(what_, name, names());
  }

 private:
  std::string what_;
  std::vector<Entry> entries_;
};

/// A static object of a file that adds to a registry.
template <class Thing>
struct Register {
  Register(Registry<Thing>& registry, typename Registry<Thing>::Entry entry) { registry.add(std::move(entry)); }
};

}  // namespace tvae
