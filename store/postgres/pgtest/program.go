package pgtest

import "path/filepath"

// Program is the path of one of the server's own programs, such as pgbench.
func (s *Server) Program(name string) string { return filepath.Join(s.binaries, name) }

// Execute runs one statement on a database.
func Execute(url, sql string) error { return execute(url, sql) }
