package main

import (
	"errors"
	"log/slog"

	"pushgate/cmd/pushgate/config"
	"pushgate/server/rpc"
)

// reread reads the command line, the environment and the file once more.
type reread func() (*config.Flags, error)

// Reload is part of rpc.Process.
func (n *node) Reload() (rpc.Reloaded, error) {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	if !n.isDraining() {
		n.manager.Reloading()
		defer func() { n.manager.Ready(n.status()) }()
	}
	// Neither waits for the other to be right: a key is to be taken away while a
	// certificate is broken, and a log to be rotated while the file is wrong.
	renewed, problems := n.shown.reload()
	if err := n.audit.reload(); err != nil {
		problems = append(problems, "log.audit: "+oneLine(err))
	}
	for _, problem := range problems {
		n.logger.Error("not everything was reloaded; what it concerns goes on as it was", "error", problem)
	}
	applied, restart, err := n.reload()
	if err != nil {
		err = errors.New(oneLine(err))
		n.audit.log.Reloaded(nil, nil, err)
		n.logger.Error("the configuration was not reloaded; no setting has changed", "error", err)
		return rpc.Reloaded{}, err
	}
	applied = append(renewed, applied...)
	n.audit.log.Reloaded(applied, restart, nil)
	n.logger.Info("configuration reloaded", "applied", applied, "needs_restart", restart)
	return rpc.Reloaded{Applied: applied, Restart: restart, Problems: problems}, nil
}

// reload looks at all settings before one changes.
func (n *node) reload() (applied, restart []string, err error) {
	next, err := n.reread()
	if err != nil {
		return nil, nil, err
	}
	n.passed.inherit(next)
	flags, changes, err := n.flags.Load().Reload(next)
	if err != nil {
		return nil, nil, err
	}
	if err := flags.Engine().Validate(); err != nil {
		return nil, nil, err
	}
	callers, err := flags.CallerSettings()
	if err != nil {
		return nil, nil, err
	}
	rules, err := flags.Rules()
	if err != nil {
		return nil, nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(flags.Log.Level)); err != nil {
		return nil, nil, err
	}

	// What these two can refuse was refused above.
	if err := n.engine.Reload(flags.Live()); err != nil {
		return nil, nil, err
	}
	if err := n.callers.Set(callers); err != nil {
		return nil, nil, err
	}
	n.level.Set(level)
	n.door.reload(flags)
	if n.verifier != nil {
		n.verifier.SetRules(rules)
	}
	if n.asked != nil {
		n.asked.authorizer.SetRules(rules)
	}
	n.web.AllowOrigins(flags.HTTP.AllowedOrigins)
	n.flags.Store(flags)
	for _, c := range changes {
		if c.Live {
			applied = append(applied, c.Key)
		} else {
			restart = append(restart, c.Key)
		}
	}
	return applied, restart, nil
}
