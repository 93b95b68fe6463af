import type { View } from "../state/workspace.ts";

/** What each view is called, and what one does there. */
export const ABOUT: Record<View, { name: string; what: string }> = {
  path: { name: "Path", what: "The texts between two texts, or along several." },
  map: { name: "Map", what: "The corpus as the model sees it; every place of it can be read." },
  sample: { name: "Sample", what: "New texts: of the prior, or near a text." },
  steer: { name: "Steer", what: "A text moved along directions that mean something." },
  breed: { name: "Breed", what: "Children of one to four parents, generation after generation." },
  climb: { name: "Climb", what: "From a text uphill on a property, staying where texts are likely." },
  analogy: { name: "Analogy", what: "A is to B as C is to what?" },
  health: { name: "Health", what: "Whether the space is any good." },
};
