// Package config is the configuration of a node. The struct Config is its only
// source: the flag, the environment variable, the YAML key, the default and the
// help of each setting come from its tags, and docs/configuration.md is written
// from them.
//
// A flag wins over the environment, that over the file, and that over the
// default. Everything that cannot be is answered with one Problem, which says
// where it stands and what to change.
package config
