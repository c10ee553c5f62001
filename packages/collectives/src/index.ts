// The public entry: re-exports only.
