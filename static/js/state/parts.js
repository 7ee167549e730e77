// @ts-check
/** The parts of app/analysis/parts.py, in the order in which they are shown. */
export const PARTS = [
  "objects_in_use",
  "objects_free",
  "c_in_use",
  "c_mapped",
  "c_trimmable",
  "c_free_kept",
  "stacks",
  "files",
  "shared",
  "huge_waste",
  "other",
];
