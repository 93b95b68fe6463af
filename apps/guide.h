// What `tvae` alone and `tvae help` print: a first walk, by task.
#pragma once

namespace tvae::apps {

inline constexpr char kGuide[] =
    "tvae learns a smooth latent space of sequences: text, code, molecules, ...\n"
    "\n"
    "Train on a file, a sequence a line or a table; it is looked at, and the rest\n"
    "is chosen and told:\n"
    "  tvae train --train FILE --out MODEL\n"
    "\n"
    "See how good the space is (models/python_lines is one to begin with):\n"
    "  tvae eval MODEL\n"
    "\n"
    "Walk in it, from one text to another:\n"
    "  tvae interpolate MODEL --from TEXT --to TEXT\n"
    "\n"
    "tvae --help lists the verbs, tvae help VERB tells one.\n";

}  // namespace tvae::apps
