// A report where another one is already: what each is of, and which of its sections stay.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/eval/protocol.h"

namespace tvae {

/// What the figures of a report depend on, as strings that can be compared: the fingerprints of the "weights" (empty
/// where the model is not on disk) and of the "texts" that are measured, and the "settings" in words.
nlohmann::ordered_json report_identity(const Model& model, const HeldOut& held_out, const EvaluationOptions& options);

/// Whether figures are measured as well as a model's card asks for, whichever sections.
bool has_card_settings(const EvaluationOptions& options);

/// The report that a file holds before another one is written there.
struct FormerReport {
  enum class Fate {
    kNone,      // there is none
    kReplaced,  // nothing of it stays
    kMerged,    // it is of the same weights, texts and settings: sections that are not measured now stay
    kKept,      // the new one has less and is of something else: it is not written
  };
  Fate fate = Fate::kNone;
  nlohmann::ordered_json report = {};
  std::vector<std::string> sections = {};  // of it, that are not measured now
  std::string difference = {};             // "other weights", "unknown weights", "other settings", ...; empty = none
  bool whole = false;                      // it has every section, as well measured as a card asks for
};
/// What becomes of the report in `path`; where the file was `named` by the user, nothing is kept for want of room.
FormerReport former_report(const std::string& path, bool named, const nlohmann::ordered_json& identity,
                           const EvaluationOptions& options);

/// `report` with the sections of the former one that it was not asked for, and what these skipped.
nlohmann::ordered_json merged_report(const FormerReport& former, const nlohmann::ordered_json& report);

/// Whether every section was asked for.
bool has_all_sections(const nlohmann::ordered_json& report);

}  // namespace tvae
