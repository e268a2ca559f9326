package main

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"pushgate/cmd/pushgate/config"
	"pushgate/server/audit"
)

// auditing is where the record of what concerns security goes, until close.
type auditing struct {
	log  *audit.Log // nil: there is none
	file *audit.File

	stop    context.CancelFunc
	running sync.WaitGroup
}

// openAudit begins it. What goes into the log of the process goes to out.
func openAudit(c config.Log, out io.Writer, logger *slog.Logger) (*auditing, error) {
	a := &auditing{stop: func() {}}
	switch c.Audit {
	case "off":
		return a, nil
	case "log":
		a.log = audit.New(newHandler(out, c.Format, slog.LevelInfo))
	default:
		failed := func(err error) { logger.Error("a security event is not recorded", "error", err) }
		var err error
		if a.file, err = audit.OpenFile(c.Audit, failed); err != nil {
			return nil, usageError{"log.audit: " + err.Error()}
		}
		a.log = audit.New(newHandler(a.file, "json", slog.LevelInfo))
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.running.Go(func() { a.log.Run(ctx) })
	return a, nil
}

// reload goes on in a new file if the old one was moved away.
func (a *auditing) reload() error {
	if a.file == nil {
		return nil
	}
	return a.file.Reopen()
}

func (a *auditing) close() {
	a.stop()
	a.running.Wait()
	if a.file != nil {
		_ = a.file.Close()
	}
}
