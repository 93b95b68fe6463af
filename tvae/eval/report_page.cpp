#include "tvae/eval/report_page.h"

#include <algorithm>
#include <filesystem>

#include "tvae/base/assert.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/verdict.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

/// For element content and attributes. Control characters, which HTML does not allow, become their pictures.
std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : repair_utf8(text)) {
    if (c == '&')
      html += "&amp;";
    else if (c == '<')
      html += "&lt;";
    else if (c == '>')
      html += "&gt;";
    else if (c == '"')
      html += "&quot;";
    else if (c >= 0 && c < ' ' && c != '\n' && c != '\t')
      html += {'\xe2', '\x90', static_cast<char>('\x80' + c)};  // U+2400 + c
    else
      html += c;
  }
  return html;
}

/// "exact_match" as "exact match".
std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return escaped(name);
}

std::string heading(const std::string& name) {
  std::string title = words(name);
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

std::string number(double value) {
  const double size = std::abs(value);
  char text[32];
  std::snprintf(text, sizeof text,
                size >= 100                 ? "%.1f"
                : size >= 10                ? "%.2f"
                : size >= 0.01 || size == 0 ? "%.3f"
                                            : "%.2g",
                value);
  return text[0] == '-' ? "−" + std::string(text + 1) : text;
}

/// {"mean"}, or {"mean", "std"}.
bool is_spread(const Json& value) {
  return value.is_object() && value.contains("mean") && value.size() == 1 + value.count("std");
}

/// What one cell of a table can hold: a scalar, a list of them, a mean with its deviation.
bool is_cell(const Json& value) {
  if (value.is_array()) return std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_primitive(); });
  return value.is_primitive() || is_spread(value);
}

std::string cell(const Json& value) {
  if (value.is_null()) return "–";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return number(value.get<double>());
  if (value.is_number()) return value.dump();
  if (value.is_string()) return escaped(value.get<std::string>());
  if (is_spread(value)) return cell(value["mean"]) + (value.contains("std") ? " ± " + cell(value["std"]) : "");
  TVAE_ASSERT(value.is_array(), "is_cell");
  std::vector<std::string> parts;
  constexpr size_t kLongestList = 8;
  if (value.size() <= kLongestList) {
    for (const Json& part : value) parts.push_back(cell(part));
    return join(parts, ", ");
  }
  Json sorted = value;
  std::sort(sorted.begin(), sorted.end());
  for (const size_t i : {size_t{0}, sorted.size() / 2, sorted.size() - 1}) parts.push_back(cell(sorted[i]));
  return join(parts, " … ");
}

std::string value_cell(const Json& value, const std::string& more = "") {
  return std::string("<td class=\"value") + (value.is_string() ? " words" : "") + "\">" + cell(value) + more + "</td>";
}

const std::string kIntervalSuffix = "_95";

/// A figure and, small, the interval beside it.
std::string figure_cell(const Json& figures, const std::string& figure) {
  const auto interval = figures.find(figure + kIntervalSuffix);
  if (interval == figures.end()) return value_cell(figures[figure]);
  return value_cell(figures[figure], " <small title=\"the middle 95 % of bootstrap samples\">" + cell((*interval)[0]) +
                                         " – " + cell((*interval)[1]) + "</small>");
}

/// A column a name, a row a figure: for a section's own figures one column without a name.
struct Column {
  std::string name;
  Json figures;
};

std::string figure_table(const std::string& section, const std::vector<Column>& columns) {
  Json rows = Json::object();  // the figures of any column, in their order
  for (const Column& column : columns)
    for (const auto& [figure, value] : column.figures.items())
      if (!figure.ends_with(kIntervalSuffix)) rows[figure] = nullptr;
  if (rows.empty()) return "";
  const bool one = columns.size() == 1 && columns[0].name.empty();
  std::string html = std::string("<div class=\"wide\"><table class=\"figures") + (one ? " one" : "") + "\">\n";
  if (!one) {
    html += "<thead><tr><td></td>";
    for (const Column& column : columns) html += "<th class=\"value\" scope=\"col\">" + words(column.name) + "</th>";
    html += "<td></td></tr></thead>\n";
  }
  for (const auto& [figure, unused] : rows.items()) {
    html += "<tr><th scope=\"row\">" + words(figure) + "</th>";
    for (const Column& column : columns)
      html += column.figures.contains(figure) ? figure_cell(column.figures, figure) : "<td></td>";
    html += "<td class=\"meaning\">" + escaped(figure_meaning(section, figure)) + "</td></tr>\n";
  }
  return html + "</table></div>\n";
}

/// A list of objects: a row each, a column a figure.
std::string list_table(const Json& list) {
  Json keys = Json::object();
  for (const Json& row : list)
    for (const auto& [key, value] : row.items())
      if (!key.ends_with(kIntervalSuffix)) keys[key] = nullptr;
  std::string html = "<div class=\"wide\"><table>\n<thead><tr>";
  for (const auto& [key, unused] : keys.items()) html += "<th class=\"value\" scope=\"col\">" + words(key) + "</th>";
  html += "</tr></thead>\n";
  for (const Json& row : list) {
    html += "<tr>";
    for (const auto& [key, unused] : keys.items()) {
      if (!row.contains(key))
        html += value_cell("");
      else
        html += is_cell(row[key]) ? figure_cell(row, key) : value_cell(row[key].dump());
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

/// Any object: its cells in one table, objects of cells side by side in the next, deeper ones below headings.
std::string tables(const std::string& section, const Json& object) {
  Column own{"", Json::object()};
  std::vector<Column> columns;
  std::string deeper;
  for (const auto& [key, value] : object.items()) {
    const bool cells_inside = value.is_object() && std::all_of(value.begin(), value.end(), is_cell);
    const std::string meaning = figure_meaning(section, key);
    const std::string title =
        "<h3>" + heading(key) + "</h3>\n" + (meaning.empty() ? "" : "<p>" + escaped(meaning) + "</p>\n");
    if (is_cell(value))
      own.figures[key] = value;
    else if (cells_inside && meaning.empty())
      columns.push_back({key, value});
    else if (value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_object(); }))
      deeper += title + list_table(value);
    else if (value.is_object())
      deeper += title + tables(section, value);
    else
      own.figures[key] = value.dump();
  }
  return figure_table(section, {own}) + (columns.empty() ? "" : figure_table(section, columns)) + deeper;
}

std::string mark(const Json& row) {
  if (!row.contains("valid")) return "";
  return row["valid"] == true ? "<span class=\"yes\" title=\"valid\">✓</span>"
                              : "<span class=\"no\" title=\"not valid\">✗</span>";
}

std::string image(const Json& text) {
  return "<img alt=\"\" src=\"" + escaped(text["image"].get<std::string>()) + "\">";
}

/// A text, or its image. The page's script marks the words that differ from `before`.
std::string shown(const Json& text, const Json& before = nullptr) {
  if (text.contains("image")) return image(text);
  const std::string value = text["text"].get<std::string>();
  if (value.empty()) return "<span class=\"empty\">empty</span>";
  const bool compare = before.is_object() && !before.contains("image");
  return "<span class=\"text\"" +
         (compare ? " data-before=\"" + escaped(before["text"].get<std::string>()) + "\"" : "") + ">" + escaped(value) +
         "</span>";
}

bool has_images(const Json& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Json& row) { return row.contains("image"); });
}

/// In a strip: an image, or what stands for one.
std::string picture(const Json& text) {
  if (text.contains("image")) return image(text);
  return "<span class=\"no-image\" title=\"" + escaped(text["text"].get<std::string>()) + "\">no image</span>";
}

std::string tile(const std::string& pictures, const std::string& caption) {
  return "<figure>" + pictures + "<figcaption>" + caption + "</figcaption></figure>\n";
}

std::string pair_strip(const Json& pairs) {
  std::string html = "<div class=\"strip\">\n";
  for (const Json& pair : pairs)
    html += tile(picture(pair["original"]) + picture(pair["output"]), pair["original"] == pair["output"] ? "same" : "");
  return html + "</div>\n";
}

std::string pair_table(const Json& pairs) {
  std::string html =
      "<div class=\"wide\"><table class=\"texts pairs\">\n"
      "<thead><tr><th scope=\"col\">held out</th><th scope=\"col\">what came back</th></tr></thead>\n";
  for (const Json& pair : pairs) {
    const bool same = pair["original"] == pair["output"];
    html += "<tr><td>" + shown(pair["original"], same ? Json() : pair["output"]) + "</td><td>" +
            (same ? "<span class=\"same\">the same</span>" : shown(pair["output"], pair["original"])) + "</td></tr>\n";
  }
  return html + "</table></div>\n";
}

/// What came back, below or beside what was held out.
std::string pairs_html(const std::string& title, const std::string& about, const Json& pairs) {
  const bool strip =
      std::any_of(pairs.begin(), pairs.end(), [](const Json& pair) { return pair["original"].contains("image"); });
  return "<h3>" + title + "</h3>\n<p>" + about + "</p>\n" + (strip ? pair_strip(pairs) : pair_table(pairs));
}

std::string reconstruction_examples(const Json& examples) {
  std::string html;
  if (examples.contains("reconstructions"))
    html += pairs_html("Examples", "The first of the sample, which is in random order.", examples["reconstructions"]);
  if (examples.contains("mistakes") && !examples["mistakes"].empty())
    html += pairs_html("Mistakes", "More that did not come back unchanged; in texts, what differs is marked.",
                       examples["mistakes"]);
  return html;
}

std::string ratio_text(const Json& path, size_t i) {
  if (path[i].contains("ratio")) {
    char text[8];
    std::snprintf(text, sizeof text, "%.1f", path[i]["ratio"].get<double>());
    return text;
  }
  return i == 0 ? "from" : "to";
}

std::string path_examples(const Json& examples) {
  if (!examples.contains("paths")) return "";
  std::string html =
      "<h3>Paths</h3>\n<p>From one held-out sequence to another; ratios 0.0 and 1.0 are the "
      "reconstructions of the two. In texts, what differs from the line above is marked.</p>\n<div class=\"paths\">\n";
  for (const Json& path : examples["paths"]) {
    const bool strip = has_images(path);
    html += strip ? "<div class=\"strip\">" : "<div class=\"wide\"><table class=\"texts path\">\n";
    for (size_t i = 0; i < path.size(); ++i) {
      const bool aside = !path[i].contains("ratio") || (i > 0 && path[i]["text"] == path[i - 1]["text"]);
      if (strip)
        html += tile(picture(path[i]), ratio_text(path, i) + " " + mark(path[i]));
      else
        html += std::string(aside ? "<tr class=\"aside\">" : "<tr>") + "<th scope=\"row\">" + ratio_text(path, i) +
                "</th><td>" + mark(path[i]) + "</td><td>" + shown(path[i], i == 0 ? Json() : path[i - 1]) +
                "</td></tr>\n";
    }
    html += strip ? "</div>\n" : "</table></div>\n";
  }
  return html + "</div>\n";
}

std::string sample_examples(const Json& examples) {
  if (!examples.contains("samples")) return "";
  std::string html = "<div class=\"columns\">\n";
  for (const auto& [prior, rows] : examples["samples"].items()) {
    const bool strip = has_images(rows);
    html += "<div><h3>Samples, " + words(prior) + " prior</h3>\n";
    html += strip ? "<div class=\"strip\">" : "<table class=\"texts\">\n";
    for (const Json& row : rows)
      html +=
          strip ? tile(picture(row), mark(row)) : "<tr><td>" + mark(row) + "</td><td>" + shown(row) + "</td></tr>\n";
    html += strip ? "</div></div>\n" : "</table></div>\n";
  }
  return html + "</div>\n";
}

/// A place that the page's script fills.
std::string plot(const std::string& name) {
  return "<div class=\"plot\" id=\"plot-" + name + "\"></div>\n";
}

std::string examples_of(const std::string& section, const Json& examples) {
  if (section == "reconstruction") return reconstruction_examples(examples);
  if (section == "interpolation") return path_examples(examples);
  if (section == "prior") return sample_examples(examples);
  if (section == "shape")
    return plot("holes") + plot("deviations") + (examples.contains("latent_map") ? plot("map") : "");
  return "";
}

/// "n 1000 · seed 42 · 1.9 seconds", and the section's figures without them.
std::string size_line(Json& section) {
  std::vector<std::string> parts;
  for (const char* key : {"n", "seed", "seconds"})
    if (section.contains(key)) {
      parts.push_back(key == std::string("seconds") ? cell(section[key]) + " seconds"
                                                    : key + (" " + cell(section[key])));
      section.erase(key);
    }
  return parts.empty() ? "" : "<p class=\"size\">" + join(parts, " · ") + "</p>\n";
}

std::string section_html(const std::string& name, Json section, const Json& examples) {
  const std::string size = size_line(section);
  return "<section id=\"" + escaped(name) + "\">\n<h2>" + heading(name) + "</h2>\n<p>" + escaped(figure_meaning(name)) +
         "</p>\n" + tables(name, section) + size + examples_of(name, examples) + "</section>\n";
}

std::string training_html(const Json& examples) {
  return "<section id=\"training\">\n<h2>Training</h2>\n" +
         (examples.contains("curves")
              ? plot("curves")
              : std::string("<p class=\"absent\">The model's folder has no logs/metrics.jsonl, so no curves.</p>\n")) +
         "</section>\n";
}

/// The figures a reader looks for first.
std::string headlines(const Json& report) {
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"/reconstruction/exact_match", "come back unchanged"},
      {"/interpolation/valid", "valid between two texts"},
      {"/fluency/paths/fluency", "as fluent between two texts as real ones"},
      {"/prior/normal/valid", "valid samples, N(0, I)"},
      {"/prior/fitted/valid", "valid samples, fitted prior"},
      {"/shape/active_units", "active units"}};
  std::string html;
  for (const auto& [path, caption] : wanted) {
    const Json::json_pointer pointer(path);
    if (!report.contains(pointer) || !report[pointer].is_number()) continue;
    const Json& value = report[pointer];
    char percent[16];
    std::snprintf(percent, sizeof percent, "%.1f %%", 100 * value.get<double>());
    const Json dims = report.value(Json::json_pointer("/shape/latent_dims"), Json());
    html += "<div><dd>" + (value.is_number_float() ? percent : cell(value) + " of " + cell(dims)) + "</dd><dt>" +
            escaped(caption) + "</dt></div>\n";
  }
  return html.empty() ? "" : "<dl class=\"headlines\">\n" + html + "</dl>\n";
}

bool is_section(const std::string& name, const Json& value) {
  return value.is_object() && name != "data" && name != "skipped";
}

/// What was measured: everything of the report that is no section.
std::string about(const Json& report) {
  std::string html = "<dl class=\"about\">\n";
  const auto add = [&html](const std::string& name, const Json& value) {
    html += "<dt>" + words(name) + "</dt><dd>" + cell(value) + "</dd>\n";
  };
  for (const auto& [key, value] : report.items()) {
    if (is_cell(value) && key != "verdict") add(key, value);
    if (key != "data" || !value.is_object()) continue;
    for (const auto& [name, part] : value.items())
      add(name == "path" ? "data" : name == "n" ? "sequences" : name, part);
  }
  return html + "</dl>\n";
}

/// What the figures say, in sentences.
std::string verdict_html(const Json& report) {
  std::vector<std::string> sentences;
  for (const std::string& sentence : verdict(report)) sentences.push_back(escaped(sentence));
  return sentences.empty() ? "" : "<p class=\"verdict\">" + join(sentences, " ") + "</p>\n";
}

/// Links to the sections.
std::string contents(const Json& report) {
  std::vector<std::string> links = {"<a href=\"#training\">Training</a>"};
  for (const auto& [name, section] : report.items())
    if (is_section(name, section)) links.push_back("<a href=\"#" + escaped(name) + "\">" + heading(name) + "</a>");
  return "<nav>" + join(links, " · ") + "</nav>\n";
}

std::string skipped_html(const Json& report) {
  const Json skipped = report.value("skipped", Json::object());
  if (skipped.empty()) return "";
  std::string html = "<section id=\"skipped\">\n<h2>Not measured</h2>\n<table class=\"figures\">\n";
  for (const auto& [what, why] : skipped.items())
    html += "<tr><th scope=\"row\">" + words(what) + "</th><td>" + cell(why) + "</td></tr>\n";
  return html + "</table>\n</section>\n";
}

std::string model_name(const Json& report) {
  const std::filesystem::path path = std::filesystem::path(report.value("model", "")).lexically_normal();
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  return name.empty() ? "a model" : name;
}

/// JSON inside a script element: nothing in it may look like a tag.
std::string script_json(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace))
    text += c == '<' ? "\\u003c" : std::string(1, c);
  return text;
}

}  // namespace

std::string report_page(const Json& report, const Json& examples) {
  std::string sections;
  for (const auto& [name, section] : report.items())
    if (is_section(name, section)) sections += section_html(name, section, examples);
  const Json plotted = {{"examples", examples}, {"shape", report.value("shape", Json::object())}};
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"{{title}}", escaped(model_name(report))},
      {"{{body}}", verdict_html(report) + headlines(report) + contents(report) + about(report) +
                       training_html(examples) + sections + skipped_html(report)},
      {"{{data}}", script_json(plotted)}};
  const std::string& page = report_page_template();
  std::string html;
  for (size_t at = 0; at < page.size();) {  // one pass: what is put in is not looked at again
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& candidate) {
      return page.compare(at, candidate.first.size(), candidate.first) == 0;
    });
    html += part == parts.end() ? page.substr(at, 1) : part->second;
    at += part == parts.end() ? 1 : part->first.size();
  }
  return html;
}

}  // namespace tvae
