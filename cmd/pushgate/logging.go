package main

import (
	"fmt"
	"io"
	"log/slog"

	"pushgate/cmd/pushgate/config"
)

// newLogger answers the logger, and the level that it follows.
func newLogger(out io.Writer, c config.Log) (*slog.Logger, *slog.LevelVar, error) {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, nil, fmt.Errorf("log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, options)), level, nil
	}
	return slog.New(slog.NewTextHandler(out, options)), level, nil
}
