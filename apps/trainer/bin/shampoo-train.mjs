#!/usr/bin/env node
// A file that is there before the build, so that package managers can link it when they install.
import '../dist/main.js';
