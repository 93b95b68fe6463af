#include "tests/fuzz/fuzz.h"
#include "tvae/run/run_record.h"

/// run.json: what is read is the same when it is written twice.
TVAE_FUZZ(run_record) {
  const auto& scratch = tvae::test::scratch();
  scratch.put("run/run.json", std::string(data));
  const auto record = tvae::read_run_record(scratch.path("run"));
  TVAE_ASSERT(record, "no record and no error");
  tvae::write_run_record(scratch.path("first"), *record);
  tvae::write_run_record(scratch.path("second"), *tvae::read_run_record(scratch.path("first")));
  TVAE_ASSERT(scratch.get("first/run.json") == scratch.get("second/run.json"), "a record that does not read back");
}
