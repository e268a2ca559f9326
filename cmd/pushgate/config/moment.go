package config

import (
	"fmt"
	"strings"
	"time"
)

// Moment is a point in time: a date, at whose beginning in UTC it is, or a time as of
// RFC 3339. The zero one never comes.
type Moment struct{ time.Time }

// UnmarshalText reads a moment.
func (m *Moment) UnmarshalText(text []byte) error {
	value := strings.TrimSpace(string(text))
	if value == "" {
		*m = Moment{}
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, value); err == nil {
			*m = Moment{at.UTC()}
			return nil
		}
	}
	return fmt.Errorf("%q is not a time; write a date, as 2030-01-31, or date and time, as 2030-01-31T12:00:00Z", value)
}

// String writes it as UnmarshalText reads it.
func (m Moment) String() string {
	if m.IsZero() {
		return `""`
	}
	return m.Format(time.RFC3339)
}
