package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span, written as Go does (300ms, 5s, 1h30m), with days
// before that if there are any (3d, 1d12h).
type Duration time.Duration

const day = 24 * time.Hour

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	value, ok := parseDuration(strings.TrimSpace(string(text)))
	if !ok {
		return fmt.Errorf("%q is not a duration; write a number with its unit, as 300ms, 5s, 1h30m or 3d", text)
	}
	*d = Duration(value)
	return nil
}

func parseDuration(text string) (time.Duration, bool) {
	var days time.Duration
	rest := text
	if head, tail, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(head, 10, 32)
		if err != nil || n > uint64(math.MaxInt64/day) {
			return 0, false
		}
		days, rest = time.Duration(n)*day, tail
		if rest == "" {
			return days, true
		}
	}
	value, err := time.ParseDuration(rest)
	if err != nil || value < 0 || value > math.MaxInt64-days {
		return 0, false
	}
	return days + value, true
}

// String writes the duration without units that are zero.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
