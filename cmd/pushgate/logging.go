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
	return slog.New(newHandler(out, c.Format, level)), level, nil
}

func newHandler(out io.Writer, format string, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.NewJSONHandler(out, options)
	}
	return slog.NewTextHandler(out, options)
}
