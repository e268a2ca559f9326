package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Check names, a line each, what keeps Append from being durable on this
// server, for this role and database; nil when it is.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	err = s.do(ctx, "check the settings", func(ctx context.Context, conn *pgx.Conn) error {
		var fsync, fullPages, commit string
		var standby bool
		if err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'),
			current_setting('synchronous_commit'), pg_is_in_recovery()`).Scan(&fsync, &fullPages, &commit, &standby); err != nil {
			return err
		}
		if fsync == "off" {
			warnings = append(warnings, "fsync is off: a crash of the machine can destroy the database; set fsync = on in postgresql.conf and reload")
		}
		if fullPages == "off" {
			warnings = append(warnings, "full_page_writes is off: a crash of the machine can destroy pages; set full_page_writes = on in postgresql.conf and reload (unless the file system writes pages as a whole)")
		}
		if commit == "off" {
			warnings = append(warnings, "synchronous_commit is off: a crash of the server loses messages that were answered as stored; set synchronous_commit = on in postgresql.conf, or ALTER ROLE or ALTER DATABASE ... RESET synchronous_commit")
		}
		if standby {
			warnings = append(warnings, "the server is a standby (in recovery) and takes no writes; point the URL at the primary, or add target_session_attrs=read-write")
		}
		return nil
	})
	return warnings, err
}
