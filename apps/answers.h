// What tvae-tensors prints for command lines that only ask it about itself: help, completions, the man page. Asked when
// it is built, and carried by tvae, which so needs no flags of verbs that it does not have.
#pragma once

namespace tvae::apps {

/// An object, of the texts by command line: {"train --help": "...", "completion bash": "..."}, as `tvae completion
/// json` prints it.
const char* answers_json();

}  // namespace tvae::apps
