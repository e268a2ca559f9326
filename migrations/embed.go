// Package migrations holds the database schema as numbered SQL files, one
// folder per engine, and loads them in order.
package migrations

import "embed"

// Files holds <engine>/<version>_<name>.sql for each engine.
//
//go:embed */*.sql
var Files embed.FS
