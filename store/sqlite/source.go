package sqlite

import (
	"net/url"
	"path/filepath"
)

// dataSource is the driver's name for the file, with the settings that every
// connection starts with.
func dataSource(path string, options Options) string {
	synchronous := "FULL"
	if options.Relaxed {
		synchronous = "NORMAL"
	}
	file := url.URL{
		Scheme: "file",
		Path:   filepath.ToSlash(path),
		RawQuery: url.Values{"_pragma": {
			"busy_timeout(5000)",
			"journal_mode(WAL)",
			"synchronous(" + synchronous + ")",
			// Pages of 4 KiB: scattered appends write the same pages again and
			// again, and a longer log copies each of them back less often.
			"wal_autocheckpoint(16000)",
			"journal_size_limit(67108864)",
			"cache_size(-32768)",
			"temp_store(MEMORY)",
		}}.Encode(),
	}
	return file.String()
}
