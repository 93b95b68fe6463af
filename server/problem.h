// What is answered where something is wrong: problem documents (RFC 9457).
#pragma once

#include <string>

#include "server/http.h"
#include "tvae/base/error.h"

namespace tvae::server {

/// `detail` is one line; `pointer` says where in the request, as a JSON pointer.
HttpResponse problem(int status, const std::string& detail, const std::string& pointer = "");

/// Of what the library refused: 409 for what has to be made first, 422 for the rest. Paths of this machine do not
/// leave it.
HttpResponse problem(const Error& error);

/// Of each path in a message the last part alone: "cannot write report.json" of "cannot write /home/ada/m/report.json".
std::string without_folders(const std::string& message);

/// A request that cannot be answered as it is; leaves an operation as an exception.
class Refused : public std::runtime_error {
 public:
  Refused(int status, const std::string& detail, std::string pointer = "")
      : std::runtime_error(detail), status_(status), pointer_(std::move(pointer)) {}
  HttpResponse response() const { return problem(status_, what(), pointer_); }

 private:
  int status_;
  std::string pointer_;
};

}  // namespace tvae::server
