// Words of the page that not everybody knows, in plain ones, shown when the pointer rests on them, and what several
// parts say.

export const LOG_DENSITY = "How likely the prior makes this code, as a logarithm: the higher, the more usual";

export const PATHS =
  "Arc (slerp): round the middle of the space, where codes are likely. Straight (lerp): the shortest way, through the middle. " +
  "Arc of each token: each latent token goes on an arc of its own.";

export const SEARCH =
  "Where a text is not valid, tries so many codes close by and takes the nearest one whose text is; slower, and only for models with a check";

export const CONSTRAIN = "Never close a bracket that is not open, nor end while a bracket or string is";

export const CUT = "Longer than the model takes; only its beginning is read.";
